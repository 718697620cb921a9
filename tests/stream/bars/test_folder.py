import os

import numpy as np
import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.file import draft_of_csv
from flotilla.stream.bars.folder import TEXTS, draft_of_files, files_of
from flotilla.stream.bars.options import Options

KO = "date,close\n2024-01-02,60\n2024-01-03,61\n"
PEP = "date,close\n2024-01-03,170\n2024-01-04,171\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "KO.csv").write_text(KO)
    (tmp_path / "PEP.csv").write_text(PEP)
    (tmp_path / ".KO.csv").write_text("hidden")
    (tmp_path / "notes.md").write_text("# notes")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "IBM.csv").write_text(KO)
    return tmp_path


def read(given, **options):
    return panel_of(draft_of_files(given, Options(**options), draft_of_csv, TEXTS))


def names(given):
    return [file.name for file in files_of(given, TEXTS)]


def test_a_folder_a_pattern_and_a_list_are_the_same_files(folder):
    assert names(str(folder)) == ["KO.csv", "PEP.csv"]
    assert names(f"{folder}/*.csv") == ["KO.csv", "PEP.csv"]
    assert names([f"{folder}/PEP.csv", f"{folder}/K*.csv"]) == ["PEP.csv", "KO.csv"]
    assert names(f"{folder}/**/*.csv") == ["KO.csv", "PEP.csv", "IBM.csv"]


def test_each_file_is_an_instrument_on_the_union_of_all_times(folder):
    panel = read(str(folder))

    assert (panel.name, panel.instruments) == (folder.name, ("KO", "PEP"))
    expected = [[60.0, np.nan], [61.0, 170.0], [np.nan, 171.0]]
    assert np.array_equal(panel.fields["close"], expected, equal_nan=True)
    assert panel.identity == read([f"{folder}/KO.csv", f"{folder}/PEP.csv"]).identity


def test_one_file_is_what_it_was(folder):
    assert read(f"{folder}/K*.csv").name == "KO.csv"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("{}/*.parquet", "no file is called like that"),
        ("{}/none.csv", "cannot be read: No such file"),
        ("{}/empty", "it is a folder without a file of .csv"),
        ("{}/deep", "so say .*/deep/[*][*]/[*].csv"),
        (["{}/KO.csv", "{}/K*.csv"], "path leads to a file twice: .*KO.csv"),
        ([], "path is an empty list"),
        ([7], "path: 7 should be a text"),
        ("{}/a\0b", "is no path: it has a NUL in it"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_mistake_of_the_configuration(folder, given, message):
    (folder / "empty").mkdir()
    (folder / "deep" / "er").mkdir(parents=True)
    if isinstance(given, str):
        given = given.format(folder)
    elif given and isinstance(given[0], str):
        given = [each.format(folder) for each in given]

    with pytest.raises(ConfigError, match=message):
        read(given)


def test_all_bad_files_are_told_at_once(folder):
    (folder / "A.csv").write_text("date,close\n2024-01-02,x\n")
    (folder / "B.csv").write_text("date,close\n2024-01-03,1\n2024-01-02,1\n")

    with pytest.raises(DataError) as caught:
        read(str(folder))

    text = str(caught.value)
    assert text.startswith(
        "2 files of 4 cannot be used:\nA.csv cannot be used:\n  1 x a cell is not a number"
    )
    assert "B.csv cannot be used:\n  1 x a row goes back in time" in text


def test_a_text_among_the_files_of_a_folder_is_told_with_the_pattern_that_leaves_it_out(folder):
    (folder / "README.txt").write_text("These are prices.\nMine.\n")

    with pytest.raises(DataError) as caught:
        read(str(folder))

    assert str(caught.value).startswith("1 file of 3 cannot be used:\nREADME.txt cannot be used")
    assert str(caught.value).endswith(f"or leave such files out: {folder}/*.csv")
    assert read(f"{folder}/*.csv").instruments == ("KO", "PEP")


def test_a_pipe_in_a_folder_is_left_out(folder):
    os.mkfifo(folder / "pipe.csv")

    assert names(str(folder)) == ["KO.csv", "PEP.csv"]

import json

import pytest

from flotilla.errors import ConfigError
from flotilla.research.report import write_report


def test_a_report_is_a_page_with_its_numbers_beside_it(made, tmp_path):
    html, numbers = write_report(made(), tmp_path / "new" / "folder")

    assert html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert json.loads(numbers.read_bytes())["name"] == "cross"
    assert sorted(path.name for path in html.parent.iterdir()) == ["report.html", "report.json"]


def test_its_folder_may_be_named_by_a_text(made, tmp_path):
    html, _ = write_report(made(), str(tmp_path / "new"))

    assert html == tmp_path / "new" / "report.html"


def test_the_same_data_make_the_same_files(made, tmp_path):
    first, second = (write_report(made(), tmp_path / name) for name in "ab")

    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_a_report_that_cannot_be_written_leaves_the_old_one(made, tmp_path):
    files = write_report(made(), tmp_path)
    old = [path.read_bytes() for path in files]

    with pytest.raises(UnicodeEncodeError):
        write_report(made(name="half a character: \ud800"), tmp_path)

    assert [path.read_bytes() for path in files] == old


@pytest.mark.parametrize("place", [None, 5, "page.html"])
def test_what_is_no_folder_is_said(made, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigError, match="should be"):
        write_report(made(), place)
    assert not [*tmp_path.iterdir()]


def test_a_result_is_no_report_yet(tmp_path):
    with pytest.raises(ConfigError, match=r"write_report\(report_data\(result\), folder\), not 'result'"):
        write_report("result", tmp_path)

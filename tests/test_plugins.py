import importlib
import sys

import pytest

from flotilla.errors import ConfigError, UnknownName
from flotilla.plugins import check_params, find, handed, known, names, parameters

STRATEGY = '''
from neighbour import HALF

def breakout(lookback: int, threshold: float = HALF, name: str = "x", *, model=None):
    """Buy what leaves its range.

    More about it.
    """
    return lookback, threshold

class Nested:
    inner = breakout

NUMBER = 3
'''


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "my_file.py").write_text(STRATEGY)
    (tmp_path / "neighbour.py").write_text("HALF = 0.5\n")
    yield tmp_path
    sys.modules.pop("neighbour", None)


def test_ours_come_in_by_entry_points():
    assert {"csv", "frame", "parquet", "sample"} <= set(names("source"))
    assert find("source", "sample").__name__ == "Sample"


def test_an_unknown_name_answers_with_the_nearest():
    with pytest.raises(UnknownName, match=r"no source is called 'parket'; did you mean parquet\?"):
        find("source", "parket")
    with pytest.raises(UnknownName, match="no kind of plugin is called 'sources'; did you mean source"):
        find("sources", "csv")
    with pytest.raises(UnknownName, match="no risk model is called"):
        find("risk", "psychic")


def test_what_is_known_is_told_without_using_it():
    csv = known("source")["csv"]

    assert csv.path == "flotilla.builtin.sources.csv:Csv"
    assert csv.doc == "Bars from CSV files."
    assert csv.parameters["path"].required
    assert csv.error == ""


@pytest.mark.parametrize("name", ["my_file:breakout", "my_file.py:breakout", "my_file:Nested.inner"])
def test_a_users_file_is_found_beside_the_configuration(folder, name):
    assert find("strategy", name, folder)(3) == (3, 0.5)


def test_a_users_file_is_found_where_the_command_is_run(folder, monkeypatch):
    (folder / "deep").mkdir()
    monkeypatch.chdir(folder)
    absolute = f"{folder}/my_file.py:breakout"

    assert find("strategy", "my_file:breakout", folder / "deep")(3) == (3, 0.5)
    assert find("strategy", "./my_file.py:breakout")(3) == (3, 0.5)
    assert find("strategy", absolute) is find("strategy", "my_file:breakout")


def test_a_file_that_was_changed_is_run_again(folder):
    first = find("strategy", "my_file:breakout", folder)
    (folder / "my_file.py").write_text(STRATEGY.replace("return lookback,", "return -lookback,"))

    second = find("strategy", "my_file:breakout", folder)

    assert (first(3), second(3)) == ((3, 0.5), (-3, 0.5))
    assert find("strategy", "my_file:breakout", folder) is second


def test_a_users_package_is_found_too(folder):
    (folder / "ideas").mkdir()
    (folder / "ideas" / "gap.py").write_text("from . import base\ndef gap(): return base.N\n")
    (folder / "ideas" / "base.py").write_text("N = 4\n")

    assert find("strategy", "ideas.gap:gap", folder)() == 4


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_fil:breakout", "there is no module my_fil, and no file my_fil.py in"),
        ("deep/my_file.py:breakout", "there is no file deep/my_file.py in"),
        ("my_file:breakot", r"my_file:breakot: no 'breakot' in it; did you mean breakout\?"),
        ("my_file:NUMBER", "my_file:NUMBER is a int, not a function or a class"),
        ("torn:x", r"torn.py, line 2: .*: def x\(:"),
        ("needy:x", "needy.py cannot be imported: No module named 'not_installed'"),
        ("flotilla.errors:Nope", "flotilla.errors is flotilla's own code"),
        ("flotilla.nope:x", "there is no module flotilla.nope"),
    ],
)
def test_a_mistake_is_told_as_one(folder, name, message):
    (folder / "torn.py").write_text("y = 1\ndef x(:\n")
    (folder / "needy.py").write_text("import not_installed\n")

    with pytest.raises(ConfigError, match=message):
        find("strategy", name, folder)


def test_an_error_of_the_file_itself_is_not_hidden(folder):
    (folder / "wrong.py").write_text("1 / 0\n")

    with pytest.raises(ZeroDivisionError):
        find("strategy", "wrong:x", folder)
    assert not [name for name in sys.modules if name.startswith("wrong_")]


def test_parameters_are_those_of_the_signature(folder):
    there = parameters(find("strategy", "my_file:breakout", folder))

    assert list(there) == ["lookback", "threshold", "name", "model"]
    assert (there["lookback"].annotation, there["lookback"].required) == (int, True)
    assert (there["threshold"].default, there["threshold"].required) == (0.5, False)


def test_annotations_that_only_a_checker_imports_stay_text(folder):
    text = "from __future__ import annotations\ndef f(a: Unknown, b: int = 1): pass\n"
    (folder / "lazy.py").write_text(text)

    assert parameters(find("strategy", "lazy:f", folder))["a"].annotation == "Unknown"


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"lookback": 3, "treshold": 1}, "no parameter of b is called 'treshold'; did you mean threshold?"),
        ({"threshold": 1.0}, "b needs lookback"),
        ({"lookback": 2.5}, "lookback of b: Expected `int`, got `float`, it is 2.5"),
        ({"lookback": True}, "lookback of b: Expected `int`, got `bool`, it is True"),
        ({"lookback": 1, "name": 1}, "name of b: Expected `str`, got `int`, it is 1"),
    ],
)
def test_wrong_parameters_are_told(folder, params, message):
    with pytest.raises(ConfigError, match=message):
        check_params(find("strategy", "my_file:breakout", folder), params, "b")


def test_right_parameters_pass(folder):
    breakout = find("strategy", "my_file:breakout", folder)

    check_params(breakout, {"lookback": 1, "threshold": 1, "model": object()}, "b")
    check_params(lambda **anything: anything, {"x": 1}, "b")


def test_a_file_is_run_again_when_one_that_it_imports_has_changed(folder):
    (folder / "user.py").write_text("from middle_of import N\ndef f(): return N\n")
    (folder / "middle_of.py").write_text("from deep_in import N\n")
    (folder / "deep_in.py").write_text("N = 1\n")
    first = find("strategy", "user:f", folder)

    (folder / "deep_in.py").write_text("N = 2\n")  # as long as before, and in the same second

    assert (first(), find("strategy", "user:f", folder)()) == (1, 2)
    assert find("strategy", "user:f", folder) is find("strategy", "user:f", folder)


def test_what_was_imported_before_the_file_changed_is_imported_anew(folder, monkeypatch):
    (folder / "user_of.py").write_text("from early_bird import N\ndef f(): return N\n")
    (folder / "early_bird.py").write_text("N = 1\n")
    monkeypatch.syspath_prepend(folder)
    importlib.import_module("early_bird")

    (folder / "early_bird.py").write_text("N = 2\n")

    assert find("strategy", "user_of:f", folder)() == 2


def test_a_users_package_is_imported_anew_when_a_file_of_it_has_changed(folder):
    (folder / "notions").mkdir()
    (folder / "notions" / "gap.py").write_text("from . import base\ndef gap(): return base.N\n")
    (folder / "notions" / "base.py").write_text("N = 4\n")
    before = find("strategy", "notions.gap:gap", folder)()

    (folder / "notions" / "base.py").write_text("N = 5\n")

    assert (before, find("strategy", "notions.gap:gap", folder)()) == (4, 5)


def test_a_comment_does_not_have_a_file_run_again(folder):
    first = find("strategy", "my_file:breakout", folder)

    (folder / "my_file.py").write_text(STRATEGY + "\n# a comment\n")

    assert find("strategy", "my_file:breakout", folder) is first


def test_what_is_handed_out_is_not_what_is_kept():
    kept = {"levels": [3, 1, 2], "deep": [{"x": [2, 1]}], "n": 1}

    out = handed(kept)
    out["levels"].sort()
    out["deep"][0]["x"].clear()

    assert kept == {"levels": [3, 1, 2], "deep": [{"x": [2, 1]}], "n": 1}

"""`make check` runs the tests of what a change touches."""

import subprocess

from tests.house import mirror
from tests.house.mirror import touched

THERE = {
    "tests/stream/test_log.py",
    "tests/stream/test_log_file.py",
    "tests/builtin/test_strategies.py",
    "tests/research/test_sweep.py",
    "tests/research/test_sweep_kept.py",
    "tests/docs/test_pages.py",
    "tests/house/test_sizes.py",
}


def test_a_module_s_test_is_the_one_that_mirrors_it_and_those_that_begin_with_its_name():
    assert touched(["src/flotilla/research/sweep.py"], THERE) == [
        "tests/research/test_sweep.py",
        "tests/research/test_sweep_kept.py",
    ]


def test_a_package_of_small_modules_has_one_test_beside_its_folder():
    assert touched(["src/flotilla/builtin/strategies/ma_cross.py"], THERE) == [
        "tests/builtin/test_strategies.py"
    ]


def test_a_test_is_its_own_and_a_page_is_read_by_the_tests_of_the_manual():
    names = [
        "tests/stream/test_log.py",
        "docs/live.md",
        "tests/house/test_sizes.py",
        "tests/stream/conftest.py",
    ]

    assert touched(names, THERE) == ["tests/docs/test_pages.py", "tests/stream/test_log.py"]


def test_what_has_no_test_and_what_is_gone_touch_none():
    assert touched(["pyproject.toml", "src/flotilla/gone.py", "tests/stream/test_gone.py"], THERE) == []


def test_git_says_what_differs_from_the_last_commit_or_else_what_that_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(mirror, "REPOSITORY", tmp_path)
    who = ["-c", "user.name=ann", "-c", "user.email=ann@localhost"]

    def git(*asked):
        subprocess.run(["git", *who, *asked], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    assert mirror.changed() == []
    for name in ("one", "two"):
        (tmp_path / name).write_text("first")
        git("add", name)
        git("commit", "-m", name)
    assert mirror.changed() == ["two"]
    (tmp_path / "one").write_text("second")
    (tmp_path / "new").write_text("first")
    assert mirror.changed() == ["one", "new"]

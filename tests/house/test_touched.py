"""`make check` runs the tests of what a change touches."""

from tests.house.mirror import changed, touched

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


def test_git_says_what_changed():
    assert all(isinstance(name, str) for name in changed())

import json

import pytest

from flotilla.config import read
from flotilla.errors import ConfigError, UnknownName
from flotilla.research import runs
from flotilla.research.choice import one_of
from flotilla.research.runs import find_run, folder_of_run, keep_run, kept_in, live_folder_of

ORDER = "small-00000042-BRK-B-0"


def test_a_portfolio_that_ran_is_found_by_an_order_of_it(one, home):
    path = keep_run(read(one), one.parent, "run")

    kept = find_run(ORDER, None)

    assert path == home / "runs" / "small" / "run.json"
    assert kept.config == read(one)
    assert kept.plugins == one.parent
    assert kept == kept_in(path) == find_run(ORDER, path.parent)


def test_the_last_of_a_name_is_kept(one):
    keep_run(read(one), one.parent, "run")
    one.write_text(one.read_text().replace("slow: 20", "slow: 50"))
    keep_run(read(one), None, "live")

    assert find_run(ORDER, None).config.strategies["cross"].params["slow"] == 50
    assert find_run(ORDER, None).plugins is None


def test_an_unknown_portfolio_answers_with_the_nearest(one):
    keep_run(read(one), None, "run")

    with pytest.raises(UnknownName, match="did you mean small"):
        find_run("smal-00000042-AAPL-0", None)


def test_a_file_says_where_an_order_is_from(one, six):
    assert find_run(ORDER, one).config == read(one)
    assert find_run("small-4-00000042-AAPL-0", six).config == one_of(read(six), 4)
    with pytest.raises(ConfigError, match=r"the order is of small-4, and .* is of small"):
        find_run("small-4-00000042-AAPL-0", one)


def test_a_damaged_record_is_named(home):
    path = folder_of_run("small") / "run.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"config": 3}))

    with pytest.raises(ConfigError, match=r"run\.json is not what a run leaves"):
        find_run(ORDER, None)
    with pytest.raises(ConfigError, match="cannot be read"):
        kept_in(home / "nowhere")


def test_nobody_else_sees_the_names_of_runs(one, home):
    (home / "runs").mkdir(parents=True)
    (home / "runs").chmod(0o755)

    runs.keep_run(read(one), None, "run")

    assert (home / "runs").stat().st_mode & 0o777 == 0o700


def test_a_file_says_where_an_order_of_one_of_several_is_from(book):
    kept = find_run("small-bold-00000042-AAPL-0", book)

    assert kept.config == read(book).each()["small-bold"]
    assert kept.live_folder == live_folder_of("small")

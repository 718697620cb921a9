from datetime import date
from pathlib import Path

import pytest

from flotilla.cli.demo import CONFIG, configuration_in, last_years
from flotilla.config import read
from flotilla.research import sweep
from flotilla.research.grid import grid_of
from flotilla.research.market import open_panel


def test_the_demo_is_the_example_in_the_repository(repository_root):
    assert CONFIG.read_text() == (repository_root / "examples" / "cross.yaml").read_text()


def test_it_sweeps_the_ten_thousand_pairs_on_the_sample():
    config = read(CONFIG)

    axes = config.axes()
    assert grid_of(config, None).size == 10_000
    assert (axes["cross.fast"][0], axes["cross.fast"][-1]) == (2, 101)
    assert (axes["cross.slow"][0], axes["cross.slow"][1], axes["cross.slow"][-1]) == (105, 107, 303)
    assert (config.portfolio.allocation, config.portfolio.fee_bps) == (0.05, 10.0)


def test_a_folder_keeps_the_configuration_that_its_user_changed(tmp_path):
    path = configuration_in(tmp_path / "demo")
    path.write_text("name: mine\n")

    assert configuration_in(tmp_path / "demo").read_text() == "name: mine\n"


def test_live_begins_two_years_before_the_data_ends(one):
    assert last_years(open_panel(read(one), None)) == date(2020, 1, 1)


def test_all_of_it_on_a_small_configuration(call, six, tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    six.rename(folder / "cross.yaml")

    found = call("demo", "-o", folder)

    best = sweep(folder / "cross.yaml").table["portfolio"][0]
    assert found.code == 0
    assert "1. Research: every portfolio of" in found.out
    assert "The best of 6 is luck until shown otherwise." in found.out
    assert f"2. A report of the best, portfolio {best}" in found.out
    assert (folder / "report.html").stat().st_size > 100_000
    assert "3. Live: the best from 2020-01-01 on" in found.out
    assert "EQUAL" in found.out
    assert f"flotilla why small-{best}-20200101-" in found.err


def test_its_json_has_all_three_parts(call, six, tmp_path):
    six.rename(tmp_path / "cross.yaml")

    found = call("demo", "-o", tmp_path, "--json")

    assert found.code == 0
    assert list(found.json) == ["sweep", "report", "live"]
    assert Path(found.json["report"]["html"]).is_file()
    assert found.json["live"]["equal"] is True


@pytest.fixture
def repository_root():
    return Path(__file__).resolve().parents[2]

import errno
from pathlib import Path

import pytest

from flotilla.model.measures import RANKED
from flotilla.research import run, runs


def test_a_run_tells_its_measures_beside_buying_and_holding(call, one):
    found = call("run", one)

    assert found.code == 0
    assert "small: 2019-01-02 to 2021-12-31, 757 bars" in found.out
    assert "Sharpe ratio" in found.out
    assert f"flotilla report {one}" in found.err


def test_its_json_has_every_measure_to_the_last_bit(call, one):
    expected = run(one)

    found = call("run", one, "--json").json

    assert found["measures"] == expected.measures
    assert list(found["buy_and_hold"]) == list(RANKED)
    assert found["identity"] == expected.identity
    assert (found["orders"], found["fills"]) == (len(expected.orders), len(expected.fills))


def test_it_is_held_against_what_is_named(call, one):
    found = call("run", one, "--benchmark", "KO", "--full")

    assert found.code == 0
    assert "Information ratio" in found.out
    assert "buy and hold" not in found.out
    told = call("run", one, "--benchmark", "KO", "--json").json
    assert told["benchmark"]["name"] == "KO"
    assert "buy_and_hold" not in told
    assert call("run", one, "--benchmark", "NOPE").code == 2


def test_full_json_has_every_order_fill_and_bar(call, one):
    expected = run(one)

    found = call("run", one, "--json", "--full").json

    assert [order["order_id"] for order in found["orders"]] == [o.order_id for o in expected.orders]
    assert [fill["price"] for fill in found["fills"]] == [fill.price for fill in expected.fills]
    assert found["equity"] == expected.equity.tolist()


def test_one_portfolio_of_a_sweep_is_run_by_its_number(call, six):
    assert call("run", six, "--portfolio", 4, "--json").json["portfolio"] == "small-4"
    assert call("run", six).code == 2


def test_the_plan_is_told_and_nothing_is_run(call, one, home):
    found = call("run", one, "--plan")

    assert "reads close" in found.out
    assert "sma(close" in found.out
    assert not home.exists()
    assert "reads close" in call("run", one, "--plan", "--json").json["plan"]


def test_a_strategy_beside_the_configuration_is_found_and_run(call, one):
    one.with_name("mine.py").write_text(
        "from flotilla.stage import close, delay\n\n\ndef up(days: int = 3):\n"
        '    """Long what rose."""\n    return close > delay(close, days)\n'
    )
    one.write_text(one.read_text().replace("kind: ma_cross, params: {fast: 5, slow: 20}", 'kind: "mine:up"'))

    assert call("run", one, "--json").json["orders"] > 0


@pytest.mark.parametrize("command", ["run", "report"])
def test_what_was_computed_is_shown_before_it_cannot_be_kept(call, one, monkeypatch, command):
    def full(path: Path, _content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device; there is no room on the disk", str(path))

    monkeypatch.setattr(runs, "write_atomically", full)

    found = call(command, one)

    assert found.code == 1
    assert ("Final equity" if command == "run" else "Buy and hold would have made it") in found.out
    assert f"{runs.folder_of_run('small') / 'run.json'}: No space left on device" in found.err


@pytest.mark.parametrize(
    ("command", "shown"),
    [("run", "Final equity"), ("sweep", "The 6 best"), ("report", "Buy and hold would have made it")],
)
def test_a_file_where_everything_is_kept_loses_nothing_that_was_computed(
    call, one, six, home, command, shown
):
    home.write_text("")

    found = call(command, six if command == "sweep" else one)

    assert found.code == 1
    assert {"run": "Final equity", "sweep": "The 6 best", "report": "Buy and hold would"}[
        command
    ] in found.out
    assert f"{home} is there, and is no folder" in found.err


def test_several_portfolios_stand_side_by_side(call, book):
    shown = call("run", book)

    assert shown.code == 0, shown.err
    assert "small, 2 portfolios" in shown.out
    assert all(name in shown.out for name in ("careful", "bold", "Final equity of buy and hold"))
    assert "--portfolio careful" in shown.err


def test_several_are_told_one_by_one_and_each_is_that_of_its_own_run(call, book):
    told = call("run", book, "--json").json["portfolios"]

    assert [each["portfolio"] for each in told] == ["small-careful", "small-bold"]
    for each in told:
        alone = run(book, portfolio=each["portfolio"].removeprefix("small-"))
        assert each["measures"]["final_equity"] == alone.measures["final_equity"]
        assert each["identity"] == alone.identity
    assert told[0]["measures"] != told[1]["measures"]


def test_one_of_several_is_run_by_its_name(call, book):
    assert call("run", book, "--portfolio", "bold", "--json").json["portfolio"] == "small-bold"
    assert "did you mean bold" in call("run", book, "--portfolio", "bald").err


def test_an_order_of_one_of_several_says_why(call, book):
    order = call("run", book, "--full", "--json").json["portfolios"][1]["orders"][0]["order_id"]

    assert order in call("why", order).out

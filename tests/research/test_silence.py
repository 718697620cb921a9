"""A run or a sweep that never trades says so, and what it would need."""

import numpy as np
import pytest

from flotilla.config import as_dict, decode
from flotilla.research import run, sweep
from flotilla.research.silence import crowded_in_run, flat_in_run, loud_in_run, short_in_run
from flotilla.testing import made_market

MINE = """
from math import nan
from flotilla.stage import Node, Window, close, sma, rsi, where

def above(n: int = 3) -> Node:
    return close > sma(close, n)

def never() -> Node:
    return where(close > 0, nan, nan)

def both(n: int = 3) -> Node:
    return where(close > sma(close, n), 1.0, -1.0)

def loud(n: int = 3) -> Node:
    return where(close > sma(close, n), 2.0, 1.0)

def nought() -> Node:
    return where(close < 0, 1, 0)

def picks(n: int = 3) -> Node:
    return rsi(close, n) < 50 if n > 5 else close > sma(close, 2 * n)
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path


@pytest.fixture(scope="module")
def panel():
    return made_market(bars=60, instruments=2, gaps=False)


def configured(strategies, **rest):
    kinds = {name: {"kind": f"mine:{kind}", "params": params} for name, (kind, params) in strategies.items()}
    return decode({"name": "quiet", "strategies": kinds, **rest})


def of_silence(result):
    """Return what a result remarks on strategies that say nothing, apart from what else it remarks."""
    return tuple(said for said in result.remarks if "never" in said)


def test_a_window_longer_than_the_data_is_told_with_what_it_needs(folder, panel):
    config = configured({"far": ("above", {"n": 20_000_000}), "near": ("above", {"n": 3})})

    result = run(config, panel=panel, folder=folder)

    assert of_silence(result) == (
        "far never says anything: it needs 20,000,000 rows for its first signal, and the data has 60 rows",
    )
    assert np.isnan(result.signals["far"]).all()
    assert result.fills


def test_a_strategy_that_could_speak_and_does_not_is_told(folder, panel):
    result = run(configured({"mute": ("never", {})}), panel=panel, folder=folder)

    assert of_silence(result) == ("mute never says anything: it has no signal on any bar that is traded",)


def test_a_strategy_that_speaks_needs_no_word(folder, panel):
    assert of_silence(run(configured({"near": ("above", {})}), panel=panel, folder=folder)) == ()
    swept = configured({"s": ("above", {})}, sweep={"s.n": [3, 5]})
    assert of_silence(sweep(swept, panel=panel, folder=folder)) == ()


def test_portfolios_of_a_sweep_that_never_trade_are_counted(folder, panel):
    config = configured({"s": ("above", {})}, sweep={"s.n": [3, 5, 61, 1000], "portfolio.fee_bps": [0, 10]})

    assert of_silence(sweep(config, panel=panel, folder=folder)) == (
        "4 of 8 portfolios never traded: 4 of them would need 61 to 1,000 rows for a first signal, "
        "and the data has 60 rows",
    )


def test_a_sweep_that_is_built_for_each_value_is_counted_as_well(folder, panel):
    config = configured({"s": ("picks", {}), "t": ("above", {})}, sweep={"s.n": [2, 60], "t.weight": [0, 1]})

    said = of_silence(sweep(config, panel=panel, folder=folder))

    # The one of n = 60 that does not hear t: an index of 60 changes needs 61 rows.
    assert said == (
        "1 of 4 portfolios never traded: 1 of them would need 61 rows for a first signal, "
        "and the data has 60 rows",
    )


def test_portfolios_that_do_not_trade_for_other_reasons_are_counted_without_one(folder, panel):
    config = configured({"s": ("above", {})}, sweep={"portfolio.risk_tolerance": [0, 1]})

    assert of_silence(sweep(config, panel=panel, folder=folder)) == ("1 of 2 portfolios never traded",)


def test_a_short_signal_in_a_cash_account_is_said():
    said = np.array([[0.5, -1.0], [0.0, 1.0], [-0.5, np.nan]])

    assert short_in_run({"both": said}, 1) == (
        "both said short on 2 of 3 bars: a cash account cannot be short, and takes it as flat",
    )
    assert short_in_run({"long": abs(said), "both": said}, 2) == (
        "both said short on 2 of 3 bars: a cash account cannot be short, and lets it take away from what the "
        "others say, and holds the sum at 0",
    )


def test_a_sweep_says_of_its_best_portfolio_that_it_says_short(folder, panel):
    config = configured({"s": ("both", {}), "t": ("above", {})}, sweep={"s.n": [3, 5]})

    swept = sweep(config, panel=panel, folder=folder)

    short = int((swept.result(int(swept.table["portfolio"][0])).signals["s"] < 0).any(axis=1).sum())
    assert short > 0
    assert [said for said in swept.remarks if "short" in said] == [
        f"in the best portfolio s said short on {short} of 60 bars: "
        "a cash account cannot be short, and lets it take away from what the others say, and holds the sum "
        "at 0",
    ]


def test_a_strategy_that_says_0_throughout_is_told(folder, panel):
    result = run(configured({"none": ("nought", {}), "near": ("above", {})}), panel=panel, folder=folder)

    assert result.orders
    assert of_silence(result) == ("none never says anything but 0, which is flat",)


def test_a_portfolio_that_never_traded_for_another_reason_is_told():
    said = np.array([[np.nan], [1.0]])

    assert flat_in_run({"one": said}, orders=0) == ("the portfolio never traded",)
    assert flat_in_run({"one": said}, orders=1) == ()
    assert flat_in_run({"mute": said * np.nan}, orders=0) == ()  # it is told of already
    assert flat_in_run({"none": said * 0.0}, orders=0) == ("none never says anything but 0, which is flat",)


def test_a_signal_beyond_one_is_told_with_what_it_counts_as():
    said = {"a": np.array([[0.5, 2.5], [1.0, np.nan], [-3.0, 1.5]])}

    assert loud_in_run(said, 1) == ("a said up to 2.5 on 2 of 3 bars: a signal beyond 1 counts as 1",)
    assert loud_in_run(said, 2) == ("a said up to 3 on 2 of 3 bars: a signal beyond 1 counts as 1",)
    assert loud_in_run({"a": np.array([[1.0, -1.0, np.nan]])}, 2) == ()


def test_weights_that_come_to_more_than_all_are_told():
    assert crowded_in_run(np.array([[0.5, 0.5], [0.7, 0.2], [np.nan, 1.0]])) == ()
    assert crowded_in_run(np.array([[0.6, 0.6], [1.0, 1.0], [0.1, 0.1]])) == (
        "weights came to more than 1 on 2 of 3 bars, to 2 at the highest: a cash account buys with the "
        "cash that it has, so buys were cut in proportion, and exposure stayed at about 1",
    )


def test_a_run_and_a_sweep_remark_on_both(folder, panel):
    config = configured({"loud": ("loud", {"n": 3})}, portfolio={"allocation": 1.0})
    swept = decode(as_dict(config) | {"sweep": {"loud.n": [3, 4]}})

    result, table = run(config, panel=panel, folder=folder), sweep(swept, panel=panel, folder=folder)

    loud = [said for said in result.remarks if "beyond 1 counts as 1" in said]
    assert loud == [f"loud said up to 2 on {np.any(result.signals['loud'] > 1, axis=1).sum()} of 60 bars: a "
                    "signal beyond 1 counts as 1"]  # fmt: skip
    assert [said for said in result.remarks if "weights came to more than 1" in said and "to 2 at" in said]
    assert [said for said in table.remarks if said.startswith("in the best portfolio loud said up to 2 on")]

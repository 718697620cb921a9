"""One portfolio in full, and what is said to someone whose configuration cannot be simulated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError, StageError
from flotilla.research import benchmark_of, report_data, run, sweep
from flotilla.testing import made_market

PLAIN = {"name": "plain", "strategies": {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 8}}}}


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=2, bars=120, instruments=3)


def simulated(panel, folder=None, **otherwise):
    return run(decode({**PLAIN, **otherwise}), panel=panel, folder=folder)


def test_a_run_has_every_bar_and_all_that_was_owned(panel):
    result = simulated(panel)

    assert result.equity.shape == result.cash.shape == result.ts.shape == (120,)
    assert result.positions.shape == result.weights.shape == result.signals["s"].shape == (120, 3)
    assert result.fills
    np.testing.assert_array_equal(result.exposure, (result.equity - result.cash) / result.equity)


def test_what_is_to_be_known_of_the_data_is_said_with_every_result(panel):
    noted = replace(panel, remarks=("AAA ends early",))

    assert simulated(noted).remarks[0] == "AAA ends early"
    assert sweep(decode(PLAIN), panel=noted).remarks[0] == "AAA ends early"
    assert report_data(simulated(noted)).remarks[0] == "AAA ends early"


def test_equal_runs_have_equal_bits_and_equal_names(panel):
    one, two = simulated(panel), simulated(panel)

    assert one.identity == two.identity
    assert one.equity.tobytes() == two.equity.tobytes()
    assert [repr(order) for order in one.orders] == [repr(order) for order in two.orders]


def test_frames_have_a_row_for_each_bar_order_and_fill(panel):
    result = simulated(panel)

    frame = result.frame()
    assert frame.columns == ["ts", "equity", "cash", "exposure", "return", *panel.instruments]
    assert frame["ts"].dtype == pl.Datetime("ns", "UTC")
    assert frame["equity"].to_list() == result.equity.tolist()
    assert result.frame_of_orders()["order_id"].to_list() == [o.order_id for o in result.orders]
    assert result.frame_of_fills()["quantity"].to_list() == [f.quantity for f in result.fills]


def test_rows_before_the_start_warm_up_and_are_not_traded(panel):
    whole, late = simulated(panel), simulated(panel, portfolio={"start": "2000-03-01"})

    first = int(late.bars[0])
    assert str(panel.ts_event[first].astype("datetime64[ns]")).startswith("2000-03-01")
    assert late.signals["s"].tobytes() == whole.signals["s"][first:].tobytes()
    assert late.equity[0] == 1e6
    assert late.orders[0].bar == first  # the averages are known on the very first bar
    assert late.fills[0].bar > first


def test_of_several_strategies_each_ones_signals_are_kept(panel):
    hold = {"kind": "buy_and_hold"}

    both = simulated(panel, strategies={**PLAIN["strategies"], "hold": hold})

    assert list(both.signals) == ["s", "hold"]
    assert both.signals["s"].tobytes() == simulated(panel).signals["s"].tobytes()


def test_the_benchmark_buys_all_in_equal_parts_and_holds(panel):
    config = decode({**PLAIN, "portfolio": {"fee_bps": 5, "max_drawdown": 0.01, "cap": 0.1}})

    benchmark = benchmark_of(config, None, panel)

    bought = [f.instrument for f in benchmark.fills]
    assert sorted(bought) == sorted(panel.instruments)
    assert benchmark.config.portfolio.fee_bps == 5
    assert benchmark.portfolio_id == "buy-and-hold"


def test_a_file_is_run_with_strategies_beside_it(tmp_path, panel):
    (tmp_path / "mine.py").write_text(
        "from flotilla.stage import close, sma\ndef above(n: int = 3): return close > sma(close, n)\n"
    )
    (tmp_path / "run.yaml").write_text("name: filed\nstrategies: {a: {kind: 'mine:above', params: {n: 5}}}\n")

    result = run(tmp_path / "run.yaml", panel=panel)

    assert result.portfolio_id == "filed"
    assert result.fills


WRONG = {
    "no such strategy": (
        {"strategies": {"s": {"kind": "ma_cros"}}},
        r"\$\.strategies\.s: no strategy is called 'ma_cros'; did you mean ma_cross\?",
    ),
    "no such parameter": (
        {"strategies": {"s": {"kind": "ma_cross", "params": {"fsat": 3}}}},
        r"\$\.strategies\.s: no parameter of ma_cross is called 'fsat'; did you mean fast\?",
    ),
    "a parameter of the wrong type": (
        {"strategies": {"s": {"kind": "ma_cross", "params": {"fast": "x"}}}},
        "fast of ma_cross: Expected `int`, got `str`",
    ),
    "a window of nothing": (
        {"strategies": {"s": {"kind": "ma_cross", "params": {"fast": 0}}}},
        "sma looks back over a whole number of rows, at least 1, not over 0",
    ),
    "a start after the data": (
        {"portfolio": {"start": "2030-01-01"}},
        r"\$\.portfolio\.start: the data ends before 2030-01-01",
    ),
    "a sweep": ({"sweep": {"s.fast": [2, 3]}}, r"sweeps 2 portfolios: name one"),
    "no such table": (
        {"portfolio": {"decisions": "nix.csv"}},
        r"\$\.portfolio\.decisions: there is no file .*nix.csv",
    ),
    "a field that the data do not have": (
        {"strategies": {"s": {"kind": "mine:vwap"}}},
        "the data has no vwap; it has close, high, low, open, volume",
    ),
    "a strategy that gives a number": (
        {"strategies": {"s": {"kind": "mine:number"}}},
        "strategy 's' gave int; it must give an expression, a Window, a Fold or an OnBar",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_run_is_said_with_its_place_and_what_there_is(what, panel, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from flotilla.stage.expression import field\n"
        "def vwap(): return field('vwap') > 1\n"
        "def number(): return 3\n"
    )
    otherwise, message = WRONG[what]

    with pytest.raises(ConfigError, match=message):
        simulated(panel, tmp_path, **otherwise)


def test_data_without_opens_cannot_be_filled_at_the_open(panel):
    only = replace(panel, fields={"close": panel.fields["close"]})

    with pytest.raises(ConfigError, match="the data has no open; it has close"):
        simulated(only, portfolio={"fill_at": "open"})


def test_a_strategy_that_fails_is_named(panel, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from flotilla.stage import Window\n"
        "class Broken(Window):\n"
        "    def over(self, close): raise ZeroDivisionError('nothing to divide by')\n"
    )

    with pytest.raises(StageError, match="Broken: ZeroDivisionError: nothing to divide by"):
        simulated(panel, tmp_path, strategies={"s": {"kind": "mine:Broken"}})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("trend.py", r'trend\.py is a strategy.*kind: "trend\.py:NAME"'),
        ("trend.py:up", r'trend\.py:up is a strategy.*kind: "trend\.py:up"'),
        ("ma_cross", r'ma_cross is a strategy.*from Python: run\("ma_cross"\)'),
        ("prices.csv", r'is data.*data: \{source: csv, params: \{path: "prices\.csv"\}\}'),
        ("prices.parquet", "source: parquet"),
    ],
)
def test_what_is_no_configuration_is_named_as_what_it_is(path, told):
    with pytest.raises(ConfigError, match=told):
        run(Path(path))

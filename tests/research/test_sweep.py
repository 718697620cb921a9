"""Thousands of portfolios in one pass: each is the run of its own configuration, whoever computes it."""

from math import isnan
from unittest.mock import patch

import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
from flotilla.model.measures import MEASURES, RANKED
from flotilla.research import run, sweep
from flotilla.stream.table import Store
from flotilla.testing import made_market

CONFIG = {
    "name": "many",
    "strategies": {
        "cross": {"kind": "ma_cross", "params": {"slow": 20}},
        "rsi": {"kind": "rsi_reversion", "params": {"n": 5}, "weight": 0.5},
    },
    "portfolio": {"slippage_bps": 5, "max_drawdown": 0.2},
    "sweep": {
        "cross.fast": {"from": 2, "to": 9},
        "rsi.high": [50.0, 60.0],
        "portfolio.fee_bps": [0, 10],
        "portfolio.lot": [0.0, 7.0],
    },
}


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=6, bars=200, instruments=4)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def swept(panel, store=None, *, told=None, folder=None, fresh=False, workers=2, **otherwise):
    progress = None if told is None else lambda *rows: told.append(rows)
    config = decode({**CONFIG, **otherwise})
    return sweep(
        config, panel=panel, store=store, folder=folder, fresh=fresh, workers=workers, progress=progress
    )


def bits(table):
    return {name: repr(table[name].to_list()) for name in table.columns}


def row_of(result, k):
    return result.table.filter(result.table["portfolio"] == k).row(0, named=True)


def assert_alone(result, k, panel, folder=None):
    """Assert that portfolio k has the measures of its own run, to the bit."""
    row, alone = row_of(result, k), run(result.config_of(k), panel=panel, folder=folder)
    for name, value in alone.measures.items():
        assert row[name] == value or (row[name] is None and isnan(value)), (name, result.grid.values(k))


def test_every_portfolio_is_the_run_of_its_configuration_in_every_bit(panel):
    result = swept(panel)

    assert result.table.height == 64
    for k in range(64):
        assert_alone(result, k, panel)


def test_a_sweep_may_vary_what_code_runs_and_on_which_rows(panel, tmp_path):
    (tmp_path / "d.csv").write_text(
        "ts_recv,scale,cap\n2000-03-01T00:00:00Z,0.5,0.1\n2000-06-01T00:00:00Z,0,1\n"
    )
    families = {
        "portfolio.size_at": ["decision", "fill"],
        "portfolio.rebalance": ["change", "bar"],
        "portfolio.fill_at": ["close", "open"],
        "portfolio.start": [None, "2000-02-01"],
        "portfolio.decisions": [None, "d.csv"],
    }

    result = swept(panel, folder=tmp_path, sweep={"cross.fast": [2, 5], **families, "rsi.low": [30, 40]})

    assert result.table.height == 128
    assert result.table["final_equity"].n_unique() > 64
    for k in range(0, 128, 3):
        assert_alone(result, k, panel, tmp_path)


@pytest.mark.parametrize("workers", [1, 2, 5, 64])
@pytest.mark.parametrize("feature_bytes", [1, 40_000, 1 << 26])
def test_workers_and_stretches_of_rows_change_nothing(workers, feature_bytes, panel):
    axes = CONFIG["sweep"] | {"cross.fast": {"from": 2, "to": 81}}  # enough for several blocks of lanes
    expected = swept(panel, workers=1, sweep=axes)

    with patch("flotilla.portfolio.lanes.FEATURE_BYTES", feature_bytes):
        result = swept(panel, workers=workers, sweep=axes)

    assert bits(result.table) == bits(expected.table)


def test_a_sweep_of_nothing_is_one_portfolio(panel):
    result = swept(panel, sweep={})

    assert result.table.height == 1
    assert_alone(result, 0, panel)


@pytest.mark.parametrize("measure", RANKED)
def test_the_best_come_first_and_equals_by_their_numbers(measure, panel):
    result = swept(panel, rank_by=measure, portfolio={"risk_tolerance": 1.0, "max_drawdown": 0.03})

    values = [
        (v is None, v, k) for v, k in zip(result.table[measure], result.table["portfolio"], strict=True)
    ]
    sign = 1.0 if MEASURES[measure].lower else -1.0
    assert values == sorted(values, key=lambda row: (row[0], 0.0 if row[0] else sign * row[1], row[2]))
    assert result.best(3).equals(result.table.head(3))


def test_a_portfolio_that_never_trades_has_no_ratios_and_comes_last(panel):
    result = swept(panel, sweep={"portfolio.risk_tolerance": [0.0, 1.0]})

    last = result.table.row(1, named=True)
    assert last["portfolio.risk_tolerance"] == 0.0
    assert (last["orders"], last["final_equity"], last["sharpe"], last["calmar"]) == (0.0, 1e6, None, None)


def test_the_axes_are_columns_and_the_numbers_count_through_them(panel):
    result = swept(panel)

    assert result.axes["cross.fast"] == tuple(range(2, 10))
    assert row_of(result, 0)["portfolio.lot"] == 0.0
    assert row_of(result, 1)["portfolio.lot"] == 7.0  # the last key changes fastest
    assert row_of(result, 63)["cross.fast"] == 9
    assert result.config_of(63).strategies["cross"].params == {"slow": 20, "fast": 9}
    assert not result.config_of(63).sweep


def test_progress_is_told_in_rows_up_to_all_of_them(panel):
    told = []

    swept(panel, told=told, sweep={"portfolio.size_at": ["decision", "fill"]})

    assert told[-1] == (400, 400)
    assert told == sorted(told)


def test_what_was_swept_is_found_again(panel, store):
    first, told = swept(panel, store), []

    second = swept(panel, store, told=told)

    assert (first.reused, second.reused, told) == (False, True, [])
    assert first.identity == second.identity
    assert bits(first.table) == bits(second.table)


def test_another_ranking_is_of_the_same_table(panel, store):
    first = swept(panel, store)

    second = swept(panel, store, rank_by="max_drawdown")

    assert second.reused
    assert bits(second.table.sort("portfolio")) == bits(first.table.sort("portfolio"))
    assert second.table["max_drawdown"].is_sorted()


def test_a_fresh_sweep_is_computed_although_it_is_stored(panel, store):
    first, told = swept(panel, store), []

    second = swept(panel, store, told=told, fresh=True)

    assert not second.reused
    assert told
    assert bits(first.table) == bits(second.table)


def test_a_list_of_portfolios_is_swept_in_its_order(panel):
    listed = {"cross.fast": [9, 2, 9], "cross.slow": [20, 30, 20], "portfolio.allocation": [None, 0.5, 0.1]}

    result = sweep(decode({**CONFIG, "sweep": {}}), panel=panel, portfolios=listed)

    assert [row_of(result, k)["cross.fast"] for k in range(3)] == [9, 2, 9]
    for k in range(3):
        assert_alone(result, k, panel)


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ({"cross.fsat": [1, 2]}, "no parameter of ma_cross is called 'fsat'; did you mean fast?"),
        ({"crss.fast": [1, 2]}, "nothing is called 'crss'; did you mean cross?"),
        ({"portfolio.cahs": [1.0]}, "a portfolio has no 'cahs'; did you mean cash?"),
        ({"portfolio.fee_bps": [-1.0]}, "expected `float` >= 0.0, it is -1.0"),
        ({"cross.fast": [1, 2], "cross.slow": [3]}, "one value each for every key"),
        ({}, "one value each for every key"),
    ],
)
def test_a_list_of_portfolios_is_checked(listed, message, panel):
    with pytest.raises(ConfigError) as raised:
        sweep(decode({**CONFIG, "sweep": {}}), panel=panel, portfolios=listed)

    assert message in str(raised.value)


def test_the_memory_that_it_takes_is_predicted(panel):
    assert 0 < swept(panel).bytes < 50_000_000


def test_what_cannot_be_written_ends_no_sweep_and_is_said(panel, tmp_path):
    (tmp_path / "checkpoints").write_text("a file where a folder should be")
    (tmp_path / "store").write_text("another")

    with patch("flotilla.portfolio.lanes.FEATURE_BYTES", 1):
        result = sweep(decode(CONFIG), panel=panel, store=Store(tmp_path), checkpoint_s=0.0)

    assert bits(result.table) == bits(swept(panel).table)
    kept, table = (remark for remark in result.remarks if "cannot be written" in remark)
    assert kept.startswith("no checkpoint was kept: ")
    assert table.startswith("the table is not kept: ")


def test_more_portfolios_than_there_is_room_for_are_refused_with_their_number(panel):
    far = {"from": 1, "to": 10_000}

    with pytest.raises(ConfigError, match="10000 x 10000 values are 100,000,000 portfolios"):
        swept(panel, sweep={"cross.fast": far, "cross.slow": far})

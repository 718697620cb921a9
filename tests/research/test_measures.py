"""Measures from running sums are those of the whole equity curve."""

from math import isnan

import numpy as np
import pytest

from flotilla.config import MEASURES, decode
from flotilla.kernel.portfolio import Terms, new_tally
from flotilla.research import run
from flotilla.research.measures import bars_a_year, measures_of
from flotilla.testing import made_market

DAY = 86_400_000_000_000
HOUR = DAY // 24


@pytest.fixture(scope="module")
def result():
    config = {
        "name": "measured",
        "strategies": {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}},
        "portfolio": {"slippage_bps": 5},
    }
    return run(decode(config), panel=made_market(seed=3, bars=300, instruments=4))


def test_measures_are_those_that_numpy_finds_in_the_equity(result):
    equity, years = result.equity, 300 / 252.0
    returns = np.diff(equity) / equity[:-1]
    peak = np.maximum.accumulate(equity)
    traded = sum(abs(f.quantity * f.price) for f in result.fills)
    cagr = (equity[-1] / 1e6) ** (1.0 / years) - 1.0
    drawdown = (1.0 - equity / peak).max()

    expected = {
        "final_equity": equity[-1],
        "total_return": equity[-1] / 1e6 - 1.0,
        "cagr": cagr,
        "volatility": returns.std(ddof=1) * np.sqrt(252.0),
        "sharpe": returns.mean() / returns.std(ddof=1) * np.sqrt(252.0),
        "max_drawdown": drawdown,
        "calmar": cagr / drawdown,
        "orders": len(result.fills),
        "turnover": traded / equity.mean() / years,
        "fees": sum(f.fee for f in result.fills),
        "exposure": ((equity - result.cash) / equity).mean(),
    }

    assert list(result.measures) == list(MEASURES)
    assert result.measures == pytest.approx(expected, rel=1e-9)


def test_what_is_not_defined_is_not_a_number():
    tally = new_tally(Terms(*(np.ones(1) for _ in Terms._fields)))

    found = measures_of(tally._replace(held=np.array([10.0])), np.ones(1), 10, 252.0)

    assert isnan(found["sharpe"][0])
    assert isnan(found["calmar"][0])
    assert found["volatility"][0] == found["max_drawdown"][0] == found["turnover"][0] == 0.0


@pytest.mark.parametrize("bars", [1, 2])
def test_too_few_bars_for_a_scatter_are_no_error(bars):
    config = decode({"name": "short", "strategies": {"s": {"kind": "buy_and_hold"}}})

    measures = run(config, panel=made_market(bars=bars, instruments=2)).measures

    assert isnan(measures["sharpe"])
    assert measures["final_equity"] == 1e6 or bars == 2


def test_daily_bars_are_252_a_year_with_weekends_and_holidays():
    days = np.array([0, 1, 2, 3, 4, 7, 8, 10, 11]) * DAY

    assert bars_a_year(days) == 252.0
    assert bars_a_year(days[:1]) == 252.0


def test_other_bars_are_as_many_as_there_were_a_year():
    hours = np.arange(0, 24 * 365) * HOUR
    weeks = np.arange(0, 200) * 7 * DAY

    assert bars_a_year(hours) == pytest.approx(365.25 * 24)
    assert bars_a_year(weeks) == pytest.approx(365.25 / 7)

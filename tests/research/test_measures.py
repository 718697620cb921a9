"""Measures from running sums are those of the whole equity curve."""

from math import isnan

import numpy as np
import pandas as pd
import pytest

from flotilla.config import decode
from flotilla.kernel.records import new_sums
from flotilla.model.measures import RANKED
from flotilla.research import panel_from, run
from flotilla.research.measures import measures_of
from flotilla.testing import made_market

DAY = 86_400_000_000_000


@pytest.fixture(scope="module")
def result():
    config = {
        "name": "measured",
        "strategies": {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}},
        "portfolio": {"slippage_bps": 5},
    }
    return run(decode(config), panel=made_market(seed=3, bars=300, instruments=4))


def test_measures_are_those_that_numpy_finds_in_the_equity(result):
    equity, years = result.equity, (result.ts[-1] - result.ts[0]) / (365.25 * DAY)
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

    assert list(result.measures) == list(RANKED)
    assert result.measures == pytest.approx(expected, rel=1e-9)


def sums_of(returns, equity=None, held=10.0):
    """Return the sums of one portfolio that starts at 1 with these returns, in the kernel's order."""
    sums = new_sums(np.ones(1))
    total = square = 0.0
    for r in returns:
        total, square = total + r, square + r * r
    one = {"total": total, "square": square, "held": held, "equity": np.prod(1.0 + np.array(returns))}
    return sums._replace(**{name: np.array([value]) for name, value in one.items()})


def found_in(returns, **changes):
    sums = sums_of(returns)._replace(**{name: np.array([value]) for name, value in changes.items()})
    return {k: v[0] for k, v in measures_of(sums, np.ones(1), len(returns) + 1, 1.0, 252.0).items()}


def test_what_is_not_defined_is_not_a_number():
    found = found_in([0.0] * 9)

    assert isnan(found["sharpe"])
    assert isnan(found["calmar"])
    assert found["volatility"] == found["max_drawdown"] == found["turnover"] == 0.0


@pytest.mark.parametrize("growth", [0.1, 0.02, 0.3, -0.1, 0.5, 1e-4, 1e-8, -1e-6])
@pytest.mark.parametrize("bars", [12, 252, 50_000])
@pytest.mark.parametrize("cash", [1e3, 12345.67])
def test_a_growth_without_scatter_has_no_sharpe_ratio(growth, bars, cash):
    equity = cash * (1.0 + growth) ** np.arange(min(bars, int(600 / abs(np.log1p(growth)))))

    found = found_in((equity[1:] * (1.0 / equity[:-1]) - 1.0).tolist())

    assert isnan(found["sharpe"])
    assert found["volatility"] == 0.0


def test_a_scatter_that_is_small_but_there_keeps_its_ratio():
    returns = [1e-4 + (-1) ** k * 1e-7 for k in range(1000)]

    assert found_in(returns)["sharpe"] == pytest.approx(
        np.mean(returns) / np.std(returns, ddof=1) * np.sqrt(252.0), rel=1e-6
    )


def test_a_drawdown_of_rounding_gives_no_calmar_ratio():
    assert isnan(found_in([0.01, 0.02, 0.01], drawdown=1.1e-16)["calmar"])
    assert found_in([0.01, 0.02, 0.01], drawdown=0.5)["calmar"] > 0.0


def test_growth_that_no_float_holds_is_not_a_number():
    sums = sums_of([10.0, 10.0])

    found = measures_of(sums, np.ones(1), 3, 1e-4, 252.0)

    assert isnan(found["cagr"][0])
    assert isnan(found["calmar"][0])


@pytest.mark.parametrize("bars", [1, 2])
def test_too_few_bars_for_a_scatter_are_no_error(bars):
    config = decode({"name": "short", "strategies": {"s": {"kind": "buy_and_hold"}}})

    measures = run(config, panel=made_market(bars=bars, instruments=2)).measures

    assert isnan(measures["sharpe"])
    assert isnan(measures["volatility"])
    assert measures["final_equity"] == 1e6 or bars == 2


def test_growth_counts_the_intervals_and_not_the_bars():
    months = np.arange("2023-01", "2024-02", dtype="datetime64[M]").astype("datetime64[D]")
    frame = pd.DataFrame({"date": months, "symbol": "X", "close": 100.0 * 2.0 ** (np.arange(13) / 12)})
    config = decode({
        "name": "year",
        "strategies": {"s": {"kind": "buy_and_hold"}},
        "portfolio": {"fee_bps": 0},
    })  # fmt: skip

    measures = run(config, panel=panel_from(frame)).measures

    grown = 2.0 ** (11 / 12)  # bought at the second close
    assert measures["cagr"] == pytest.approx(grown ** (365.25 / 365) - 1.0, rel=1e-12)

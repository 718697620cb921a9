"""The measures of portfolios, from the sums that ran along with them (kernel.records.Sums).

Their definitions are in model/measures.py, what a year is in research/annual.py.
"""

from __future__ import annotations

import numpy as np

from flotilla.kernel.records import Sums
from flotilla.model.arrays import Floats

EPS = float(np.finfo(np.float64).eps)
ROUNDING = 64.0 * EPS  # of a return, and of a fraction of equity: sums over positions are off by less


def measures_of(sums: Sums, start: Floats, bars: int, years: float, a_year: float) -> dict[str, Floats]:
    """Return the measures, float64[P] each, of portfolios after `bars` bars that took `years`.

    start: float64[P], their cash. a_year: N, the bars in a year. NaN where a measure is not defined: a
    Sharpe ratio without scatter, a Calmar ratio without a drawdown, growth a year of one bar.
    """
    returns = bars - 1
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = sums.total / returns
        deviation = scatter(sums.total, sums.square, returns)
        cagr = _finite((sums.equity / start) ** (1.0 / np.float64(years)) - 1.0)
        fall = np.where(sums.drawdown > ROUNDING, sums.drawdown, np.nan)
        return {
            "final_equity": sums.equity,
            "total_return": sums.equity / start - 1.0,
            "cagr": cagr,
            "volatility": deviation * np.sqrt(a_year),
            "sharpe": _finite(mean / deviation * np.sqrt(a_year)),
            "max_drawdown": sums.drawdown,
            "calmar": _finite(cagr / fall),
            "orders": sums.fills,
            "turnover": _finite(sums.traded / (sums.held / bars) / years),
            "fees": sums.fees,
            "exposure": sums.invested / bars,
        }


def scatter(total: Floats, square: Floats, returns: int) -> Floats:
    """Return the standard deviation of returns from their sum and the sum of their squares; 0 of rounding.

    A sum of n floats is off by at most n·eps/2 of the sum of their absolute values, so the difference of
    `square` and `total²/n` says nothing below 2·n·eps·`square`. Each return is itself off by some eps, as
    equity is. What is below both is no scatter: dividing by it would give a Sharpe ratio of 1e9 and more.
    """
    spread = square - total * (total / returns)
    least = 2.0 * returns * EPS * square + returns * ROUNDING**2
    return np.sqrt(np.where(spread <= least, 0.0, spread) / (returns - 1))


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)

"""The measures of portfolios, from the sums that ran along with them (kernel.portfolio.Tally).

Their definitions, as a report prints them, are in research/report/definitions.py.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.portfolio import Floats, Tally

DAY_NS = 86_400_000_000_000
TRADING_DAYS = 252.0
YEAR_NS = 365.25 * DAY_NS
LOWER_IS_BETTER = frozenset({"volatility", "max_drawdown", "turnover", "fees"})


def bars_a_year(ts_event: NDArray[np.int64]) -> float:
    """Return N, the bars in a year: 252 for daily bars, else as many as there were. ts_event: int64[T]."""
    if len(ts_event) < 2 or np.median(np.diff(ts_event)) == DAY_NS:
        return TRADING_DAYS
    return float((len(ts_event) - 1) * YEAR_NS / (ts_event[-1] - ts_event[0]))


def measures_of(tally: Tally, start: Floats, bars: int, a_year: float) -> dict[str, Floats]:
    """Return the measures, float64[P] each, of portfolios after `bars` bars. start: float64[P], their cash.

    NaN where a measure is not defined: a Sharpe ratio without scatter, a Calmar ratio without a drawdown.
    """
    returns, years = bars - 1, bars / a_year
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = tally.total / returns
        variance = np.maximum(tally.square - tally.total * mean, 0.0) / (returns - 1)
        deviation = np.sqrt(variance)
        cagr = (tally.equity / start) ** (1.0 / years) - 1.0
        return {
            "final_equity": tally.equity,
            "total_return": tally.equity / start - 1.0,
            "cagr": cagr,
            "volatility": deviation * np.sqrt(a_year),
            "sharpe": _finite(mean / deviation * np.sqrt(a_year)),
            "max_drawdown": tally.drawdown,
            "calmar": _finite(cagr / tally.drawdown),
            "orders": tally.fills,
            "turnover": tally.traded / (tally.held / bars) / years,
            "fees": tally.fees,
            "exposure": tally.invested / bars,
        }


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)

"""What the returns of one portfolio say beyond the measures that every portfolio has: functions of arrays.

r: float64[T - 1], the bars' returns; a_year: N, the bars in a year (research/annual.py). NaN is "not
defined". Each statistic's formula and source is in model/measures.py.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Floats
from flotilla.research.measures import EPS, ROUNDING, scatter
from flotilla.research.periods import PeriodUnit, returns_by

NAN = float("nan")
TAIL = 0.05  # the fraction of bars beyond the value at risk


class Rolling(NamedTuple):
    """Statistics of the last `window` returns at each, float64[T - 1]; NaN before there are as many."""

    window: int
    volatility: Floats
    sharpe: Floats


def returns_of(equity: Floats) -> Floats:
    """Return each bar's return on the bar before: float64[T] -> float64[T - 1]."""
    return equity[1:] / equity[:-1] - 1.0


def returns_stats(ts: NDArray[np.int64], equity: Floats, a_year: float) -> dict[str, float]:
    """Return the statistics of the returns of equity, float64[T]. ts: int64[T] ns, on the days' own clock.

    Rows without equity (NaN) are left out.
    """
    ts, equity = ts[np.isfinite(equity)], equity[np.isfinite(equity)]
    r = returns_of(equity)
    return {
        "sortino": sortino(r, a_year),
        "var_95": value_at_risk(r),
        "cvar_95": expected_shortfall(r),
        "skew": skew(r),
        "kurtosis": kurtosis(r),
        **_extremes("day", "D", ts, equity),
        **_extremes("month", "M", ts, equity),
        "gaining_bars": float((r > 0.0).sum() / (r != 0.0).sum()) if np.any(r != 0.0) else NAN,
    }


def sortino(r: Floats, a_year: float) -> float:
    """Return the mean return over the root of the mean squared fall, scaled to a year; NaN without falls."""
    if not len(r):
        return NAN
    downside = float(np.sqrt(np.mean(np.minimum(r, 0.0) ** 2)))
    return float(r.mean()) / downside * float(np.sqrt(a_year)) if downside > ROUNDING else NAN


def value_at_risk(r: Floats) -> float:
    """Return the loss that one bar in twenty reaches, as a positive fraction of equity."""
    return -float(np.quantile(r, TAIL)) if len(r) else NAN


def expected_shortfall(r: Floats) -> float:
    """Return the mean loss of the bars that lost at least the value at risk, as a positive fraction."""
    return -float(r[r <= np.quantile(r, TAIL)].mean()) if len(r) else NAN


def skew(r: Floats) -> float:
    """Return the sample skewness (adjusted, G1); NaN of fewer than three returns or without scatter."""
    n, z = len(r), _standardised(r)
    return NAN if z is None or n < 3 else float(n / ((n - 1) * (n - 2)) * np.sum(z**3))


def kurtosis(r: Floats) -> float:
    """Return the sample excess kurtosis (adjusted, G2); NaN of fewer than four returns or without scatter."""
    n, z = len(r), _standardised(r)
    if z is None or n < 4:
        return NAN
    fourth = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * np.sum(z**4)
    return float(fourth - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3)))


def rolling(r: Floats, window: int, a_year: float) -> Rolling:
    """Return the volatility and the Sharpe ratio of each `window` returns, scaled to a year."""
    volatility, sharpe = np.full(len(r), np.nan), np.full(len(r), np.nan)
    if 2 <= window <= len(r):
        centre = float(r.mean())  # sums of what is around 0 keep more digits
        total, square = (np.concatenate(([0.0], np.cumsum(x))) for x in (r - centre, (r - centre) ** 2))
        sums, squares = total[window:] - total[:-window], square[window:] - square[:-window]
        spread = squares - sums * sums / window
        least = 2.0 * len(r) * EPS * square[-1] + window * ROUNDING**2
        deviation = np.sqrt(np.where(spread <= least, 0.0, spread) / (window - 1))
        volatility[window - 1 :] = deviation * np.sqrt(a_year)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (sums / window + centre) / deviation * np.sqrt(a_year)
        sharpe[window - 1 :] = np.where(deviation > 0.0, ratio, np.nan)
    return Rolling(window, volatility, sharpe)


def deviation_of(r: Floats) -> float:
    """Return the standard deviation of returns, float64[n]: 0 where it is rounding, NaN of fewer than two."""
    if len(r) < 2:
        return NAN
    centred = r - r.mean()
    return float(scatter(np.array([centred.sum()]), np.array([np.sum(centred**2)]), len(r))[0])


def _standardised(r: Floats) -> Floats | None:
    deviation = deviation_of(r)
    return (r - r.mean()) / deviation if deviation > 0.0 else None


def _extremes(name: str, unit: PeriodUnit, ts: NDArray[np.int64], equity: Floats) -> dict[str, float]:
    """Return the best and the worst period; NaN where bars are longer than it."""
    longest = {"D": 1.5 * DAY_NS, "M": 32.0 * DAY_NS}[unit]
    best = worst = NAN
    if len(ts) > 1 and np.quantile(np.diff(ts), 0.25, method="lower") <= longest:
        values = returns_by(unit, ts, equity).value
        # The first day has nothing before it. Of one bar it has no return at all.
        values = values[1:] if unit == "D" and len(values) == len(ts) else values
        if np.isfinite(values).any():
            best, worst = float(np.nanmax(values)), float(np.nanmin(values))
    return {f"best_{name}": best, f"worst_{name}": worst}

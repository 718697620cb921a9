"""What an equity curve did in each year and month, and how far it fell in between.

The return of a period is the last equity in it over the last equity before it, less 1. The first period has
nothing before it and starts at its own first row. So the returns of a unit, compounded, are the return of
the whole: nothing is lost at the seams, and a gap in the rows belongs to the period in which it ends.

NaN equity is a row with no valuation: the last one known stands. A period without any has the return NaN.
Dates are those of the clock that `ts` shows; `wall_clock` makes it that of a zone.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

PeriodUnit = Literal["Y", "M", "D"]
PART_DAYS = 7  # a period that lacks more days than this at either end is a part of one


class Returns(NamedTuple):
    """Returns by period, oldest first; a period without a row is not there."""

    start: NDArray[np.datetime64]  # [K] first day of the period, datetime64[D]
    value: NDArray[np.float64]  # [K] fraction; NaN without a valuation, or from an equity of 0 or less
    part: NDArray[np.bool_]  # [K] the data begin or end inside the period


class Drawdown(NamedTuple):
    """One fall: from a peak, to its lowest, to the row that is at the peak again."""

    peak: int  # ts, ns since 1970, UTC
    trough: int
    recovered: int | None  # None while it lasts
    depth: float  # fraction of the peak, (0, 1]


def wall_clock(ts: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Return what the clocks of a zone show, ns since 1970 as if it were UTC. ts: int64[T] ns UTC."""
    if zone == "UTC":
        return ts
    local = pl.Series(ts).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone(zone)
    return local.dt.replace_time_zone(None).cast(pl.Int64).to_numpy()


def returns_by(unit: PeriodUnit, ts: NDArray[np.int64], equity: NDArray[np.float64]) -> Returns:
    """Return what `equity` did in each calendar year, month or day. ts: int64[T] ns, rising.

    >>> days = np.array(["2020-12-30", "2020-12-31", "2021-06-30", "2021-12-31"], "datetime64[ns]")
    >>> returns_by("Y", days.astype(np.int64), np.array([100.0, 110.0, 99.0, 121.0])).value.round(6)
    array([0.1, 0.1])
    """
    start, first, last = spans(unit, ts)
    known = _last_known(equity)
    valued = known[last] >= first
    values = np.where(known >= 0, equity[np.maximum(known, 0)], np.nan)
    base = np.concatenate(([np.nan], values[last[:-1]]))
    for k in np.flatnonzero(np.isnan(base) & valued):
        base[k] = equity[first[k] : last[k] + 1][np.isfinite(equity[first[k] : last[k] + 1])][0]
    usable = valued & (base > 0.0)
    value = np.where(usable, values[last] / np.where(usable, base, 1.0) - 1.0, np.nan)
    return Returns(start, value, _part(unit, start, ts))


def spans(
    unit: PeriodUnit, ts: NDArray[np.int64]
) -> tuple[NDArray[np.datetime64], NDArray[np.intp], NDArray[np.intp]]:
    """Return each period's first day, and its first and last row. ts: int64[T] ns, T >= 1.

    >>> days = np.array(["2020-01-30", "2020-01-31", "2020-03-02"], "datetime64[ns]").astype(np.int64)
    >>> [list(map(int, rows)) for rows in spans("M", days)[1:]]
    [[0, 2], [1, 2]]
    """
    label = ts.astype("datetime64[ns]").astype(f"datetime64[{unit}]")
    first = np.concatenate(([0], np.flatnonzero(label[1:] != label[:-1]) + 1)).astype(np.intp)
    last = np.append(first[1:] - 1, len(ts) - 1).astype(np.intp)
    return label[first].astype("datetime64[D]"), first, last


def drawdown(equity: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far below its peak so far each row is, as a fraction of the peak. float64[T] -> float64[T].

    NaN where equity is: such a row neither sets nor breaks a peak.

    >>> drawdown(np.array([100.0, 80.0, 90.0, 120.0])).round(6)
    array([0. , 0.2, 0.1, 0. ])
    """
    return 1.0 - equity / np.fmax.accumulate(equity)


def worst_drawdowns(ts: NDArray[np.int64], equity: NDArray[np.float64], count: int) -> list[Drawdown]:
    """Return the deepest falls, deepest first, at most `count`.

    >>> falls = worst_drawdowns(np.arange(5), np.array([100.0, 80.0, 100.0, 90.0, 95.0]), 2)
    >>> [(f.peak, f.trough, f.recovered, round(f.depth, 6)) for f in falls]
    [(0, 1, 2, 0.2), (2, 3, None, 0.1)]
    """
    valued = np.flatnonzero(np.isfinite(equity))
    depth = drawdown(equity[valued])
    below = np.concatenate(([False], depth > 0.0, [False]))
    edges = np.flatnonzero(below[1:] != below[:-1])
    falls = []
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        trough = begin + int(np.argmax(depth[begin:end]))
        recovered = int(ts[valued[end]]) if end < len(valued) else None
        peak = int(ts[valued[begin - 1]])
        falls.append(Drawdown(peak, int(ts[valued[trough]]), recovered, float(depth[trough])))
    return sorted(falls, key=lambda fall: -fall.depth)[:count]


def worst_of_each(
    unit: PeriodUnit, ts: NDArray[np.int64], equity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each period's deepest row below the peak so far (of all rows, not of the period). float64[K]."""
    _, first, _ = spans(unit, ts)
    return np.asarray(np.fmax.reduceat(drawdown(equity), first))


def turnover_by(
    unit: PeriodUnit, ts: NDArray[np.int64], traded: NDArray[np.float64], equity: NDArray[np.float64]
) -> Returns:
    """Return the value traded in each period over its mean equity. traded: float64[T], account currency.

    A part of a period is not blown up to a whole one.
    """
    start, first, _ = spans(unit, ts)
    valued = np.isfinite(equity)
    rows = np.add.reduceat(valued.astype(np.float64), first)
    total = np.add.reduceat(np.where(valued, equity, 0.0), first)
    usable = (rows > 0) & (total > 0.0)
    mean = np.where(usable, total, 1.0) / np.where(usable, rows, 1.0)
    value = np.where(usable, np.add.reduceat(traded, first) / mean, np.nan)
    return Returns(start, value, _part(unit, start, ts))


def _last_known(equity: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return for each row the last row with a valuation, -1 before the first."""
    rows = np.where(np.isfinite(equity), np.arange(len(equity)), -1)
    return np.asarray(np.maximum.accumulate(rows), np.intp)


def _part(unit: PeriodUnit, start: NDArray[np.datetime64], ts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which periods the data cover in part: none but the first and the last can be."""
    part = np.zeros(len(start), np.bool_)
    begin, end = ts[[0, -1]].astype("datetime64[ns]").astype("datetime64[D]")
    after = (start[-1].astype(f"datetime64[{unit}]") + 1).astype("datetime64[D]")
    part[0] = (begin - start[0]).astype(int) > PART_DAYS
    part[-1] |= (after - 1 - end).astype(int) > PART_DAYS
    return part

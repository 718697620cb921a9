"""A sweep as a surface: one measure over the two parameters that were varied most.

With more than two, a cell shows the best over the others, which flatters every cell alike, and the page says
so. A cell whose portfolios have no value of the measure (NaN: they never traded, say) stays empty.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from flotilla.model.arrays import Floats
from flotilla.research.report.data import SweepData

NEAR = 2  # steps along each axis that count as the best one's neighbourhood


class Surface(NamedTuple):
    """The measure on a grid; `R` values of one parameter by `C` of another."""

    rows: str
    columns: str  # "" where one parameter alone was varied: then C = 1
    row_values: tuple[object, ...]
    column_values: tuple[object, ...]
    values: Floats  # [R, C]
    best: tuple[int, int]
    over: tuple[str, ...]  # the parameters that a cell shows the best over


class Spread(NamedTuple):
    """How the measure is spread over all portfolios of a sweep that have one."""

    tried: int  # portfolios, with those that have none
    valued: int
    best: float
    median: float
    worst: float
    near: float  # median of the cells around the best one; NaN if there are none
    higher: bool  # is more of the measure better


def surface_of(sweep: SweepData) -> Surface:
    """Return the surface over the two axes with the most values, the slower one as rows."""
    names = sorted(sweep.axes, key=lambda name: -len(sweep.axes[name]))[:2]
    rows, *rest = [name for name in sweep.axes if name in names and len(sweep.axes[name]) > 1] or names[:1]
    columns = rest[0] if rest else ""
    row_values = tuple(sweep.axes[rows])
    column_values = tuple(sweep.axes[columns]) if columns else ("",)
    ranked = in_order(sweep)
    r = _places(sweep, rows)
    c = _places(sweep, columns) if columns else np.zeros(len(ranked), np.intp)
    values = np.full((len(row_values), len(column_values)), np.nan)
    kept = np.flatnonzero(np.isfinite(ranked))[::-1]  # the best is written last, and stays
    values[r[kept], c[kept]] = ranked[kept]
    over = tuple(n for n in sweep.axes if n not in (rows, columns) and len(sweep.axes[n]) > 1)
    return Surface(rows, columns, row_values, column_values, values, (int(r[0]), int(c[0])), over)


def spread_of(sweep: SweepData, surface: Surface) -> Spread:
    """Return the spread of the measure by which the sweep is ranked."""
    ranked = in_order(sweep)
    valued = ranked[np.isfinite(ranked)]
    if not len(valued):
        nan = float("nan")
        return Spread(len(ranked), 0, nan, nan, nan, nan, True)
    r, c = surface.best
    window = np.s_[max(r - NEAR, 0) : r + NEAR + 1, max(c - NEAR, 0) : c + NEAR + 1]
    around = surface.values.copy()
    around[r, c] = np.nan
    around = around[window][np.isfinite(around[window])]
    near = float(np.median(around)) if around.size else float("nan")
    best, worst = float(valued[0]), float(valued[-1])
    return Spread(len(ranked), len(valued), best, float(np.median(valued)), worst, near, best >= worst)


def surface_values(sweep: SweepData) -> Floats:
    """Return the measure of each portfolio that has one, best first. float64[P]."""
    ranked = in_order(sweep)
    return ranked[np.isfinite(ranked)]


def in_order(sweep: SweepData) -> Floats:
    """Return the measure that ranks, in the order of the table; NaN where there is none. float64[P]."""
    column = sweep.table[sweep.rank_by].cast(float).fill_null(float("nan"))
    return np.asarray(column.to_numpy(), np.float64)


def _places(sweep: SweepData, axis: str) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    place = {value: k for k, value in enumerate(sweep.axes[axis])}
    return np.array([place[value] for value in sweep.table[axis].to_list()], np.intp)

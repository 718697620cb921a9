"""Every statistic of one portfolio in full, from what it did: the one place that puts them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Floats
from flotilla.model.records import Fill
from flotilla.research.periods import wall_clock
from flotilla.research.relative import relative_stats
from flotilla.research.returns import returns_of, returns_stats
from flotilla.research.trips import trip_stats, trips_of


def stats_of(
    ts: NDArray[np.int64],
    equity: Floats,
    fills: Sequence[Fill],
    a_year: float,
    benchmark: Floats | None = None,
    zone: str = "UTC",
) -> dict[str, float]:
    """Return the statistics that only a portfolio in full has: name -> value, NaN where it is not defined.

    ts: int64[T] ns UTC; equity, benchmark: float64[T], of the same bars; without a benchmark there is nothing
    relative. a_year: N, the bars in a year. zone: of the days and months.
    """
    told = returns_stats(wall_clock(ts, zone), equity, a_year)
    if benchmark is not None:
        told |= relative_stats(returns_of(equity), returns_of(benchmark), a_year)
    return told | trip_stats(trips_of(fills).closed)

"""Operators with a memory of the last n rows, many windows at a time.

Every one is a fold: it carries sums along, so a row costs the same whatever the window, and any split of the
rows gives the same bits, because the sums travel with the state. All windows over one input are one *bank*, and
go through the rows together: `W` is windows, innermost.

    recent: float64[H + n, I]   the H = longest window rows before the chunk (NaN before the stream began), then
                                the chunk's n rows
    out:    float64[n, I, W]    NaN until a window is full, and while a row in it is NaN

Sums of prices whose tick is known are kept in whole ticks, which float64 adds exactly up to 2**53: equal averages
compare equal, and nothing drifts. Other sums carry their rounding error along (Neumaier, 1974).
"""

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.compile import compiled_apart
from flotilla.kernel.portfolio import Floats

Ints = NDArray[np.int64]


@compiled_apart
def roll_sum(
    recent: Floats, windows: Ints, ticks: Floats, total: Floats, error: Floats, missing: Ints, out: Floats
) -> None:
    """Write the sum of the last windows[w] rows, in units of 1/ticks where that is known, else as they are.

    ticks: float64[I], ticks per unit, 0 where unknown. total, error: float64[I, W] and missing: int64[I, W] are
    the state: the running sums, their rounding errors, and how many rows of each window are NaN.
    """
    rows = out.shape[0]
    before = recent.shape[0] - rows
    for t in range(rows):
        for i in range(out.shape[1]):
            newest = recent[before + t, i]
            fresh = newest == newest
            scaled = np.rint(newest * ticks[i]) if ticks[i] > 0.0 else newest
            entering = scaled if fresh else 0.0
            for w in range(out.shape[2]):
                oldest = recent[before + t - windows[w], i]
                stale = oldest == oldest
                shifted = np.rint(oldest * ticks[i]) if ticks[i] > 0.0 else oldest
                leaving = shifted if stale else 0.0
                step = total[i, w] + entering
                lost = (
                    (total[i, w] - step) + entering
                    if abs(total[i, w]) >= abs(entering)
                    else ((entering - step) + total[i, w])
                )
                after = step - leaving
                lost += (step - after) - leaving if abs(step) >= abs(leaving) else (-leaving - after) + step
                total[i, w] = after
                error[i, w] += lost
                missing[i, w] += (0 if fresh else 1) - (0 if stale else 1)
                out[t, i, w] = after + error[i, w] if missing[i, w] == 0 else np.nan


@compiled_apart
def divide(sums: Floats, windows: Ints, ticks: Floats) -> None:
    """Turn sums, float64[n, I, W], into means in place. Whole ticks are divided once, by n * ticks a unit."""
    for t in range(sums.shape[0]):
        for i in range(sums.shape[1]):
            unit = ticks[i] if ticks[i] > 0.0 else 1.0
            for w in range(sums.shape[2]):
                sums[t, i, w] /= windows[w] * unit

"""The one as-of join: which row was the latest that could be known.

A row may be read at time t only if its `ts_recv <= t`. Research asks for all times at once,
live for one; both ask here, so neither can look ahead in a way of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from flotilla.errors import OutOfOrderError


def latest(ts_recv: NDArray[np.int64], at: ArrayLike) -> NDArray[np.int64]:
    """Return, for each time of `at`, the index of the last row that was known by then.

    ts_recv: int64[N], ns UTC, never falling: rows that were known at one instant keep their
    order, and the last of them counts. OutOfOrderError where it falls.
    at: int64[M] in any order, or one time. Result: int64[M]; -1 where no row was known yet.

    >>> latest(np.array([10, 20, 20, 30]), [9, 10, 25])
    array([-1,  0,  2])
    """
    times = np.asarray(at)
    for name, values in (("ts_recv", ts_recv), ("at", times)):
        if values.dtype != np.int64 and values.size:
            raise TypeError(f"{name} should be int64 ns, it is {values.dtype}")
    fall = np.flatnonzero(ts_recv[1:] < ts_recv[:-1])
    if len(fall):
        n = int(fall[0]) + 1
        what = f"row {n} was known at {ts_recv[n]}, before row {n - 1} at {ts_recv[n - 1]}"
        raise OutOfOrderError(f"{what}; {len(fall)} rows go back in time")
    return np.asarray(np.searchsorted(ts_recv, times, side="right") - 1, dtype=np.int64)

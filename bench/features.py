"""Two hundred rolling operators over the panel's closes: five kinds, forty windows each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from bench.records import WrongValue
from bench.workloads import panel

Floats = NDArray[np.float64]
KINDS = ("rolling_sum", "sma", "std", "rolling_min", "rolling_max")
ROUNDING = 1e-9
DRIFT = 1e-5  # of peers whose deviations are of running sums, where nothing moves for a while
_LOOKED_AT = (5, 60, 200)
_PLAIN: dict[str, Callable[[Floats], Floats]] = {
    "rolling_sum": lambda rows: rows.sum(axis=-1),
    "sma": lambda rows: rows.mean(axis=-1),
    "std": lambda rows: rows.std(axis=-1, ddof=1),
    "rolling_min": lambda rows: rows.min(axis=-1),
    "rolling_max": lambda rows: rows.max(axis=-1),
}


def windows(quick: bool) -> range:
    """Return the windows: 5, 10, .. 200 rows."""
    return range(5, 201, 65 if quick else 5)


def size(quick: bool) -> str:
    """Return what is computed, in words."""
    rows, columns = panel().shape
    return f"{len(KINDS) * len(windows(quick))} operators, {rows:,} x {columns}"


def cells(quick: bool) -> int:
    """Return how many numbers are computed."""
    return len(KINDS) * len(windows(quick)) * panel().fields["close"].size


def check(value: Callable[[str, int], Floats], quick: bool, tolerance: float) -> None:
    """Raise where features are not what each window gives by itself. value: kind, window -> float64[T, I]."""
    close = panel().fields["close"]
    for n in [n for n in windows(quick) if n in _LOOKED_AT]:
        rows = sliding_window_view(close, n, axis=0)
        for kind in KINDS:
            found, wanted = value(kind, n)[n - 1 :], _PLAIN[kind](rows)
            if not np.allclose(found, wanted, rtol=tolerance, atol=tolerance):
                raise WrongValue(f"{kind} of {n} rows is off by {np.nanmax(np.abs(found - wanted))}")

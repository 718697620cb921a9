"""One portfolio beside a benchmark: what of its returns the benchmark explains. Pure functions of arrays.

r, b: float64[n], the returns of both on the same bars; a bar on which either is NaN does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Floats
from flotilla.research.returns import NAN, deviation_of


def relative_stats(r: Floats, b: Floats, a_year: float) -> dict[str, float]:
    """Return the statistics of a portfolio's returns beside a benchmark's. a_year: N, the bars in a year."""
    known = np.isfinite(r) & np.isfinite(b)
    r, b = r[known], b[known]
    root, active = float(np.sqrt(a_year)), r - b
    error, slope = deviation_of(active), beta(r, b)
    return {
        "beta": slope,
        "alpha": (float(r.mean()) - slope * float(b.mean())) * a_year if len(r) else NAN,
        "correlation": correlation(r, b),
        "tracking_error": error * root,
        "information_ratio": float(active.mean()) / error * root if error > 0.0 else NAN,
        "up_capture": capture(r, b, b > 0.0),
        "down_capture": capture(r, b, b < 0.0),
    }


def beta(r: Floats, b: Floats) -> float:
    """Return the covariance over the benchmark's variance; NaN where the benchmark has no scatter."""
    if not deviation_of(b) > 0.0:
        return NAN
    around = b - b.mean()
    return float(np.sum((r - r.mean()) * around) / np.sum(around**2))


def correlation(r: Floats, b: Floats) -> float:
    """Return the correlation; NaN where either has no scatter."""
    ours, theirs = deviation_of(r), deviation_of(b)
    if not (ours > 0.0 and theirs > 0.0):
        return NAN
    covariance = np.sum((r - r.mean()) * (b - b.mean())) / (len(r) - 1)
    return float(covariance / ours / theirs)


def capture(r: Floats, b: Floats, chosen: NDArray[np.bool_]) -> float:
    """Return the mean return over the benchmark's, of the bars that are chosen; NaN of none."""
    return float(r[chosen].mean() / b[chosen].mean()) if chosen.any() else NAN

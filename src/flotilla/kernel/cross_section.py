"""Operators over the instruments of one row, without memory. x, out: float64[n, I].

A value that is not known (NaN) stays so. The others are compared among themselves. Sums run over the
instruments in order, in every row alike, so a row alone gives the same bits as among many.
"""

import numpy as np

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.rolling import HUGE
from flotilla.model.arrays import Floats


@compiled
def level(row: Floats) -> tuple[float, int]:
    """Return the mean of the known values of a row, NaN without any, and their number. row: float64[I].

    Those beyond HUGE are not known: what is computed of them may be infinite.

    The mean of equal values is that value, and not what their sum rounds to.
    """
    total, count, first, equal = 0.0, 0, np.nan, True
    for i in range(row.shape[0]):
        if abs(row[i]) < HUGE:
            first = row[i] if count == 0 else first
            equal = equal and row[i] == first
            total += row[i]
            count += 1
    return first if equal else total / count, count


@compiled_apart
def rank(x: Floats, out: Floats) -> None:
    """Write how far up each stands, 0 to 1; equals share the mean of their ranks; one alone is at 0.5."""
    for t in range(x.shape[0]):
        for i in range(x.shape[1]):
            mine, below, equal, count = x[t, i], 0, 0, 0
            for j in range(x.shape[1]):
                below += 1 if x[t, j] < mine else 0
                equal += 1 if x[t, j] == mine else 0
                count += 1 if x[t, j] == x[t, j] else 0
            share = (below + 0.5 * (equal - 1)) / (count - 1) if count > 1 else 0.5
            out[t, i] = share if mine == mine else np.nan


@compiled_apart
def rank_from_top(x: Floats, out: Floats) -> None:
    """Write how many stand above each, 0 for the highest; of equals the earlier instrument stands above."""
    for t in range(x.shape[0]):
        for i in range(x.shape[1]):
            mine, above = x[t, i], 0
            for j in range(x.shape[1]):
                above += 1 if x[t, j] > mine or (x[t, j] == mine and j < i) else 0
            out[t, i] = float(above) if mine == mine else np.nan


@compiled_apart
def demean(x: Floats, out: Floats) -> None:
    """Write how far each stands above the mean; NaN where it is not known."""
    for t in range(x.shape[0]):
        mean, _ = level(x[t])
        for i in range(x.shape[1]):
            out[t, i] = x[t, i] - mean if abs(x[t, i]) < HUGE else np.nan


@compiled_apart
def zscore(x: Floats, out: Floats) -> None:
    """Write how many sample standard deviations each stands above the mean; NaN where all are equal."""
    demean(x, out)
    for t in range(x.shape[0]):
        _, count = level(x[t])
        squares = 0.0
        for i in range(x.shape[1]):
            squares += out[t, i] * out[t, i] if out[t, i] == out[t, i] else 0.0
        spread = np.sqrt(squares / (count - 1))
        for i in range(x.shape[1]):
            out[t, i] /= spread

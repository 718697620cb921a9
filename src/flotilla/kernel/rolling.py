"""Operators with a memory of the last n rows, many windows at a time.

All windows over one input are one *bank*. What they share is computed once a row, whatever their number, and
is what travels from chunk to chunk, so that any split of the rows gives the same bits:

    sums      running totals since the beginning (`accumulate`); a window is a difference of two of them
    extremes  the lowest of the last 1, 2, 4, 8... rows (`roll_lowest`); a window is the lower of two of them

A total is kept as two floats, high + low: 106 bits, so that nothing drifts, and what a huge value took away
comes back when it has left the window. Prices whose tick is known are added as whole ticks, without any
rounding at all: equal averages compare equal. A value that is not finite, or beyond 1e150, is not known, and
a window with such a row says NaN. So does one that reaches behind the first row.

    x: float64[n, I], the chunk's rows; out: float64[n, I, W], windows ascending
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.portfolio import Floats

Ints = NDArray[np.int64]

HUGE = 1e150  # beyond it a square would overflow
MANY = 8  # windows: as many as a vector holds. A bank of fewer runs its vectors over instruments instead.
SPLITTER = 134217729.0  # 2**27 + 1: splits 53 bits in two halves whose products are exact (Dekker, 1971)


class Totals(NamedTuple):
    """Running totals, float64[H + n, I]: the H = longest window rows before the chunk, then the chunk's."""

    high: Floats
    low: Floats


class Runs(NamedTuple):
    """For how many rows it has been so. int64[1 + n, I]: the row before the chunk, then the chunk's."""

    known: Ints
    same: Ints  # equal; 0 where the tick is known, and sums are exact without help


@compiled
def add_error(a: float, b: float, total: float) -> float:
    """Return a + b - total, exactly, for total = a + b rounded (Knuth, 1969)."""
    other = total - a
    return (a - (total - other)) + (b - other)


@compiled
def product_error(a: float, b: float, product: float) -> float:
    """Return a * b - product, exactly, for product = a * b rounded (Dekker, 1971)."""
    wide_a, wide_b = SPLITTER * a, SPLITTER * b
    high_a, high_b = wide_a - (wide_a - a), wide_b - (wide_b - b)
    low_a, low_b = a - high_a, b - high_b
    return ((high_a * high_b - product) + high_a * low_b + low_a * high_b) + low_a * low_b


@compiled_apart
def accumulate(x: Floats, ticks: Floats, origin: Floats, square: bool, totals: Totals) -> None:
    """Add the chunk's rows, or their squares, to the totals: as distances from `origin`, 0 if not known.

    ticks: float64[I] a unit; 0 where unknown, then values are as they are. origin: float64[I], in ticks where
    those are known; one that is NaN becomes the first known value.
    """
    before = totals.high.shape[0] - x.shape[0]
    for t in range(x.shape[0]):
        now, last = np.uint64(before + t), np.uint64(before + t - 1)
        for i in range(x.shape[1]):
            scaled = np.rint(x[t, i] * ticks[i]) if ticks[i] > 0.0 else x[t, i]
            fresh, total = abs(x[t, i]) < HUGE, totals.high[last, i]
            origin[i] = scaled if fresh and origin[i] != origin[i] else origin[i]
            value = scaled - origin[i] if fresh else 0.0
            term = value * value if square else value
            error = product_error(value, value, term) if square else 0.0
            rough = total + term
            rest = add_error(total, term, rough) + (totals.low[last, i] + error)
            totals.high[now, i] = rough + rest
            totals.low[now, i] = rest - ((rough + rest) - rough)


@compiled_apart
def count_runs(x: Floats, ticks: Floats, runs: Runs) -> None:
    """Count for how many rows a value was known, and the same. x: float64[1 + n, I], the row before first."""
    for t in range(1, x.shape[0]):
        for i in range(x.shape[1]):
            fresh = abs(x[t, i]) < HUGE
            runs.known[t, i] = runs.known[t - 1, i] + 1 if fresh else 0
            again = runs.same[t - 1, i] + 1 if x[t, i] == x[t - 1, i] else 1
            runs.same[t, i] = again if fresh and not ticks[i] > 0.0 else 0


@compiled
def since(high: float, low: float, totals: Totals, then: np.uint64, i: int) -> tuple[float, float]:
    """Return a total, high and low, less what it was then."""
    rough = high - totals.high[then, i]
    return rough, add_error(high, -totals.high[then, i], rough) + (low - totals.low[then, i])


@compiled
def spoken(value: float, flat: float, n: int, known: int, same: int) -> float:
    """Return what to say of a window: `flat` if its rows are equal, NaN if one is unknown, else the value."""
    said = flat if same >= n else value
    return said if known >= n else np.nan


@compiled_apart
def roll_sum(
    x: Floats, ticks: Floats, runs: Runs, totals: Totals, windows: Ints, mean: bool, out: Floats
) -> None:
    """Write the sum, or the mean, of the last windows[w] rows. ticks: float64[I]; out: float64[n, I, W]."""
    rows, instruments, many = out.shape
    before = totals.high.shape[0] - rows
    if many < MANY:
        for w in range(many):
            n = windows[w]
            for t in range(rows):
                now, then = np.uint64(before + t), np.uint64(before + t - n)
                for i in range(instruments):
                    high, low = since(totals.high[now, i], totals.low[now, i], totals, then, i)
                    unit = ticks[i] if ticks[i] > 0.0 else 1.0
                    value, flat = (high + low) / (n * unit if mean else unit), x[t, i] * (1 if mean else n)
                    out[t, i, w] = spoken(value, flat, n, runs.known[t + 1, i], runs.same[t + 1, i])
        return
    for t in range(rows):
        now = np.uint64(before + t)
        for i in range(instruments):
            newest, unit = x[t, i], ticks[i] if ticks[i] > 0.0 else 1.0
            total_high, total_low = totals.high[now, i], totals.low[now, i]
            known, same = runs.known[t + 1, i], runs.same[t + 1, i]
            for w in range(many):
                n = windows[w]
                high, low = since(total_high, total_low, totals, now - np.uint64(n), i)
                value, flat = (high + low) / (n * unit if mean else unit), newest * (1 if mean else n)
                out[t, i, w] = spoken(value, flat, n, known, same)


@compiled
def deviation(total: tuple[float, float], square: tuple[float, float], n: float) -> float:
    """Return the standard deviation, by n * sum(x**2) - sum(x)**2. total, square: high and low."""
    high, low = total
    first, second = n * square[0], high * high
    rest = product_error(n, square[0], first) + n * square[1]
    rest -= product_error(high, high, second) + 2.0 * high * low
    return math.sqrt(max((first - second) + rest, 0.0) / (n * (n - 1.0)))


@compiled_apart
def roll_std(ticks: Floats, runs: Runs, totals: Totals, squares: Totals, windows: Ints, out: Floats) -> None:
    """Write the standard deviation, of a sample, of the last windows[w] rows. out: float64[n, I, W]."""
    rows, instruments, many = out.shape
    before = totals.high.shape[0] - rows
    if many < MANY:
        for w in range(many):
            n = windows[w]
            for t in range(rows):
                now, then = np.uint64(before + t), np.uint64(before + t - n)
                for i in range(instruments):
                    total = since(totals.high[now, i], totals.low[now, i], totals, then, i)
                    square = since(squares.high[now, i], squares.low[now, i], squares, then, i)
                    value = deviation(total, square, float(n)) / (ticks[i] if ticks[i] > 0.0 else 1.0)
                    out[t, i, w] = spoken(value, 0.0, n, runs.known[t + 1, i], runs.same[t + 1, i])
        return
    for t in range(rows):
        now = np.uint64(before + t)
        for i in range(instruments):
            total_high, total_low = totals.high[now, i], totals.low[now, i]
            square_high, square_low = squares.high[now, i], squares.low[now, i]
            known, same, unit = runs.known[t + 1, i], runs.same[t + 1, i], ticks[i] if ticks[i] > 0.0 else 1.0
            for w in range(many):
                n = windows[w]
                then = now - np.uint64(n)
                total = since(total_high, total_low, totals, then, i)
                square = since(square_high, square_low, squares, then, i)
                out[t, i, w] = spoken(deviation(total, square, float(n)) / unit, 0.0, n, known, same)


@compiled_apart
def pair_lowest(source: Floats, reach: int, out: Floats) -> None:
    """Write the lower of each row and the one `reach` before it; what reaches behind the first stays."""
    for t in range(source.shape[0]):
        then = np.uint64(max(t - reach, 0))
        for i in range(source.shape[1]):
            out[t, i] = min(source[t, i], source[then, i])


@compiled_apart
def roll_lowest(
    level: Floats, span: int, windows: Ints, first: int, last: int, sign: float, out: Floats
) -> None:
    """Write the lowest of the last windows[w] rows, for windows first..last-1.

    They are at least span, and less than 2 * span long. level: float64[H + n, I], the lowest of the last
    `span` rows; -inf where one is not known. sign: -1 where lowest stands for highest.
    """
    rows, instruments, _ = out.shape
    before = level.shape[0] - rows
    if last - first < MANY:
        for w in range(first, last):
            for t in range(rows):
                now, then = np.uint64(before + t), np.uint64(before + t - windows[w] + span)
                for i in range(instruments):
                    value = min(level[now, i], level[then, i])
                    out[t, i, w] = sign * value if value > -np.inf else np.nan
        return
    for t in range(rows):
        now = np.uint64(before + t + span)
        for i in range(instruments):
            newest = level[before + t, i]
            for w in range(first, last):
                value = min(newest, level[now - np.uint64(windows[w]), i])
                out[t, i, w] = sign * value if value > -np.inf else np.nan

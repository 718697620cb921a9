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

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.model.arrays import Floats, Ints

HUGE = 1e150  # beyond it a square would overflow
MANY = 8  # windows: as many as a vector holds. A bank of fewer runs its vectors over instruments instead.
SPLITTER = 134217729.0  # 2**27 + 1: splits 53 bits in two halves whose products are exact (Dekker, 1971)


class Totals(NamedTuple):
    """Running totals, float64[H + n, I]: the H = longest window rows before the chunk, then the chunk's."""

    high: Floats
    low: Floats


class Runs(NamedTuple):
    """For how many rows, up to and with each, it has been so. int64[n, I]."""

    known: Ints
    same: Ints  # equal; 0 where the tick is known, and sums are exact without help


@compiled
def add_error(a: float, b: float, total: float) -> float:
    """Return a + b - total, exactly, for total = a + b rounded (Knuth, 1969)."""
    other = total - a
    return (a - (total - other)) + (b - other)


@compiled
def product_error(a: float, n: float, product: float) -> float:
    """Return a * n - product, exactly, for product = a * n rounded and n whole and below 2**26 (Dekker)."""
    wide = SPLITTER * a
    high = wide - (wide - a)
    return (high * n - product) + (a - high) * n


@compiled
def square_error(a: float, square: float) -> float:
    """Return a * a - square, exactly, for square = a * a rounded (Dekker, 1971)."""
    wide = SPLITTER * a
    high = wide - (wide - a)
    low = a - high
    return ((high * high - square) + 2.0 * (high * low)) + low * low


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
            error = square_error(value, term) if square else 0.0
            rough = total + term
            rest = add_error(total, term, rough) + (totals.low[last, i] + error)
            totals.high[now, i] = rough + rest
            totals.low[now, i] = rest - ((rough + rest) - rough)


@compiled_apart
def count_runs(x: Floats, ticks: Floats, last: Floats, now: Runs, runs: Runs) -> None:
    """Count for how many rows a value was known, and the same.

    last: float64[I], the row before the chunk, and now: int64[I] each, the counts there; all moved on.
    """
    for t in range(x.shape[0]):
        for i in range(x.shape[1]):
            fresh = abs(x[t, i]) < HUGE
            now.known[i] = now.known[i] + 1 if fresh else 0
            again = now.same[i] + 1 if x[t, i] == last[i] else 1
            now.same[i] = again if fresh and not ticks[i] > 0.0 else 0
            last[i] = x[t, i]
            runs.known[t, i], runs.same[t, i] = now.known[i], now.same[i]


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
    x: Floats, ticks: Floats, runs: Runs, totals: Totals, windows: Ints, mean: bool, out: Floats, first: int
) -> None:
    """Write the sum, or the mean, of the last windows[w] rows. ticks: float64[I]; out: float64[n, I, W]."""
    rows, instruments, many = out.shape[0], out.shape[1], windows.shape[0]
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
                    out[t, i, np.uint64(first + w)] = spoken(
                        value, flat, n, runs.known[t, i], runs.same[t, i]
                    )
        return
    for t in range(rows):
        now = np.uint64(before + t)
        for i in range(instruments):
            newest, unit = x[t, i], ticks[i] if ticks[i] > 0.0 else 1.0
            total_high, total_low = totals.high[now, i], totals.low[now, i]
            known, same = runs.known[t, i], runs.same[t, i]
            for w in range(many):
                n = windows[w]
                high, low = since(total_high, total_low, totals, now - np.uint64(n), i)
                value, flat = (high + low) / (n * unit if mean else unit), newest * (1 if mean else n)
                out[t, i, np.uint64(first + w)] = spoken(value, flat, n, known, same)


@compiled
def deviation(total: tuple[float, float], square: tuple[float, float], n: float, unit: float) -> float:
    """Return the standard deviation, by n * sum(x**2) - sum(x)**2. total, square: high and low."""
    high, low = total
    left, right = n * square[0], high * high
    rest = product_error(square[0], n, left) + n * square[1]
    rest -= square_error(high, right) + 2.0 * high * low
    return math.sqrt(max((left - right) + rest, 0.0) / (n * (n - 1.0) * unit * unit))


@compiled_apart
def roll_std(
    ticks: Floats, runs: Runs, totals: Totals, squares: Totals, windows: Ints, out: Floats, first: int
) -> None:
    """Write the standard deviation, of a sample, of the last windows[w] rows. out: float64[n, I, W]."""
    rows, instruments, many = out.shape[0], out.shape[1], windows.shape[0]
    before = totals.high.shape[0] - rows
    if many < MANY:
        for w in range(many):
            n = windows[w]
            for t in range(rows):
                now, then = np.uint64(before + t), np.uint64(before + t - n)
                for i in range(instruments):
                    total = since(totals.high[now, i], totals.low[now, i], totals, then, i)
                    square = since(squares.high[now, i], squares.low[now, i], squares, then, i)
                    value = deviation(total, square, float(n), ticks[i] if ticks[i] > 0.0 else 1.0)
                    out[t, i, np.uint64(first + w)] = spoken(value, 0.0, n, runs.known[t, i], runs.same[t, i])
        return
    for t in range(rows):
        now = np.uint64(before + t)
        for i in range(instruments):
            total_high, total_low = totals.high[now, i], totals.low[now, i]
            square_high, square_low = squares.high[now, i], squares.low[now, i]
            known, same, unit = runs.known[t, i], runs.same[t, i], ticks[i] if ticks[i] > 0.0 else 1.0
            for w in range(many):
                n = windows[w]
                then = now - np.uint64(n)
                total = since(total_high, total_low, totals, then, i)
                square = since(square_high, square_low, squares, then, i)
                out[t, i, np.uint64(first + w)] = spoken(
                    deviation(total, square, float(n), unit), 0.0, n, known, same
                )


@compiled_apart
def widen(levels: Floats) -> None:
    """Write the lowest of the last 2, 4, 8... rows, from that of the last 1. levels: float64[K, H + n, I].

    What would reach behind the first row stays as it was.
    """
    for k in range(1, levels.shape[0]):
        for t in range(levels.shape[1]):
            then = np.uint64(max(t - 2 ** (k - 1), 0))
            for i in range(levels.shape[2]):
                levels[k, t, i] = min(levels[k - 1, t, i], levels[k - 1, then, i])


@compiled
def lower(a: float, b: float, sign: float) -> float:
    """Return the lower of the two, -inf for not known, as NaN or with its sign."""
    value = min(a, b)
    return sign * value if value > -np.inf else np.nan


@compiled_apart
def roll_lowest(
    levels: Floats, near: Ints, far: Ints, sign: float, rows: int, instruments: int, out: Floats, first: int
) -> None:
    """Write the lowest of windows: the lower of two that are half of it at least, and together all of it.

    levels: float64[K * (H + n) * I], flat. near, far: int64[W], where those two are in it for the chunk's
    first row and instrument. sign: -1 where lowest stands for highest.
    """
    many = near.shape[0]
    if many < MANY:
        for w in range(many):
            for t in range(rows):
                a, b = near[w] + t * instruments, far[w] + t * instruments
                for i in range(instruments):
                    value = lower(levels[np.uint64(a + i)], levels[np.uint64(b + i)], sign)
                    out[t, i, np.uint64(first + w)] = value
        return
    for t in range(rows):
        for i in range(instruments):
            at = t * instruments + i
            for w in range(many):
                value = lower(levels[np.uint64(near[w] + at)], levels[np.uint64(far[w] + at)], sign)
                out[t, i, np.uint64(first + w)] = value

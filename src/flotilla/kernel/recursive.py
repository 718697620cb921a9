"""Operators whose memory is their last answer: averages that fade, switches, the last value seen.

Each row moves the state on, so any split of the rows gives the same bits. A value that is not known (NaN, or
not finite) leaves the state as it was, and the answer too. Banks are as in `rolling`: W sets of parameters,
innermost.

    x: float64[n, I], the chunk's rows
    seen: int64[n, I], how many known values there have been, up to and with each row (`count_known`)
"""

import numpy as np

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.rolling import HUGE, MANY
from flotilla.model.arrays import Floats, Ints


@compiled
def is_known(value: float) -> bool:
    """Return whether this is a number that can be computed with: what follows an infinite one is lost."""
    return abs(value) < HUGE


@compiled_apart
def count_known(x: Floats, before: Ints, seen: Ints) -> None:
    """Count the known values. before: int64[I], those of earlier chunks."""
    for t in range(x.shape[0]):
        for i in range(x.shape[1]):
            last = before[i] if t == 0 else seen[t - 1, i]
            seen[t, i] = last + (1 if is_known(x[t, i]) else 0)


@compiled_apart
def changes(x: Floats, last: Floats, out: Floats) -> None:
    """Write how far each value is from the last known one before it; NaN where either is not known.

    last: float64[I], the last known value, NaN for none; moved on.
    """
    for t in range(x.shape[0]):
        for i in range(x.shape[1]):
            out[t, i] = x[t, i] - last[i] if is_known(x[t, i]) else np.nan
            last[i] = x[t, i] if is_known(x[t, i]) else last[i]


@compiled
def faded(average: float, value: float, seen: int, plain: int, rate: float) -> float:
    """Return an average moved towards `value`: all values weigh the same while at most `plain` were seen.

    One that moves all the way is the value, exactly.
    """
    share = 1.0 / seen if seen <= plain else rate
    return average + share * (value - average) if share < 1.0 else value


@compiled_apart
def fade(
    x: Floats, seen: Ints, windows: Ints, plain: Ints, rate: Floats, average: Floats, out: Floats, first: int
) -> None:
    """Write averages in which a value's weight fades by 1 - rate a row.

    NaN before windows[w] values were seen. plain: int64[W], over how many first values the average is a plain
    mean. average: float64[I, W], moved on.
    """
    rows, instruments, many = out.shape[0], out.shape[1], windows.shape[0]
    if many < MANY:
        for w in range(many):
            for t in range(rows):
                for i in range(instruments):
                    value, count = x[t, i], seen[t, i]
                    moved = faded(average[i, w], value, count, plain[w], rate[w])
                    average[i, w] = moved if is_known(value) else average[i, w]
                    out[t, i, np.uint64(first + w)] = average[i, w] if count >= windows[w] else np.nan
        return
    for t in range(rows):
        for i in range(instruments):
            value, count = x[t, i], seen[t, i]
            for w in range(many):
                moved = faded(average[i, w], value, count, plain[w], rate[w])
                average[i, w] = moved if is_known(value) else average[i, w]
                out[t, i, np.uint64(first + w)] = average[i, w] if count >= windows[w] else np.nan


@compiled
def strength(up: float, down: float) -> float:
    """Return what share of all movement was up, in percent; 50 where nothing moved.

    A share is never above 1, however it is rounded, so this is never above 100.
    """
    return 100.0 * (up / (up + down)) if up + down > 0.0 else 50.0


@compiled_apart
def roll_rsi(
    change: Floats, seen: Ints, windows: Ints, up: Floats, down: Floats, out: Floats, first: int
) -> None:
    """Write the relative strength index; NaN before windows[w] changes were seen.

    change: float64[n, I]; seen counts the changes. up, down: float64[I, W], average rise and fall, moved on.
    """
    rows, instruments, many = out.shape[0], out.shape[1], windows.shape[0]
    if many < MANY:
        for w in range(many):
            n = windows[w]
            for t in range(rows):
                for i in range(instruments):
                    value, count = change[t, i], seen[t, i]
                    rise = faded(up[i, w], max(value, 0.0), count, n, 1.0 / n)
                    fall = faded(down[i, w], max(-value, 0.0), count, n, 1.0 / n)
                    up[i, w] = rise if is_known(value) else up[i, w]
                    down[i, w] = fall if is_known(value) else down[i, w]
                    out[t, i, np.uint64(first + w)] = strength(up[i, w], down[i, w]) if count >= n else np.nan
        return
    for t in range(rows):
        for i in range(instruments):
            value, count = change[t, i], seen[t, i]
            for w in range(many):
                n = windows[w]
                rise = faded(up[i, w], max(value, 0.0), count, n, 1.0 / n)
                fall = faded(down[i, w], max(-value, 0.0), count, n, 1.0 / n)
                up[i, w] = rise if is_known(value) else up[i, w]
                down[i, w] = fall if is_known(value) else down[i, w]
                out[t, i, np.uint64(first + w)] = strength(up[i, w], down[i, w]) if count >= n else np.nan


@compiled
def switched(on: float, value: float, low: float, high: float) -> float:
    """Return a switch that goes on below `low` and off above `high`; NaN before anything was known."""
    moved = 0.0 if value > high else (1.0 if value < low else (on if on == on else 0.0))
    return moved if is_known(value) else on


@compiled_apart
def switch(x: Floats, low: Floats, high: Floats, on: Floats, out: Floats, first: int) -> None:
    """Write switches. low, high: float64[W]. on: float64[I, W], moved on; NaN before a value was known."""
    rows, instruments, many = out.shape[0], out.shape[1], low.shape[0]
    if many < MANY:
        for w in range(many):
            for t in range(rows):
                for i in range(instruments):
                    on[i, w] = switched(on[i, w], x[t, i], low[w], high[w])
                    out[t, i, np.uint64(first + w)] = on[i, w]
        return
    for t in range(rows):
        for i in range(instruments):
            for w in range(many):
                on[i, w] = switched(on[i, w], x[t, i], low[w], high[w])
                out[t, i, np.uint64(first + w)] = on[i, w]


@compiled_apart
def latch(enter: Floats, leave: Floats, on: Floats, out: Floats) -> None:
    """Write 1 from a row where `enter` is true (known, not 0) until one where `leave` is, and else 0.

    enter, leave, out: float64[n, I]. Where both are true, it leaves. on: float64[I], moved on; NaN, and said
    to be, before either was known.
    """
    for t in range(out.shape[0]):
        for i in range(out.shape[1]):
            a, b = enter[t, i], leave[t, i]
            comes, goes = a != 0.0 and a == a, b != 0.0 and b == b
            starts_off = on[i] != on[i] and (a == a or b == b)
            on[i] = 0.0 if goes or (starts_off and not comes) else (1.0 if comes else on[i])
            out[t, i] = on[i]


@compiled_apart
def ffill(x: Floats, last: Floats, out: Floats) -> None:
    """Write the last value that is not NaN. x, out: float64[n, I]; last: float64[I], moved on."""
    for t in range(out.shape[0]):
        for i in range(out.shape[1]):
            last[i] = x[t, i] if x[t, i] == x[t, i] else last[i]
            out[t, i] = last[i]

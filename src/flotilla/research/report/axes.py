"""From values to places: scales, the marks along them, and lines thin enough for a page.

A plot is drawn in a box of WIDTH by HEIGHT units that the browser stretches to any size. Text is not in
that box (it would be stretched too) but beside it, at a percentage of its width or height. So a report reads
the same on a phone, on a wide screen and on paper, with no script.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Floats
from flotilla.model.measures import Unit
from flotilla.research.report.numbers import aligned

WIDTH, HEIGHT = 2000, 1000
COLUMNS = 700  # a line keeps at most four points in each: more cannot be seen


class Mark(NamedTuple):
    """A labelled place on an axis."""

    at: float  # fraction of the axis, [0, 1]
    label: str


class Scale(NamedTuple):
    """A range of values laid along [0, 1]."""

    low: float
    high: float
    log: bool = False

    def at(self, values: Floats) -> Floats:
        """Return where `values` lie: 0 at `low`, 1 at `high`. On a log scale values must be > 0."""
        if self.log:
            return (np.log(values) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (values - self.low) / (self.high - self.low)

    def spot(self, value: float) -> float:
        """Return where one value lies."""
        return float(self.at(np.array(value)))

    def marks(self, about: int, unit: Unit) -> list[Mark]:
        """Return about that many round values of the scale, written in their unit."""
        values = log_ticks(self.low, self.high) if self.log else ticks(self.low, self.high, about)
        return [Mark(self.spot(v), label) for v, label in zip(values, aligned(values, unit), strict=True)]


def around(*series: Floats, log: bool = False, zero: bool = False) -> Scale:
    """Return a scale with a little room around all finite values; `zero` makes it begin or end at 0."""
    values = np.concatenate([s[np.isfinite(s)] for s in series])
    low, high = float(values.min()), float(values.max())
    if log:
        room = max((high / low) ** 0.03, 1.01)
        return Scale(low / room, high * room, True)
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    room = 0.04 * (high - low) or max(abs(high), 1.0) * 0.04
    below = low if zero and low == 0.0 else low - room
    return Scale(below, high if zero and high == 0.0 > low else high + room)


def ticks(low: float, high: float, about: int) -> list[float]:
    """Return round values in [low, high], `about` many, a step of 1, 2 or 5 apart.

    >>> ticks(0.0, 0.52, 5)
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((k * power for k in (1.0, 2.0, 5.0, 10.0)), key=lambda s: abs(math.log(s / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(k * step, digits) for k in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Return round values in [low, high], as many as can be told apart.

    >>> log_ticks(9e5, 3e7)
    [1000000.0, 2000000.0, 5000000.0, 10000000.0, 20000000.0]
    >>> log_ticks(90.0, 112.0)
    [90.0, 95.0, 100.0, 105.0, 110.0]
    """
    decades = math.log10(high / low)
    if decades < 0.6:
        return [v for v in ticks(low, high, 5) if v > 0.0]
    digits = (1.0, 2.0, 5.0) if decades < 4 else (1.0,)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    values = [d * 10.0**p for p in powers for d in digits]
    inside = [v for v in values if low <= v <= high]
    return inside[:: math.ceil(len(inside) / 8)]


def time_marks(ts: NDArray[np.int64], about: int = 10) -> list[Mark]:
    """Return round dates or times between the first and the last of `ts`, ns, UTC."""
    first, last = int(ts[0]), int(ts[-1])
    if first == last:
        return [Mark(0.5, str(np.datetime64(first, "ns").astype("datetime64[m]")).replace("T", " "))]
    tried = (_steps(first, last, unit, step, about) for unit, step in _TIME_STEPS)
    steps: NDArray[np.datetime64] = next(
        (found for found in tried if len(found)), np.array([], "datetime64[s]")
    )
    places = [(int(s.astype("datetime64[ns]").astype(np.int64)) - first) / (last - first) for s in steps]
    marks = [Mark(p, label) for p, label in zip(places, _moments(steps), strict=True)]
    return [mark for mark in marks if 0.0 <= mark.at <= 1.0]


def _moments(steps: NDArray[np.datetime64]) -> list[str]:
    """Return dates as far as their unit says, and times of day; without the date if there is only one."""
    if np.datetime_data(steps.dtype)[0] == "h":
        steps = steps.astype("datetime64[m]")
    labels = [label.replace("T", " ") for label in steps.astype(str).tolist()]
    days = {label[:10] for label in labels}
    return [label[11:] for label in labels] if len(days) == 1 and " " in labels[0] else labels


def _steps(first: int, last: int, unit: str, step: int, most: int) -> NDArray[np.datetime64]:
    """Return the multiples of `step` units, counted from 2000, in first..last, ns; none if over `most`."""
    begin, end = np.array([first, last]).astype("datetime64[ns]").astype(f"datetime64[{unit}]").astype(int)
    origin = int(np.datetime64("2000-01-01").astype(f"datetime64[{unit}]").astype(int))
    low, high = -(-int(begin - origin) // step), int(end - origin) // step
    count = high - low + 1 if high - low < most else 0
    return (origin + step * (low + np.arange(count))).astype(f"datetime64[{unit}]")


_TIME_STEPS = (
    ("s", 1), ("s", 10), ("m", 1), ("m", 5), ("m", 15), ("m", 30), ("h", 1), ("h", 3), ("h", 6), ("h", 12),
    ("D", 1), ("D", 2), ("D", 5), ("D", 14), ("M", 1), ("M", 2), ("M", 3), ("M", 6),
    ("Y", 1), ("Y", 2), ("Y", 5), ("Y", 10), ("Y", 20), ("Y", 50), ("Y", 500),
)  # fmt: skip


def along(ts: NDArray[np.int64]) -> Floats:
    """Return where each of `ts` lies between the first and the last. int64[T] -> float64[T] in [0, 1]."""
    if len(ts) == 1:
        return np.array([0.5])
    return np.asarray((ts - ts[0]) / float(ts[-1] - ts[0]), np.float64)


def thinned(x: Floats, y: Floats) -> NDArray[np.intp]:
    """Return the rows that a line needs so that it looks as if all were there.

    Of each column of the picture: the first, the lowest, the highest and the last row. A row without a value
    stays where it ends a stretch with values, so that the line breaks there. x: float64[T] in [0, 1].
    """
    valued = np.flatnonzero(np.isfinite(y))
    column = (x[valued] * (COLUMNS - 1)).astype(np.intp)
    order = np.lexsort((y[valued], column))
    starts = np.flatnonzero(np.diff(column, prepend=-1))
    ends = np.append(starts[1:], len(column)) - 1
    keep = np.concatenate((starts, ends, order[starts], order[ends]))
    breaks = valued[:-1][np.diff(valued) > 1] + 1
    return np.unique(np.concatenate((valued[keep], breaks)))


def line(x: Floats, y: Floats) -> str:
    """Return the path through (x, y), both float64[T] in fractions of the box, broken where y is NaN."""
    rows = thinned(x, y)
    across = np.rint(x[rows] * WIDTH).astype(int).tolist()
    up = y[rows].tolist()
    parts, pen = [], "M"
    for a, b in zip(across, up, strict=True):
        if math.isnan(b):
            pen = "M"
            continue
        parts.append(f"{pen}{a} {round(HEIGHT - b * HEIGHT)}")
        pen = "L"
    return "".join(parts)


def area(x: Floats, y: Floats, floor: float) -> str:
    """Return the outline of the area between (x, y) and the height `floor`; rows without y are left out."""
    rows = thinned(x, y)
    rows = rows[np.isfinite(y[rows])]
    points = [
        f"{round(a * WIDTH)} {round(HEIGHT - b * HEIGHT)}" for a, b in zip(x[rows], y[rows], strict=True)
    ]
    base = round(HEIGHT - floor * HEIGHT)
    return f"M{round(x[rows[0]] * WIDTH)} {base}L{'L'.join(points)}L{round(x[rows[-1]] * WIDTH)} {base}Z"

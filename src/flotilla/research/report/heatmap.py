"""The heat map of a sweep, as a small image that the browser enlarges.

A hundred by a hundred cells are ten thousand rectangles in SVG, half a megabyte; as an image with a pixel for
each they are a few kilobytes, and sharp at any size (`image-rendering: pixelated`). An image with a palette
is a few headers around zlib, so it is written here.

The colours are viridis: they run from dark to light evenly, can be told apart by colour-blind readers, and
keep their order when printed in grey. Light is better, whichever way the measure runs.
"""

from __future__ import annotations

import base64
import struct
import zlib

import msgspec
import numpy as np

from flotilla.model.arrays import Floats
from flotilla.model.measures import Measure
from flotilla.research.report.axes import Mark, around, line
from flotilla.research.report.data import ReportData, SweepData
from flotilla.research.report.markup import Markup, join, tag
from flotilla.research.report.numbers import setting, shown
from flotilla.research.report.plot import (
    beneath,
    figure,
    flag,
    grid,
    plot,
    shape,
    side_labels,
    touch,
    uprights,
)
from flotilla.research.report.surface import Spread, Surface, surface_values

VIRIDIS = (
    "440154", "482475", "414487", "355f8d", "2a788e", "21918c",
    "22a884", "44bf70", "7ad151", "bddf26", "fde725",
)  # fmt: skip
ROOM = 0.74  # of the height of the histogram is for bars: the flags stand above them
SHADES = 255  # colour 0 of the palette is "no value", transparent


def heat_map(data: ReportData, sweep: SweepData, surface: Surface, spread: Spread) -> Markup:
    """Return the sweep's measure over its parameters: a map, or a line where one alone was varied.

    At least one portfolio must have the measure.
    """
    measure = data.measure(sweep.rank_by)
    if not surface.columns:
        return _line(surface, measure)
    best = _where(surface, *surface.best)
    note = f"{measure.title} of each portfolio. The ring marks the best: {best}."
    if surface.over:
        note += f" Each cell shows the best over {', '.join(surface.over)}, which flatters it."
    down = [_label(v) for v in surface.row_values]
    across = [_label(v) for v in surface.column_values]
    r, c = surface.best
    left, top = (c + 0.5) / len(across), 1.0 - (r + 0.5) / len(down)
    tips = {
        "rows": surface.rows,
        "columns": surface.columns,
        "down": down,
        "across": across,
        "measure": measure.title,
        "percent": measure.unit == "percent",
        "best": surface.best,
        "values": [_short(row) for row in surface.values],
    }
    image = tag(
        "img",
        src="data:image/png;base64," + base64.b64encode(png(shades(surface.values, spread.higher))).decode(),
        alt=f"Heat map of {measure.title} over {surface.rows} and {surface.columns}. Best {best}.",
    )
    ring = tag("i", class_="ring", style=f"left:{100 * left:.2f}%;top:{100 * top:.2f}%")
    box = tag(
        "div",
        image,
        ring,
        side_labels(_slots(down, 10)),
        beneath(_slots(across, 10)),
        id="heat",
        class_="plot heat",
        tabindex=0,
        role="group",
        aria_label=f"Heat map of {measure.title}; use the arrow keys",
        data_plot=msgspec.json.encode(tips).decode(),
    )
    axes = (tag("p", surface.rows, class_="axis-y"), box, tag("p", surface.columns, class_="axis-x"))
    return figure("Heat map", note, tag("div", *axes, class_="heat-frame"), _key(surface, spread, measure))


def _line(surface: Surface, measure: Measure) -> Markup:
    values = surface.values[:, 0]
    scale = around(values)
    x = (np.arange(len(values)) + 0.5) / len(values)
    names = [_label(v) for v in surface.row_values]
    marks = scale.marks(5, measure.unit)
    best = Mark(float(x[surface.best[0]]), names[surface.best[0]])
    tips = [
        touch(
            k / len(values),
            (k + 1) / len(values),
            f"{surface.rows} {name}\n{measure.title} {shown(v, measure.unit)}",
        )
        for k, (name, v) in enumerate(zip(names, values.tolist(), strict=True))
    ]
    shapes = [grid(marks), uprights([best], "mark best"), shape(line(x, scale.at(values)), "own"), *tips]
    words = f"{measure.title} against {surface.rows}; the best at {best.label}."
    labels = [side_labels(marks), beneath(_slots(names, 12)), flag(best.at, 0, f"Best: {best.label}", "best")]
    picture = plot("sweep-line", f"{measure.title} against {surface.rows}", words, shapes, labels, 260)
    return figure(f"{measure.title} against {surface.rows}", "", picture)


def distribution(data: ReportData, sweep: SweepData, spread: Spread) -> Markup:
    """Return how many portfolios had how much of the measure, the best and the benchmark marked."""
    measure, values = data.measure(sweep.rank_by), surface_values(sweep)
    counts, edges = histogram(values)
    flags = [("Best", spread.best, "best"), ("Median", spread.median, "median")]
    held = data.benchmark_measures.get(sweep.rank_by, float("nan"))
    if np.isfinite(held):
        flags.append((data.benchmark_name, held, "held"))
    across = around(np.append(edges, [value for _, value, _ in flags]))
    up = around(counts.astype(np.float64) / ROOM, np.array([1.0]), zero=True)
    marks, a = up.marks(4, "count"), across.at(edges)
    bars = "".join(
        f"M{2000 * a[k]:.0f} 1000V{1000 - 1000 * up.spot(float(n)):.0f}H{2000 * a[k + 1]:.0f}V1000Z"
        for k, n in enumerate(counts)
        if n
    )
    shapes = [grid(marks), shape(bars, "crowd solid")]
    shapes += [uprights([Mark(across.spot(value), name)], f"mark {kind}") for name, value, kind in flags]
    for k, n in enumerate(counts.tolist()):
        span = f"{shown(edges[k], measure.unit)} to {shown(edges[k + 1], measure.unit)}"
        shapes.append(touch(a[k], a[k + 1], f"{measure.title} {span}\n{n:,} of {spread.valued:,}"))
    labels = [side_labels(marks), beneath(across.marks(8, measure.unit))]
    labels += [
        flag(across.spot(value), row, f"{name} {shown(value, measure.unit)}", kind)
        for row, (name, value, kind) in enumerate(flags)
    ]
    words = ", ".join(f"{name} {shown(value, measure.unit)}" for name, value, _ in flags)
    picture = plot("spread", f"Distribution of {measure.title}", words + ".", shapes, labels, 240)
    return figure(
        f"{measure.title} of all {spread.valued:,} portfolios", "How many portfolios had how much.", picture
    )


def histogram(values: Floats) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Floats]:
    """Return counts, int64[B], and edges, float64[B + 1], of as many equal bins as the values can fill."""
    bins = int(np.clip(np.sqrt(len(values)), 8, 60))
    counts, edges = np.histogram(values, bins)
    return counts.astype(np.int64), edges.astype(np.float64)


def shades(values: Floats, higher: bool) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Return each cell's place in the palette: 1 the worst, 255 the best, 0 for NaN; row 0 is lowest."""
    finite = np.isfinite(values)
    low, high = float(values[finite].min()), float(values[finite].max())
    part = (np.where(finite, values, low) - low) / ((high - low) or 1.0)
    part = part if higher else 1.0 - part
    return np.where(finite, 1 + np.rint(part * (SHADES - 1)), 0).astype(np.uint8)[::-1]


def palette() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """Return viridis in 255 shades, uint8[255, 3], between its eleven anchors."""
    anchors = np.array([list(bytes.fromhex(colour)) for colour in VIRIDIS], np.float64)
    at = np.linspace(0.0, len(anchors) - 1.0, SHADES)
    mixed = [np.interp(at, np.arange(len(anchors)), anchors[:, k]) for k in range(3)]
    return np.rint(np.stack(mixed, axis=1)).astype(np.uint8)


def png(pixels: np.ndarray[tuple[int, int], np.dtype[np.uint8]]) -> bytes:
    """Return an image of one palette colour per pixel. pixels: uint8[R, C], 0 transparent."""
    height, width = pixels.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each line begins with its filter: 0, none
    lines[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    colours = b"\0\0\0" + palette().tobytes()
    chunks = ((b"IHDR", header), (b"PLTE", colours), (b"tRNS", b"\0"),
              (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))  # fmt: skip
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _key(surface: Surface, spread: Spread, measure: Measure) -> Markup:
    """Return the scale of colours, the worst on the left."""
    finite = surface.values[np.isfinite(surface.values)]
    low, high = float(finite.min()), float(finite.max())
    worst, best = (low, high) if spread.higher else (high, low)
    colours = ", ".join(f"#{colour}" for colour in VIRIDIS)
    ends = (shown(worst, measure.unit), measure.title, shown(best, measure.unit))
    ramp = tag("i", style=f"background:linear-gradient(90deg, {colours})", class_="ramp")
    return tag("div", ramp, join(tag("span", end) for end in ends), class_="colour-key")


def _where(surface: Surface, row: int, column: int) -> str:
    at = f"{surface.rows} {_label(surface.row_values[row])}"
    return f"{at}, {surface.columns} {_label(surface.column_values[column])}"


def _label(value: object) -> str:
    return setting(value)


def _slots(names: list[str], about: int) -> list[Mark]:
    """Return labels of every so many equal slots, in their middles."""
    step = -(-len(names) // about)
    return [Mark((k + 0.5) / len(names), name) for k, name in enumerate(names) if k % step == 0]


def _short(row: Floats) -> list[float | None]:
    return [float(f"{v:.4g}") if np.isfinite(v) else None for v in row]

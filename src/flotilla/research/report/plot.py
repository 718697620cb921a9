"""The frame of every picture: a box of shapes, with a grid behind and text beside it.

Each picture is an SVG with a title and a description for those who hear it instead, in a frame of labels. The
labels are HTML, placed by percentages, so that they keep their size while the box is stretched (see axes.py).
Colours are classes: the style sheet knows two sets of them, for light and for dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flotilla.research.report.axes import HEIGHT, WIDTH, Mark
from flotilla.research.report.markup import Markup, join, tag


def plot(
    name: str,
    title: str,
    description: str,
    shapes: Iterable[Markup],
    labels: Iterable[Markup],
    height: int,
    kind: str = "",
    data: str | None = None,
) -> Markup:
    """Return one picture. name: unique in the page. height: CSS pixels. data: JSON, for the script."""
    drawing = tag(
        "svg",
        tag("title", title, id=f"{name}-title"),
        tag("desc", description, id=f"{name}-desc"),
        *shapes,
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        preserveAspectRatio="none",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )
    return tag(
        "div",
        drawing,
        *labels,
        id=name,
        class_=f"plot {kind}".strip(),
        style=f"height:{height}px",
        data_plot=data,
    )


def shape(path: str, kind: str) -> Markup:
    """Return a path in the colours of `kind`. Its width does not stretch with the box."""
    return tag("path", d=path, class_=kind, vector_effect="non-scaling-stroke")


def group(kind: str, shapes: Iterable[Markup]) -> Markup:
    """Return shapes that appear and vanish together."""
    return tag("g", *shapes, class_=kind)


def grid(marks: Sequence[Mark], kind: str = "grid") -> Markup:
    """Return horizontal lines at `marks` of the vertical axis."""
    path = "".join(f"M0 {HEIGHT - mark.at * HEIGHT:.0f}H{WIDTH}" for mark in marks)
    return shape(path, kind)


def uprights(marks: Sequence[Mark], kind: str = "grid faint") -> Markup:
    """Return vertical lines at `marks` of the horizontal axis."""
    return shape("".join(f"M{mark.at * WIDTH:.0f} 0V{HEIGHT}" for mark in marks), kind)


def box(left: float, right: float, low: float, high: float) -> str:
    """Return the path of a rectangle; all in fractions of the plot, heights from below."""
    a, b = round(left * WIDTH), round(right * WIDTH)
    c, d = round(HEIGHT - low * HEIGHT), round(HEIGHT - high * HEIGHT)
    return f"M{a} {c}H{b}V{d}H{a}Z"


def touch(left: float, right: float, tip: str) -> Markup:
    """Return a full-height strip that shows `tip` while the pointer is on it."""
    return tag("path", d=box(left, right, 0.0, 1.0), class_="touch", data_tip=tip)


def side_labels(marks: Sequence[Mark], kind: str = "") -> Markup:
    """Return labels along the left side."""
    return join(
        tag("span", mark.label, class_=f"y {kind}".strip(), style=f"top:{100 - 100 * mark.at:.2f}%")
        for mark in marks
    )


def beneath(marks: Sequence[Mark]) -> Markup:
    """Return labels along the bottom; every other one goes where the page is narrow."""
    wide = len(marks) > 6
    return join(
        tag(
            "span",
            mark.label,
            class_="x spare" if wide and k % 2 else "x",
            style=f"left:{100 * mark.at:.2f}%",
        )
        for k, mark in enumerate(marks)
    )


def flag(at: float, row: int, label: str, kind: str) -> Markup:
    """Return a label at the top of an upright, on the side of it that has room. row: from the top, from 0."""
    side = "left" if at < 0.6 else "right"
    place = 100 * at if side == "left" else 100 - 100 * at
    return tag("span", label, class_=f"flag {kind}", style=f"{side}:{place:.2f}%;top:{1.5 * row:g}em")


def legend(*entries: tuple[str, str, str]) -> Markup:
    """Return the key of a picture: (kind, name, value)."""
    items = [
        tag("li", tag("i", class_=f"swatch {kind}"), name, tag("b", value) if value else None)
        for kind, name, value in entries
    ]
    return tag("ul", *items, class_="legend")


def figure(heading: str, note: str, *content: Markup, name: str | None = None) -> Markup:
    """Return pictures under one heading. note: one sentence on how to read them."""
    head = tag("figcaption", tag("h3", heading), tag("p", note, class_="note") if note else None)
    return tag("figure", head, *content, id=name)


def behind(summary: str, *content: Markup) -> Markup:
    """Return content that opens on a click (and on paper)."""
    return tag("details", tag("summary", summary), *content)

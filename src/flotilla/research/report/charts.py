"""The pictures of a run: equity, drawdown, exposure, turnover, years."""

from __future__ import annotations

import numpy as np

from flotilla.model.arrays import Floats
from flotilla.research.periods import PeriodUnit, Returns, drawdown, returns_by, turnover_by
from flotilla.research.report.axes import Mark, along, area, around, line, time_marks
from flotilla.research.report.data import ReportData
from flotilla.research.report.markup import Markup, tag
from flotilla.research.report.numbers import compact, percent, shown, spelled_day
from flotilla.research.report.plot import (
    beneath,
    box,
    figure,
    grid,
    group,
    legend,
    plot,
    shape,
    side_labels,
    touch,
    uprights,
)

ZERO_FROM = 2.0  # highest over lowest equity from which a linear scale begins at zero
LOG_FROM = 4.0  # highest over lowest equity from which a linear scale would hide the early years
MONTHLY_UNTIL = 800  # days of data up to which turnover is shown by the month


def equity_and_drawdown(data: ReportData) -> Markup:
    """Return equity over drawdown on one axis of time, with a switch between scales where both make sense."""
    curves = [data.equity] if data.benchmark is None else [data.equity, data.benchmark]
    positive = all(bool(np.all(curve[np.isfinite(curve)] > 0.0)) for curve in curves)
    entries = [("own", data.name, compact(_last(data.equity)))]
    if data.benchmark is not None:
        entries.append(("other", data.benchmark_name, compact(_last(data.benchmark))))
    pictures = (legend(*entries), _equity(data, curves, positive), _falls(data, curves))
    note = (
        "At the close of each bar, after all costs. Hover, or focus and use the arrow keys, for the figures."
    )
    if not positive:
        return figure("Equity and drawdown", note, *pictures)
    ratio = _ratio(curves)
    return tag(
        "div",
        *_switch("log", "Logarithmic", ratio >= LOG_FROM),
        *_switch("linear", "Linear", ratio < LOG_FROM),
        figure("Equity and drawdown", note, *pictures),
        class_="switched",
    )


def _switch(scale: str, label: str, checked: bool) -> tuple[Markup, Markup]:
    """Return a radio button that needs no script: the style sheet shows what belongs to the checked one."""
    name = f"scale-{scale}"
    return (
        tag("input", type="radio", name="scale", id=name, checked=checked, class_="switch"),
        tag("label", label, for_=name),
    )


def _equity(data: ReportData, curves: list[Floats], positive: bool) -> Markup:
    x, times = along(data.ts), time_marks(data.ts)
    scales = {"linear": around(*curves, zero=positive and _ratio(curves) >= ZERO_FROM)}
    if positive:
        scales["log"] = around(*curves, log=True)
    groups, labels = [], []
    for kind, scale in scales.items():
        marks = scale.marks(6, "money")
        paths = [shape(line(x, scale.at(c)), k) for c, k in zip(curves, ("own", "other"), strict=False)]
        groups.append(group(kind, [grid(marks), *reversed(paths)]))
        labels.append(side_labels(marks, kind))
    ranges = ",".join(f'"{kind}":[{s.low:.8g},{s.high:.8g}]' for kind, s in scales.items())
    first, last = data.equity[np.isfinite(data.equity)][[0, -1]]
    begin = f"{data.name} from {shown(first, 'money')} on {spelled_day(int(data.ts[0]))}"
    words = f"{begin} to {shown(last, 'money')}."
    if data.benchmark is not None:
        words += f" {data.benchmark_name}, in grey, ends at {shown(_last(data.benchmark), 'money')}."
    shapes = [uprights(times), *groups]
    return plot("equity", "Equity over time", words, shapes, labels, 340, "time", f"{{{ranges}}}")


def _falls(data: ReportData, curves: list[Floats]) -> Markup:
    x, times = along(data.ts), time_marks(data.ts)
    falls = [-drawdown(curve) for curve in curves]
    scale = around(*falls, np.array([-0.01]), zero=True)
    marks = scale.marks(3, "percent")
    own, top = scale.at(falls[0]), scale.spot(0.0)
    shapes = [uprights(times), grid(marks), shape(area(x, own, top), "own fill")]
    if len(falls) > 1:
        shapes.insert(2, shape(area(x, scale.at(falls[1]), top), "other fill"))
    shapes.append(shape(line(x, own), "own thin"))
    deepest = [
        f"{name} {percent(-float(np.nanmin(fall)))}"
        for name, fall in zip((data.name, data.benchmark_name), falls, strict=False)
    ]
    words = f"Fall below the highest equity so far. Deepest: {', '.join(deepest)}."
    title = tag("span", "Drawdown", class_="above")
    labels = [title, side_labels(marks), beneath(times)]
    return plot("drawdown", "Drawdown over time", words, shapes, labels, 150, "time")


def exposure_and_turnover(data: ReportData) -> Markup:
    """Return the invested fraction over time, and what was traded in each year or month."""
    pictures = []
    if data.exposure is not None:
        pictures.append(_exposure(data, data.exposure))
    pictures.append(_turnover(data))
    note = "How much of equity was invested at each close; how many times equity was bought and sold."
    return figure("Exposure and turnover", note, *pictures)


def _exposure(data: ReportData, exposure: Floats) -> Markup:
    x, times = along(data.ts), time_marks(data.ts)
    scale = around(exposure, np.array([1.0]), zero=True)
    marks = scale.marks(3, "percent")
    y = scale.at(exposure)
    floor = scale.spot(0.0)
    shapes = [
        uprights(times),
        grid(marks),
        shape(area(x, y, floor), "own fill"),
        shape(line(x, y), "own thin"),
    ]
    words = f"Invested fraction of equity; {percent(float(np.nanmean(exposure)))} on average."
    labels = [tag("span", "Exposure", class_="above"), side_labels(marks)]
    return plot("exposure", "Exposure over time", words, shapes, labels, 130, "time")


def _turnover(data: ReportData) -> Markup:
    unit: PeriodUnit = "M" if data.ts[-1] - data.ts[0] < MONTHLY_UNTIL * 86_400e9 else "Y"
    turnover = turnover_by(unit, data.ts, data.traded(), data.equity)
    edges = turnover.start.astype("datetime64[ns]").astype(np.int64)
    span = max(float(data.ts[-1] - data.ts[0]), 1.0)
    left = np.clip((edges - data.ts[0]) / span, 0.0, 1.0)
    right = np.append(left[1:], 1.0)
    gap = np.minimum((right - left) * 0.12, 0.004)
    scale = around(np.append(np.nan_to_num(turnover.value), 1e-9), zero=True)
    marks, times = scale.marks(3, "times"), time_marks(data.ts)
    heights = scale.at(np.nan_to_num(turnover.value))
    bars = "".join(box(a + g, b - g, 0.0, h) for a, b, g, h in zip(left, right, gap, heights, strict=True))
    shapes = [uprights(times), grid(marks), shape(bars, "own solid")]
    for a, b, start, v in zip(left, right, turnover.start, turnover.value, strict=True):
        shapes.append(touch(a, b, f"{period(start, unit)}\nTurnover {v:.2f}×"))
    per = "year" if unit == "Y" else "month"
    words = f"Value traded in each {per} as a multiple of that {per}'s mean equity."
    labels = [tag("span", f"Turnover, by {per}", class_="above"), side_labels(marks), beneath(times)]
    return plot("turnover", f"Turnover by {per}", words, shapes, labels, 130)


def years(data: ReportData) -> Markup:
    """Return each year's return beside the benchmark's."""
    own = returns_by("Y", data.local, data.equity)
    other = None if data.benchmark is None else returns_by("Y", data.local, data.benchmark)
    series = [own] if other is None else [own, other]
    scale = around(*(np.nan_to_num(s.value) for s in series), np.array([0.001]), zero=True)
    marks = scale.marks(5, "percent")
    zero, count = scale.spot(0.0), len(own.start)
    shapes = [grid(marks)]
    thick = min(0.36 / count, 0.06)
    for k, (s, kind) in reversed(list(enumerate(zip(series, ("own", "other"), strict=False)))):
        middle = (np.arange(count) + 0.5) / count + (k - 0.5 * (len(series) - 1)) * thick
        tops = scale.at(np.nan_to_num(s.value))
        for part, look in ((False, "solid"), (True, "hollow")):
            rows = np.flatnonzero(own.part == part)
            bars = "".join(
                box(middle[r] - thick / 2, middle[r] + thick / 2, min(zero, tops[r]), max(zero, tops[r]))
                for r in rows
            )
            shapes.append(shape(bars, f"{kind} {look}"))
    shapes.append(grid([Mark(zero, "")], "axis"))
    shapes.extend(touch(r / count, (r + 1) / count, _year_tip(data, own, other, r)) for r in range(count))
    entries = [("own", data.name, "")] + ([("other", data.benchmark_name, "")] if other else [])
    labels = [side_labels(marks), beneath(_thin_labels([period(s, "Y") for s in own.start]))]
    words = f"{int((own.value > 0).sum())} of {count} years with a gain for {data.name}."
    picture = plot("years", "Return of each year", words, shapes, labels, 240)
    note = "A hollow bar is a part of a year." if own.part.any() else ""
    return figure("Yearly returns", note, legend(*entries), picture)


def _year_tip(data: ReportData, own: Returns, other: Returns | None, row: int) -> str:
    part = " (part of it)" if own.part[row] else ""
    tip = f"{period(own.start[row], 'Y')}{part}\n{data.name} {percent(own.value[row], signed=True)}"
    if other is None:
        return tip
    return f"{tip}\n{data.benchmark_name} {percent(other.value[row], signed=True)}"


def period(start: np.datetime64, unit: PeriodUnit) -> str:
    """Return the name of a period: 2021, or 2021-03."""
    return str(start.astype(f"datetime64[{unit}]"))


def _thin_labels(names: list[str], about: int = 12) -> list[Mark]:
    """Return labels in the middle of equal slots, as many as there is room for."""
    step = -(-len(names) // about)
    return [Mark((k + 0.5) / len(names), name) for k, name in enumerate(names) if k % step == 0]


def _ratio(curves: list[Floats]) -> float:
    """Return the largest of the curves' highest over lowest."""
    return max(float(np.nanmax(curve) / np.nanmin(curve)) for curve in curves)


def _last(curve: Floats) -> float:
    return float(curve[np.isfinite(curve)][-1])

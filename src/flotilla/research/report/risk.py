"""Rolling statistics, and the figures of risk: tails, the benchmark's part, round trips."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from flotilla.model.arrays import Floats
from flotilla.model.measures import MeasureGroup, Unit
from flotilla.research.report.axes import along, around, line, time_marks
from flotilla.research.report.data import ReportData
from flotilla.research.report.markup import Markup, tag
from flotilla.research.report.numbers import shown
from flotilla.research.report.plot import beneath, figure, grid, legend, plot, shape, side_labels, uprights
from flotilla.research.report.tables import table
from flotilla.research.report.verdict import sentence
from flotilla.research.returns import Rolling, returns_of, rolling
from flotilla.words import counted

LOWEST = "volatility"  # the picture that has the times below it
SHORTEST = 10  # returns in a window: of fewer a ratio says nothing


def windows(data: ReportData) -> tuple[Rolling, Rolling | None] | None:
    """Return the rolling statistics of the portfolio and of the benchmark, over half a year each.

    None where the record has not two such windows.
    """
    if not np.isfinite(data.a_year):
        return None
    window = round(data.a_year / 2)
    if window < SHORTEST or len(data.ts) < 2 * window:
        return None
    other = None if data.benchmark is None else rolling(returns_of(data.benchmark), window, data.a_year)
    return rolling(returns_of(data.equity), window, data.a_year), other


def rolled(data: ReportData) -> Markup | None:
    """Return the rolling Sharpe ratio over the rolling volatility; None of a record that is too short."""
    found = windows(data)
    if found is None:
        return None
    own, other = found
    pictures = []
    for name, measure in (("sharpe", data.measure("sharpe")), (LOWEST, data.measure(LOWEST))):
        curves = [getattr(each, name) for each in (own, other) if each is not None]
        if np.isfinite(curves[0]).any():
            pictures.append(_picture(data, name, measure.title, measure.unit, curves))
    if not pictures:
        return None
    entries = [("own", data.name, "")] + ([("other", data.benchmark_name, "")] if other else [])
    note = f"Of the {counted(own.window, 'bar')}, half a year, that end at each; scaled to a year."
    return figure("Rolling Sharpe ratio and volatility", note, legend(*entries), *pictures)


def _picture(data: ReportData, name: str, title: str, unit: Unit, curves: list[Floats]) -> Markup:
    x, times = along(data.ts), time_marks(data.ts)
    curves = [np.concatenate(([np.nan], curve)) for curve in curves]
    scale = around(*curves, np.zeros(1), zero=True)
    marks = scale.marks(4, unit)
    paths = [
        shape(line(x, scale.at(c)), kind) for c, kind in zip(curves, ("own", "other thin"), strict=False)
    ]
    last = curves[0][np.isfinite(curves[0])][-1]
    low, high, end = (shown(float(v), unit) for v in (np.nanmin(curves[0]), np.nanmax(curves[0]), last))
    words = f"{title} of {data.name}: from {low} to {high}, at the end {end}."
    labels = [tag("span", title, class_="above"), side_labels(marks)]
    if name == LOWEST:
        labels.append(beneath(times))
    shapes = [uprights(times), grid(marks), *reversed(paths)]
    return plot(f"rolling-{name}", f"Rolling {title.lower()}", words, shapes, labels, 150, "time")


def figures(data: ReportData) -> Markup:
    """Return the statistics in groups, each a table: the portfolio's, and the benchmark's too."""
    groups: dict[MeasureGroup, str] = {
        "returns": "Returns and their tails",
        "relative": f"Beside {sentence(data.benchmark_name)}",
        "trips": "Round trips",
    }
    made = []
    for group, title in groups.items():
        told = {k: v for k, v in data.statistics.items() if data.measure(k).group == group}
        if told:
            made.append(tag("div", tag("h3", title), _table(data, title, told)))
    return tag("div", *made, class_="trio")


def _table(data: ReportData, title: str, told: Mapping[str, float]) -> Markup:
    held = {key: data.benchmark_statistics[key] for key in told if key in data.benchmark_statistics}
    rows = []
    for key, value in told.items():
        measure = data.measure(key)
        beside = [shown(held[key], measure.unit)] if key in held else []
        rows.append([measure.title, shown(value, measure.unit), *beside])
    return table(title, ["", data.name, *([data.benchmark_name] if held else [])], rows)

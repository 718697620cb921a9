"""The tables: beside the pictures, for those who want the figures or cannot see the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from math import isnan

import numpy as np

from flotilla.model.measures import SKILL_OR_LUCK
from flotilla.model.records import Fill
from flotilla.research.periods import returns_by, spans, worst_drawdowns, worst_of_each
from flotilla.research.report.data import ReportData, SweepData
from flotilla.research.report.markup import Markup, tag
from flotilla.research.report.numbers import moment, percent, setting, shown, spelled_day

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
DEEPEST = 5
BEST = 10
LARGEST = 10
FULL_HEAT = 0.10  # a month's return from which its cell is as deep in colour as it gets


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[str]], columns: str = "tn", kind: str = ""
) -> Markup:
    """Return a table that scrolls sideways where the page is narrow.

    columns: a letter for each, "t" for text and "n" for numbers; the last stands for those that follow. A
    cell that is a td already goes in as it is.
    """
    looks = ["text" if letter == "t" else None for letter in columns.ljust(len(head), columns[-1])]
    heads = [tag("th", title, scope="col", class_=look) for title, look in zip(head, looks, strict=True)]
    body = [tag("tr", *(_cell(cell, k == 0, looks[k]) for k, cell in enumerate(row))) for row in rows]
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *body),
        class_=kind or None,
    )
    return tag("div", whole, class_="scroll", tabindex=0, role="region", aria_label=caption)


def _cell(cell: str, first: bool, look: str | None) -> Markup:
    if isinstance(cell, Markup):
        return cell
    return tag("th", cell, scope="row", class_=look) if first else tag("td", cell, class_=look)


def months(data: ReportData) -> Markup:
    """Return a row per year: its months, coloured by their return, the year, and the benchmark's year."""
    monthly = returns_by("M", data.local, data.equity)
    yearly = returns_by("Y", data.local, data.equity)
    other = None if data.benchmark is None else returns_by("Y", data.local, data.benchmark).value
    value = dict(
        zip(monthly.start.astype("datetime64[M]").astype(int).tolist(), monthly.value.tolist(), strict=True)
    )
    rows = []
    for k, start in enumerate(yearly.start.astype("datetime64[Y]")):
        first = int(start.astype("datetime64[M]").astype(int))
        cells = [_heat(value.get(first + m)) for m in range(12)]
        total = tag("td", percent(yearly.value[k]), class_="total")
        held = [] if other is None else [tag("td", percent(other[k]), class_="held")]
        rows.append([str(start), *cells, total, *held])
    head = ["Year", *MONTHS, "Year"] + ([] if other is None else [data.benchmark_name])
    return table("Monthly returns, in percent", head, rows, kind="months")


def _heat(value: float | None) -> Markup:
    """Return a month's cell, deeper in colour the further from zero: blue for a gain, orange for a loss."""
    if value is None or isnan(value):
        return tag("td")
    deep = round(50 * min(abs(value) / FULL_HEAT, 1.0))
    label = percent(value).removesuffix("%")
    return tag("td", label, class_="gain" if value > 0 else "loss", style=f"--deep:{deep}%" if deep else None)


def year_figures(data: ReportData) -> Markup:
    """Return what each year did, in figures."""
    own = returns_by("Y", data.local, data.equity)
    deepest = worst_of_each("Y", data.local, data.equity)
    last = data.equity[spans("Y", data.local)[2]]
    head = ["Year", "Return", "Equity at its end", "Deepest drawdown"]
    columns: list[Sequence[str]] = [
        [
            str(y) + (" (part)" if p else "")
            for y, p in zip(own.start.astype("datetime64[Y]"), own.part, strict=True)
        ],
        [percent(v, signed=True) for v in own.value],
        [shown(v, "money") for v in last],
        [percent(v) for v in deepest],
    ]
    if data.benchmark is not None:
        other = returns_by("Y", data.local, data.benchmark).value
        head[2:2] = [data.benchmark_name, "Difference"]
        columns[2:2] = [[percent(v, signed=True) for v in x] for x in (other, own.value - other)]
    return table("Returns by year", head, list(zip(*columns, strict=True)))


def deepest_falls(data: ReportData) -> Markup:
    """Return the deepest drawdowns: when, how deep, how long."""
    rows = []
    for fall in worst_drawdowns(data.ts, data.equity, DEEPEST):
        end = int(data.ts[-1]) if fall.recovered is None else fall.recovered
        back = "not yet" if fall.recovered is None else spelled_day(fall.recovered)
        days = f"{(end - fall.peak) / 86_400e9:,.0f}"
        rows.append([percent(fall.depth), spelled_day(fall.peak), spelled_day(fall.trough), back, days])
    head = ["Depth", "From", "Lowest", "Recovered", "Days"]
    return table("The deepest drawdowns at closing prices", head, rows, columns="n")


def best(data: ReportData, sweep: SweepData) -> Markup:
    """Return the best portfolios of a sweep, with their parameters and measures."""
    measures = [c for c in sweep.table.columns if c in data.definitions]
    ranked_first = sorted(measures, key=lambda c: c != sweep.rank_by)
    numbered = ["portfolio"] if "portfolio" in sweep.table.columns else []
    head = [
        "Rank",
        *(name.capitalize() for name in numbered),
        *sweep.axes,
        *(data.measure(c).title for c in ranked_first),
    ]
    rows = [
        [
            str(rank),
            *(f"{row[name]}" for name in numbered),
            *(setting(row[axis]) for axis in sweep.axes),
            *(shown(number(row[c]), data.measure(c).unit) for c in ranked_first),
        ]
        for rank, row in enumerate(sweep.table.head(BEST).iter_rows(named=True), 1)
    ]
    return table(f"The best by {data.measure(sweep.rank_by).title}", head, rows)


def largest(fills: Sequence[Fill]) -> Markup:
    """Return the fills of the largest value."""
    rows = [
        [
            moment(fill.ts_event),
            fill.instrument,
            "buy" if fill.quantity > 0 else "sell",
            f"{abs(fill.quantity):,.6g}" if abs(fill.quantity) < 1e6 else f"{abs(fill.quantity):,.0f}",
            f"{fill.price:,.10g}",
            shown(abs(fill.quantity * fill.price), "money"),
            shown(fill.fee, "money"),
        ]
        for fill in nlargest(LARGEST, fills, key=lambda fill: abs(fill.quantity * fill.price))
    ]
    head = ["Time, UTC", "Instrument", "Side", "Quantity", "Price", "Value", "Fee"]
    return table(
        "The ten largest fills by value" if len(rows) == LARGEST else "The fills", head, rows, columns="tttn"
    )


def definitions(data: ReportData) -> Markup:
    """Return every measure: its value, the benchmark's, what it means and how it is computed."""
    rows = []
    for key, value in {**data.measures, **data.statistics}.items():
        measure = data.measure(key)
        source = tag("small", measure.source) if measure.source else None
        held = data.benchmark_measures.get(key, data.benchmark_statistics.get(key))
        cells = [
            measure.title,
            shown(number(value), measure.unit),
            "" if held is None else shown(held, measure.unit),
            tag("td", tag("p", measure.words), source, class_="text words"),
            tag("td", tag("code", measure.formula) if measure.formula else None, class_="text words"),
        ]
        rows.append(cells)
    head = ["Measure", data.name, data.benchmark_name, "Meaning and source", "Formula"]
    return table("Measures and their definitions", head, rows, columns="tnnt")


def skill_or_luck() -> Markup:
    """Return the tests that are still to be made."""
    rows = [
        [name, "not computed yet", tag("td", tag("p", question), tag("small", source), class_="text words")]
        for name, question, source in SKILL_OR_LUCK
    ]
    return table(
        "Tests that allow for the number of trials", ["Test", "Result", "What it asks"], rows, "t", "tests"
    )


def said(pairs: Iterable[tuple[str, str]], kind: str = "said") -> Markup:
    """Return pairs of a word and what is said about it."""
    return tag("dl", *(tag("div", tag("dt", title), tag("dd", words)) for title, words in pairs), class_=kind)


def facts(values: Mapping[str, object]) -> Markup:
    """Return names with their values, as one would write them in a configuration."""
    return said(((name, setting(value)) for name, value in values.items()), "facts")


def number(value: object) -> float:
    """Return a cell of a table of measures as a float; NaN where there is none."""
    return float(value) if isinstance(value, int | float | np.number) else float("nan")

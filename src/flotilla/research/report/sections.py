"""The page's sections, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from flotilla.research.report import risk, tables, trading
from flotilla.research.report.charts import equity_and_drawdown, exposure_and_turnover, years
from flotilla.research.report.data import ReportData, SweepData
from flotilla.research.report.heatmap import distribution, heat_map
from flotilla.research.report.markup import Markup, tag
from flotilla.research.report.numbers import moment, shown, spelled_day
from flotilla.research.report.plot import behind
from flotilla.research.report.surface import Spread, Surface, spread_of, surface_of
from flotilla.research.report.verdict import chosen, luck, sweep_words, verdict

CARDS = (
    "cagr", "sharpe", "max_drawdown", "volatility", "calmar",
    "final_equity", "exposure", "turnover", "fees", "orders",
)  # fmt: skip
RESERVED = (
    "The tests below allow for the number of trials. They are not computed yet, so this report cannot say "
    "whether what it shows is skill."
)


class Explored(NamedTuple):
    """A sweep and what its surface looks like, computed once for the page and for report.json."""

    sweep: SweepData
    surface: Surface
    spread: Spread


def explored(data: ReportData) -> Explored | None:
    """Return the sweep's surface and spread, if there was a sweep."""
    if data.sweep is None:
        return None
    surface = surface_of(data.sweep)
    return Explored(data.sweep, surface, spread_of(data.sweep, surface))


def body(data: ReportData, found: Explored | None) -> Iterator[Markup]:
    """Yield the page from top to bottom."""
    sections = list(_sections(data, found))
    yield _header(data)
    yield _navigation(sections)
    yield tag(
        "main", _summary(data, found), *(section(name, title, *content) for name, title, content in sections)
    )
    yield tag(
        "footer", f"Made by flotilla on {moment(data.created_ns)} UTC. The numbers behind it: report.json."
    )


def _sections(data: ReportData, found: Explored | None) -> Iterator[tuple[str, str, tuple[Markup, ...]]]:
    falls = behind("The deepest drawdowns", tables.deepest_falls(data))
    yield "growth", "Growth", (equity_and_drawdown(data), falls)
    by_year = behind("The years in figures", tables.year_figures(data))
    yield "returns", "Returns", (years(data), tag("h3", "Monthly returns"), tables.months(data), by_year)
    if data.statistics:
        yield "risk", "Risk", _there(risk.rolled(data), risk.figures(data))
    if found is not None:
        yield "sweep", "Sweep", _sweep(data, found)
    yield "luck", "Skill or luck", _luck(data, found)
    if data.contributions:
        yield "instruments", "Instruments", _there(trading.profits(data), trading.prices(data))
    fills = behind("The largest fills", tables.largest(data.fills))
    activity = exposure_and_turnover(data), _orders(data), trading.round_trips(data), fills
    yield "activity", "Activity", _there(*activity)
    yield "measures", "Measures", (_measures_note(), tables.definitions(data))
    yield "assumptions", "Assumptions", _assumptions(data)
    if data.parameters:
        yield "parameters", "Parameters", (tables.facts(data.parameters),)
    yield "lineage", "Lineage", _lineage(data)


def _there(*content: Markup | None) -> tuple[Markup, ...]:
    return tuple(each for each in content if each is not None)


def section(name: str, title: str, *content: Markup) -> Markup:
    """Return a part of the page that can be linked to."""
    return tag(
        "section",
        tag("h2", title, id=f"{name}-heading"),
        *content,
        id=name,
        aria_labelledby=f"{name}-heading",
    )


def _header(data: ReportData) -> Markup:
    span = f"{spelled_day(int(data.ts[0]))} to {spelled_day(int(data.ts[-1]))}"
    first = {name: data.parameters[name] for name in data.told if name in data.parameters}
    names = ", ".join(data.instruments[:24]) + (" …" if len(data.instruments) > 24 else "")
    pairs = [
        ("Period", f"{span}, {len(data.ts):,} bars"),
        ("Data", data.data),
        (f"{len(data.instruments)} instruments" if len(data.instruments) != 1 else "Instrument", names),
        ("Identity", data.identity[:16]),
    ]
    return tag(
        "header",
        tag("p", f"Research report · {spelled_day(data.created_ns)}", class_="kicker"),
        tag("h1", data.name),
        tag("p", data.description, class_="lede") if data.description else None,
        tables.facts(first) if first else None,
        tag("p", tag("a", f"All {len(data.parameters)} parameters", href="#parameters"), class_="note")
        if len(first) < len(data.parameters)
        else None,
        tables.said(((title, words) for title, words in pairs if words), "meta"),
    )


def _navigation(sections: list[tuple[str, str, tuple[Markup, ...]]]) -> Markup:
    links = [tag("a", title, href=f"#{name}") for name, title, _ in sections]
    return tag("nav", *links, aria_label="Sections")


def _summary(data: ReportData, found: Explored | None) -> Markup:
    spread = found.spread if found else None
    warning = tag(
        "aside",
        tag("p", tag("strong", luck(spread))),
        tag("p", chosen(data, spread), " ", tag("a", "Skill or luck", href="#luck"), "."),
        class_="warning",
    )
    said = tag("p", verdict(data), class_="verdict")
    return tag("section", said, warning, _remarks(data), _cards(data), aria_label="Summary")


def _remarks(data: ReportData) -> Markup | None:
    """Return what a reader must know of the data and of the run beside the figures."""
    if not data.remarks:
        return None
    return tag("ul", *(tag("li", remark) for remark in data.remarks), class_="remarks")


def _cards(data: ReportData) -> Markup:
    cards = []
    for key in CARDS:
        if key not in data.measures:
            continue
        measure, held = data.measure(key), data.benchmark_measures.get(key)
        beside = None if held is None else f"{data.benchmark_name} {shown(held, measure.unit)}"
        value = tag("dd", shown(data.measures[key], measure.unit), class_="value")
        cards.append(
            tag(
                "div",
                tag("dt", measure.title),
                value,
                tag("dd", beside) if beside else None,
                title=measure.words,
            )
        )
    return tag("dl", *cards, class_="cards")


def _sweep(data: ReportData, found: Explored) -> tuple[Markup, ...]:
    axes = [f"{name} ({len(values):,} values)" for name, values in found.sweep.axes.items()]
    tried = f"{found.spread.tried:,} portfolios: every combination of {', '.join(axes)}."
    if not found.spread.valued:
        nothing = f"None of them has a value of {data.measure(found.sweep.rank_by).title}."
        return (tag("p", tried, " ", nothing), tables.best(data, found.sweep))
    return (
        tag("p", tried),
        heat_map(data, found.sweep, found.surface, found.spread),
        distribution(data, found.sweep, found.spread),
        tag("h3", "The best"),
        tables.best(data, found.sweep),
        tag("p", "Any of them in full: ", tag("code", "flotilla report --portfolio N"), class_="note"),
    )


def _luck(data: ReportData, found: Explored | None) -> tuple[Markup, ...]:
    spread = found.spread if found else None
    words = [tag("p", tag("strong", luck(spread)), " ", chosen(data, spread))]
    if found is not None:
        words.append(tag("ul", *(tag("li", line) for line in sweep_words(data, found.sweep, found.spread))))
    return (*words, tag("p", RESERVED), tables.skill_or_luck())


def _orders(data: ReportData) -> Markup:
    fees = sum(fill.fee for fill in data.fills)
    value = sum(abs(fill.quantity * fill.price) for fill in data.fills)
    buys = sum(fill.quantity > 0 for fill in data.fills)
    pairs = [
        ("Orders decided", f"{data.orders:,}"),
        ("Fills", f"{len(data.fills):,}"),
        ("Buys and sells", f"{buys:,} and {len(data.fills) - buys:,}"),
        ("Value traded", shown(value, "money")),
        ("Fees paid", shown(fees, "money")),
    ]
    return tables.said(pairs, "facts")


def _measures_note() -> Markup:
    return tag(
        "p",
        "E is equity at the close of a bar, r = E / (E of the bar before) − 1 its return, N the bars a year.",
        class_="note",
    )


def _assumptions(data: ReportData) -> tuple[Markup, ...]:
    parts = [tables.said(data.assumptions)]
    if data.not_modelled:
        parts += [tag("h3", "What is not modelled"), tables.said(data.not_modelled)]
    return tuple(parts)


def _lineage(data: ReportData) -> tuple[Markup, ...]:
    parts = [tables.facts({"result": data.identity, **data.lineage})]
    if data.command:
        parts += [tag("h3", "To make this again"), tag("pre", tag("code", data.command), tabindex=0)]
    return tuple(parts)

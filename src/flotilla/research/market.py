"""The bars of a run, and what portfolios trade on, as a configuration asks for them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from flotilla.config import RunConfig
from flotilla.errors import ConfigError, UnknownName
from flotilla.model.arrays import Floats
from flotilla.model.measures import MEASURES
from flotilla.model.panel import Panel
from flotilla.model.terms import PortfolioConfig
from flotilla.plugins import find, handed
from flotilla.portfolio.market import Market, first_row, market_of
from flotilla.research.annual import short_of_a_year, years_of
from flotilla.research.listed import remarks_on_listing
from flotilla.stage.calendar import calendar_fields
from flotilla.stage.lend import lent
from flotilla.stream.bars.draft import rows_of_days
from flotilla.stream.decisions import decisions_for, read_decisions, remarks_on
from flotilla.words import cut

GROWS = frozenset({"final_equity", "total_return", "max_drawdown", "orders", "fees"})  # with time


def open_panel(config: RunConfig, folder: Path | None) -> Panel:
    """Return the bars that a configuration asks for. folder: where the user's own files are looked for."""
    params = handed(config.data.params)
    if folder is not None and "path" in params:
        params = {**params, "path": _beside(params["path"], folder)}
    source = find("source", config.data.source, folder)(**params)
    panel: Panel = source.panel(config.data.start, config.data.end, config.data.instruments)
    return panel


def _beside(path: Any, folder: Path) -> Any:
    """Return a path, or each of a list of them, from where the configuration's file lies."""
    if isinstance(path, str):
        return str(folder / path)
    return [_beside(each, folder) for each in path] if isinstance(path, list | tuple) else path


def panel_for(config: RunConfig, folder: Path | None, panel: Any) -> Panel:
    """Return the bars of a run: the configuration's own, or a panel in place of its source.

    A panel is cut to the days and instruments that the configuration asks for, as a source would be.
    """
    if panel is None:
        return open_panel(config, folder)
    if not isinstance(panel, Panel):
        meant = f"parameters are given by name: params={cut(panel)}" if isinstance(panel, dict) else ""
        raise ConfigError(
            f"panel should be a Panel, it is {cut(panel)}: {meant or 'give panel=panel_from(frame)'}"
        )
    asked = config.data
    first, last = rows_of_days(panel.ts_event, panel.zone, asked.start, asked.end)
    if first >= last:
        span = f"from {asked.start or 'the start'} to {asked.end or 'the end'}"
        raise ConfigError(f"$.data: there are no bars {span} in {panel!r}")
    for name in asked.instruments or ():
        if name not in panel.instruments:
            raise UnknownName(f"instrument of {panel.name}", name, panel.instruments)
    return panel.rows(first, last).only(asked.instruments or panel.instruments)


def fields_of(panel: Panel) -> dict[str, Floats]:
    """Return what strategies read: the panel's fields, and the calendar, float64[T, I] each."""
    prices = {name: lent(values) for name, values in panel.fields.items()}
    calendar = calendar_fields(panel.ts_event, panel.ts_recv, panel.zone, len(panel.instruments))
    return {**prices, **calendar}


def market_for(panel: Panel, portfolio: PortfolioConfig, portfolio_id: str, folder: Path | None) -> Market:
    """Return the rows that portfolios with these terms trade on, with the risk decisions that they heed."""
    first, decisions = first_row(panel, portfolio), None
    if portfolio.decisions:
        table = read_decisions((folder or Path()) / portfolio.decisions)
        decisions = decisions_for(table, portfolio_id, panel.ts_recv, panel.instruments)
    return market_of(panel, fields_of(panel), first, portfolio, decisions)


def remarks_of(config: RunConfig, panel: Panel, folder: Path | None) -> tuple[str, ...]:
    """Return what a reader of a result must know of its data and its risk decisions, a sentence each."""
    paths = dict.fromkeys([config.portfolio.decisions, *config.axes().get("portfolio.decisions", ())])
    told = [
        remark
        for path in paths
        if path is not None
        for remark in remarks_on(
            read_decisions((folder or Path()) / str(path)),
            str(path),
            config.name,
            panel.ts_recv,
            panel.instruments,
        )
    ]
    return (*panel.remarks, *_of_listing(config, panel), *told, *_of_periods(config, panel))


def _of_listing(config: RunConfig, panel: Panel) -> tuple[str, ...]:
    """Return what must be said of instruments that are not there all the time, from the first start on."""
    axes = config.axes()
    starts = axes.get("portfolio.start", (config.portfolio.start,))
    days = [None if start is None else date.fromisoformat(str(start)) for start in starts]
    first = min(rows_of_days(panel.ts_event, panel.zone, day, None)[0] for day in days)
    equal = config.portfolio.allocation is None and "portfolio.allocation" not in axes
    bars = slice(min(first, len(panel.ts_event) - 1), None)
    return remarks_on_listing(panel.ts_event[bars], panel.instruments, panel.fields["close"][bars], equal)


def _of_periods(config: RunConfig, panel: Panel) -> tuple[str, ...]:
    """Return what must be said of the periods that portfolios are of: short ones, and different ones."""
    starts = config.axes().get("portfolio.start", (config.portfolio.start,))
    begins = [
        rows_of_days(panel.ts_event, panel.zone, date.fromisoformat(str(s)) if s else None, None)[0]
        for s in starts
    ]
    told = short_of_a_year(years_of(panel.ts_event[max(begins) :]))
    if len(set(begins)) < 2:
        return told
    how = "the longer ones had more time for it" if config.rank_by in GROWS else "the markets differed, too"
    ranked = f"{MEASURES[config.rank_by].title} is of different periods: {how}"
    return (*told, f"the portfolios begin on {len(set(begins))} different days, so {ranked}")

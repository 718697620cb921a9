"""What all portfolios of a run share: bars, the prices they fill and are marked at, risk decisions."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from flotilla.config import PortfolioConfig, RunConfig
from flotilla.errors import ConfigError, UnknownName
from flotilla.kernel.records import Risk, Row
from flotilla.model.arrays import Floats
from flotilla.model.measures import MEASURES
from flotilla.model.panel import Panel
from flotilla.plugins import find, handed
from flotilla.research.annual import short_of_a_year, years_of
from flotilla.research.listed import remarks_on_listing
from flotilla.research.memory import check_room
from flotilla.stage.calendar import calendar_fields
from flotilla.stage.lend import lent
from flotilla.stage.prices import fill_field
from flotilla.stage.rebalance import periods, rebalance_of
from flotilla.stage.single import InForce, Marks
from flotilla.stage.terms import parts_of
from flotilla.stream.bars.draft import rows_of_days
from flotilla.stream.decisions import Decisions, decisions_for, read_decisions, remarks_on
from flotilla.words import cut

GROWS = frozenset({"final_equity", "total_return", "max_drawdown", "orders", "fees"})  # with time


class Market(NamedTuple):
    """The rows of a run, from the panel's first on. float64[T, I] unless it is said."""

    panel: Panel
    fields: dict[str, Floats]  # the panel's, and the calendar
    first: int  # the row with which portfolios begin; those before warm the stages up
    fill: Floats
    close: Floats
    known: Floats  # the last closes before each bar, when its orders fill
    marks: Floats  # the last closes with it
    scale: Floats
    cap: Floats
    decisions: Decisions | None
    period: Floats  # [T] of each row: where a new one begins, weights are restored
    part: Floats  # [I] of an allocation, that an instrument gets

    def row(self, t: int) -> Row:
        """Return the prices of a bar."""
        return Row(self.fill[t], self.close[t], self.known[t], self.marks[t], float(self.period[t]))

    def in_force(self, t: int) -> InForce:
        """Return the risk decisions in force on a bar."""
        names = self.panel.instruments
        ids = self.decisions.ids(t, names) if self.decisions else [()] * len(names)
        return InForce(Risk(self.scale[t], self.cap[t]), ids)


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


def first_row(panel: Panel, portfolio: PortfolioConfig) -> int:
    """Return the row with which a portfolio begins; ConfigError if the data ends before."""
    first, _ = rows_of_days(panel.ts_event, panel.zone, portfolio.start, None)
    if first == len(panel.ts_event):
        raise ConfigError(f"$.portfolio.start: the data ends before {portfolio.start}")
    return first


def market_of(panel: Panel, portfolio: PortfolioConfig, portfolio_id: str, folder: Path | None) -> Market:
    """Return the rows that portfolios with these terms trade on."""
    rows, instruments = panel.shape
    fields = fields_of(panel)
    close, first = fields["close"], first_row(panel, portfolio)
    decisions = None
    if portfolio.decisions:
        table = read_decisions((folder or Path()) / portfolio.decisions)
        decisions = decisions_for(table, portfolio_id, panel.ts_recv, panel.instruments)
    taken = 2 * 8 * rows * instruments
    check_room(taken, f"to mark {rows:,} bars", "take fewer instruments or a shorter period")
    known, marks = Marks(instruments).advance_both(np.ascontiguousarray(close))
    open_risk = np.broadcast_to(np.ones(instruments), (rows, instruments))
    return Market(
        panel=panel,
        fields=fields,
        first=first,
        fill=fields[fill_field(portfolio.fill_at, panel.fields)],
        close=close,
        known=known,
        marks=marks,
        scale=decisions.scale if decisions else open_risk,
        cap=decisions.cap if decisions else open_risk,
        decisions=decisions,
        period=periods(rebalance_of(portfolio.rebalance).every, panel.ts_event, panel.zone, 0),
        part=parts_of(portfolio.allocation, panel.instruments),
    )


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

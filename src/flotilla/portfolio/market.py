"""What all portfolios of a run share: the prices they fill and are marked at, risk decisions, periods."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from flotilla.errors import ConfigError
from flotilla.kernel.mark import carry
from flotilla.kernel.records import Risk, Row
from flotilla.model.arrays import Floats
from flotilla.model.panel import Panel
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.memory import check_room
from flotilla.portfolio.params import allocation_parts
from flotilla.portfolio.prices import fill_field
from flotilla.portfolio.rebalance import periods, rebalance_of
from flotilla.stage.lend import lent
from flotilla.stream.bars.draft import rows_of_days
from flotilla.stream.decisions import Decisions


class InForce(NamedTuple):
    """The risk decisions in force on a bar, and for each instrument the ids of those behind them."""

    risk: Risk
    ids: Sequence[tuple[str, ...]]


def no_risk(instruments: int) -> InForce:
    """Return the decisions of nobody: all is let through."""
    return InForce(Risk(np.ones(instruments), np.ones(instruments)), [()] * instruments)


class Marks:
    """The last known closes. Before an instrument's first, its mark is 0: nobody can own it yet."""

    def __init__(self, instruments: int) -> None:
        self.last = np.zeros(instruments)

    def advance(self, close: Floats) -> Floats:
        """Return the marks of the next rows. close: float64[n, I] -> float64[n, I]."""
        marks = np.empty_like(close)
        carry(self.last, lent(close), marks)
        return marks

    def advance_both(self, close: Floats) -> tuple[Floats, Floats]:
        """Return what was known before each of the next rows, when its orders fill, and its marks."""
        before = self.last.copy()
        marks = self.advance(close)
        return np.concatenate([before[None], marks[:-1]]), marks


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


def market_of(
    panel: Panel,
    fields: Mapping[str, Floats],
    first: int,
    config: PortfolioConfig,
    decisions: Decisions | None,
) -> Market:
    """Return the rows that portfolios with these terms trade on, from the row `first` on.

    fields: what strategies read, float64[T, I] each. decisions: that the portfolios heed.
    """
    rows, instruments = panel.shape
    taken = 2 * 8 * rows * instruments
    check_room(taken, f"to mark {rows:,} bars", "take fewer instruments or a shorter period")
    known, marks = Marks(instruments).advance_both(np.ascontiguousarray(fields["close"]))
    open_risk = np.broadcast_to(np.ones(instruments), (rows, instruments))
    return Market(
        panel=panel,
        fields=dict(fields),
        first=first,
        fill=fields[fill_field(config.fill_at, panel.fields)],
        close=fields["close"],
        known=known,
        marks=marks,
        scale=decisions.scale if decisions else open_risk,
        cap=decisions.cap if decisions else open_risk,
        decisions=decisions,
        period=periods(rebalance_of(config.rebalance).every, panel.ts_event, panel.zone, 0),
        part=allocation_parts(config.allocation, panel.instruments),
    )


def first_row(panel: Panel, portfolio: PortfolioConfig) -> int:
    """Return the row with which a portfolio begins; ConfigError if the data ends before."""
    first, _ = rows_of_days(panel.ts_event, panel.zone, portfolio.start, None)
    if first == len(panel.ts_event):
        raise ConfigError(f"$.portfolio.start: the data ends before {portfolio.start}")
    return first

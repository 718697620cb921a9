"""Why a portfolio did what it did: itself once more, up to a bar, with the fills it had and its trace on.

Nothing has to be recorded for it: a book is exactly the fold of its fills, so what comes out are the bits
that were there, for an order of research as for one of live. No later row is read.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from flotilla.kernel.bar import exchange_bar
from flotilla.kernel.lanes import RiskRows, Rows, follow
from flotilla.kernel.records import new_block, new_workspace
from flotilla.model.arrays import Floats
from flotilla.model.records import Fill, Order
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.fused import fused
from flotilla.portfolio.market import Market
from flotilla.portfolio.params import allocation_parts, params_of
from flotilla.portfolio.rebalance import rebalance_of


class Weighing(NamedTuple):
    """From signals to a weight: mean * allocation * factor, not above the cap."""

    bar: int  # of the signals: the order's, or the last on which somebody had one; -1 if nobody ever had
    signal: float  # the weighted mean
    allocation: float  # weight of a full signal
    unrestrained: float  # weight, before risk and caps
    tolerance: float  # of the portfolio, times ...
    scale: float  # ... the least of the risk decisions, is ...
    factor: float  # ... what they let through, [0, 1]
    cap: float  # the least of the portfolio's and the decisions'
    weight: float  # what came of it, were it not for a drawdown limit


class Latch(NamedTuple):
    """A drawdown limit that was hit: from that bar on the portfolio is flat, whatever anybody says."""

    limit: float  # fraction below the peak
    peak: float  # account currency
    peak_bar: int
    equity: float  # account currency, on the bar that hit the limit
    bar: int
    ts: int  # of that bar, ns UTC


class Purchase(NamedTuple):
    """What the cash of a bar's buys came to."""

    asked: float  # units, of this order
    filled: float  # units
    factor: float  # by which all buys of the bar were scaled down; 1 where there was cash for all
    need: float  # account currency, what all of them would have cost, fees included
    cash: float  # account currency, there for them, after the bar's sells


class Traced:
    """One portfolio at the close of a bar, after all that came before it."""

    def __init__(
        self,
        market: Market,
        config: PortfolioConfig,
        strategies: Mapping[str, float],
        signals: Mapping[str, Floats],
        fills: Sequence[Fill],
        bar: int,
    ) -> None:
        """signals: what each strategy said on the rows up to the bar, float64[bar + 1, I]."""
        self.market, self.config, self.bar = market, config, bar
        names, rows = market.panel.instruments, slice(market.first, bar + 1)
        own = [np.ascontiguousarray(signals[name][rows]) for name in strategies]
        self.signals = fused(own, list(strategies.values()))
        every_bar, at_fill = rebalance_of(config.rebalance).every == "bar", config.size_at == "fill"
        parts = allocation_parts(config.allocation, names)
        self._block = new_block(params_of(config, len(names)), parts, every_bar, at_fill)
        self._work = new_workspace(len(names), 1, traced=True)
        self._account = np.empty((3, len(self.signals)))
        made = [f for f in fills if f.bar <= bar]
        edges = np.searchsorted([f.bar for f in made], np.arange(market.first, bar + 2))
        told = [(names.index(f.instrument), f.quantity, f.price, f.fee) for f in made]
        taken = np.array(told, np.float64).reshape(-1, 4)
        risk = RiskRows(market.scale[rows].copy(), market.cap[rows].copy())
        follow(_rows(market, rows), risk, self._block, self.signals, taken, edges, self._work, self._account)

    def weighing(self, i: int) -> Weighing:
        """Return how signals and risk became instrument i's weight."""
        market, trace = self.market, self._work.trace
        spoken = ~np.isnan(self.signals[:, i]) & ~np.isnan(market.close[market.first : self.bar + 1, i])
        return Weighing(
            bar=market.first + int(np.flatnonzero(spoken)[-1]) if spoken.any() else -1,
            signal=float(trace.signal[i, 0]),
            allocation=float(trace.allocation[i, 0]),
            unrestrained=float(trace.unrestrained[i, 0]),
            tolerance=self.config.risk_tolerance,
            scale=float(market.scale[self.bar, i]),
            factor=float(trace.factor[i, 0]),
            cap=float(trace.cap[i, 0]),
            weight=float(trace.weight[i, 0]),
        )

    def before(self, i: int) -> float:
        """Return the weight of instrument i that stood until this bar."""
        return float(self._work.trace.before[i, 0])

    def held(self, i: int) -> float:
        """Return what the holding of instrument i weighed at the close, fraction of equity."""
        return float(self._work.trace.held[i, 0])

    def latch(self) -> Latch | None:
        """Return when the drawdown limit was hit; None where there is none, or it was not."""
        equity, peaks, halted = self._account
        if not halted.any():
            return None
        at, first = int(np.argmax(halted)), self.market.first
        ts = int(self.market.panel.ts_event[first + at])
        peak_bar = first + int(np.argmax(peaks == peaks[at]))
        return Latch(
            float(self.config.max_drawdown or 0.0),
            float(peaks[at]),
            peak_bar,
            float(equity[at]),
            first + at,
            ts,
        )

    def purchase(self, i: int, filled: float) -> Purchase | None:
        """Return what became on the next bar of what rests for instrument i; None unless it is a buy.

        filled: units that were bought. It can be asked once: the portfolio is at the fill of that bar then.
        """
        exchange_bar(self._block, self.market.row(self.bar + 1), self._work)
        trace = self._work.trace
        asked = float(trace.asked[i, 0])
        if not asked > 0.0:
            return None
        factor = float(self._work.scale[0])
        return Purchase(asked, filled, factor, float(trace.cost[0]), float(trace.cash[0]))


def filling_bar(market: Market, order: Order) -> int | None:
    """Return the bar that an order fills on: the next with a price; None if there is none."""
    i = market.panel.instruments.index(order.instrument)
    there = np.flatnonzero(~np.isnan(market.fill[order.bar + 1 :, i]))
    return order.bar + 1 + int(there[0]) if len(there) else None


def _rows(market: Market, rows: slice) -> Rows:
    def cut(values: Floats) -> Floats:
        return np.ascontiguousarray(values[rows])

    return Rows(
        price=cut(market.fill),
        close=cut(market.close),
        known=cut(market.known),
        mark=cut(market.marks),
        period=market.period[rows],
        features=np.empty((0, 0, 0)),
    )

"""One portfolio and its exchange through all rows of a market, with every detail.

The same bits as in a sweep, and as in live, whose processes run the same two (portfolio/single.py).
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from flotilla.kernel.records import Sums
from flotilla.model.arrays import Floats, Ints
from flotilla.model.records import Fill, Order
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.market import Market
from flotilla.portfolio.single import Exchange, Moment, Portfolio


class Simulated(NamedTuple):
    """What one portfolio did. T: the bars that it trades on; I: instruments."""

    bars: Ints  # [T] their rows in the panel
    equity: Floats  # [T] account currency, at the close
    cash: Floats  # [T] account currency
    positions: Floats  # [T, I] units
    weights: Floats  # [T, I] the weights decided
    orders: list[Order]
    fills: list[Fill]
    sums: Sums  # arrays of one lane


def simulate(
    market: Market,
    portfolio_id: str,
    config: PortfolioConfig,
    strategies: Mapping[str, float],
    signals: Mapping[str, Floats],
) -> Simulated:
    """Simulate one portfolio, bar by bar, from the market's first row on.

    strategies: their weights in the mean, by name; signals: what each said on all rows, float64[T, I].
    """
    names, ts = market.panel.instruments, market.panel.ts_event
    exchange = Exchange(portfolio_id, config, names)
    portfolio = Portfolio(portfolio_id, config, names, strategies)
    bars = np.arange(market.first, market.panel.shape[0])
    equity, cash = np.empty(len(bars)), np.empty(len(bars))
    positions, weights = np.empty((len(bars), len(names))), np.empty((len(bars), len(names)))
    said = np.stack([signals[name] for name in strategies], axis=1)
    orders: list[Order] = []
    fills: list[Fill] = []
    for k, t in enumerate(bars.tolist()):
        moment, row = Moment(t, int(ts[t])), market.row(t)
        filled = exchange.fill(moment, row)
        portfolio.apply_fills(filled, row)
        decided = portfolio.advance(moment, row, said[t], market.in_force(t))
        exchange.accept(decided)
        fills += filled
        orders += decided
        equity[k], cash[k] = portfolio.sums.equity[0], portfolio.book.cash[0]
        positions[k], weights[k] = portfolio.book.position[:, 0], portfolio.book.weight[:, 0]
    return Simulated(bars, equity, cash, positions, weights, orders, fills, portfolio.sums)

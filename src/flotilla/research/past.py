"""A portfolio's past, from its orders and fills: what it owned, its worth, what its cash was asked for.

A book is exactly the fold of its fills, so nothing else has to be recorded: what comes out are the bits that
the kernel had, for an order of research as for one of live.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flotilla.kernel.book import cash_after, held_after, worth
from flotilla.kernel.fill import buy_scale, fee_of, fill_price
from flotilla.kernel.records import PARAM
from flotilla.kernel.size import nearest_lots, order_quantity, target_quantity, whole_lots
from flotilla.model.arrays import Floats
from flotilla.model.records import Fill, Order
from flotilla.portfolio.market import Market
from flotilla.research.chain import Latch, Purchase


class Past(NamedTuple):
    """One portfolio, from its first bar up to some bar. T: the bars; I: instruments."""

    market: Market
    params: Floats  # [K, 1]
    cash: Floats  # [T] account currency, at the close
    position: Floats  # [T, I] units
    orders: Sequence[Order]
    fills: Sequence[Fill]

    def equity(self) -> Floats:
        """Return what it was worth at each close: float64[T], account currency."""
        equity, first = self.cash.copy(), self.market.first
        marks = self.market.marks[first : first + len(equity)]
        for i in range(marks.shape[1]):
            equity += self.position[:, i] * marks[:, i]  # in the kernel's order, so to its bits
        return equity

    def latch(self, bar: int) -> Latch | None:
        """Return when its drawdown limit was hit, up to a bar; None where it has none, or was not."""
        limit, equity = self.params[PARAM.max_drawdown, 0], self.equity()[: bar - self.market.first + 1]
        peaks = np.maximum.accumulate(np.concatenate([self.params[PARAM.cash], equity]))[1:]
        hit = np.flatnonzero(equity <= peaks * (1.0 - limit))
        if not len(hit):
            return None
        at, first = int(hit[0]), self.market.first
        peak = int(np.argmax(equity[: at + 1] >= peaks[at])) if peaks[at] > self.params[PARAM.cash, 0] else 0
        ts = int(self.market.panel.ts_event[first + at])
        return Latch(float(limit), float(peaks[at]), first + peak, float(equity[at]), first + at, ts)

    def purchase(self, order: Order) -> Purchase | None:
        """Return what became of a buy for want of cash; None of a sell, or of what never came to a fill.

        The past ends on the bar before the one that it fills on, or later.
        """
        market, names = self.market, self.market.panel.instruments
        bar = filling_bar(market, order.bar, names.index(order.instrument))
        if bar is None:
            return None
        resting = {o.instrument: o for o in self.orders if o.bar < bar}
        if resting.get(order.instrument) != order:
            return None  # a later one came in its place
        before = bar - 1 - market.first
        cash, position = float(self.cash[before]), self.position[before]
        need, asked = 0.0, 0.0
        for i, name in enumerate(names):
            other = resting.get(name)
            if other is None or filling_bar(market, other.bar, i) != bar:
                continue
            units = self._units(other, bar, i, position, float(self.cash[before]))
            at = fill_price(float(market.fill[bar, i]), units, float(self.params[PARAM.slippage, 0]))
            fee = fee_of(units, at, float(self.params[PARAM.fee, 0]))
            if units < 0.0:
                cash = cash_after(cash, units, at, fee)
            else:
                need += units * at + fee
            asked = units if name == order.instrument else asked
        if asked <= 0.0:
            return None
        filled = sum(fill.quantity for fill in self.fills if fill.order_id == order.order_id)
        return Purchase(asked, filled, float(buy_scale(need, cash, len(names))), need, cash)

    def _units(self, order: Order, bar: int, i: int, position: Floats, cash: float) -> float:
        """Return what an order asks for when it fills: units, signed; 0 for nothing."""
        if order.size_at != "fill" or order.quantity == 0.0:
            return order.quantity
        market, value = self.market, cash
        for k, price in enumerate(market.fill[bar]):
            at = market.known[bar, k] if np.isnan(price) else price
            value += worth(float(position[k]), float(at))
        price = float(market.fill[bar, i])
        lot, per = float(self.params[PARAM.lot, 0]), float(self.params[PARAM.per, 0])
        target = whole_lots(target_quantity(order.weight, value, price), lot, per)
        units = order_quantity(target, float(position[i]), price, float(self.params[PARAM.min_trade, 0]))
        return 0.0 if np.isnan(units) else float(nearest_lots(units, lot, per))


def past_of(market: Market, params: Floats, orders: Sequence[Order], fills: Sequence[Fill], bar: int) -> Past:
    """Return a portfolio's past up to a bar, that one included. params: float64[K, 1]; fills: in order."""
    count = bar - market.first + 1
    cashes, positions = np.empty(count), np.empty((count, len(market.panel.instruments)))
    index = {name: i for i, name in enumerate(market.panel.instruments)}
    lot, per = float(params[PARAM.lot, 0]), float(params[PARAM.per, 0])
    cash, position, done = float(params[PARAM.cash, 0]), np.zeros(positions.shape[1]), 0
    for fill in fills:
        at = fill.bar - market.first
        if at >= count:
            break
        cashes[done:at], positions[done:at] = cash, position
        cash, done = cash_after(cash, fill.quantity, fill.price, fill.fee), at
        i = index[fill.instrument]
        position[i] = held_after(position[i], fill.quantity, lot, per)
    cashes[done:], positions[done:] = cash, position
    return Past(market, params, cashes, positions, orders, fills)


def filling_bar(market: Market, bar: int, i: int) -> int | None:
    """Return the bar that an order of a bar fills on: the next that has a price; None if there is none."""
    there = np.flatnonzero(~np.isnan(market.fill[bar + 1 :, i]))
    return bar + 1 + int(there[0]) if len(there) else None

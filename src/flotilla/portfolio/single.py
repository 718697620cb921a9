"""One portfolio and its exchange, one bar at a time.

Live runs these in its processes, and research replays them when somebody asks for the detail of one
portfolio. They hold blocks of one lane and call the functions of the kernel that a sweep runs on many, so
the bits are the same. For bar t:

1. `Exchange.fill`      fills what was ordered at t-1: the paper broker's side of the account
2. `Portfolio.apply_fills`   takes the fills into the book
3. `Portfolio.advance`  values it at the close, and turns signals and risk into orders, for `Exchange.accept`
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.bar import exchange_bar, portfolio_bar
from flotilla.kernel.fill import apply_fills
from flotilla.kernel.queue import enqueue
from flotilla.kernel.records import Book, Row, Sums, new_block, new_workspace
from flotilla.model.arrays import Floats
from flotilla.model.ids import fill_id_of, order_id_of, signal_id_of
from flotilla.model.records import Fill, Order
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.fused import fused
from flotilla.portfolio.market import InForce
from flotilla.portfolio.params import allocation_parts, params_of
from flotilla.portfolio.rebalance import rebalance_of

_Arrays = TypeVar("_Arrays", Book, Sums)


class Moment(NamedTuple):
    """When a bar is: its number in the stream, and its time, ns UTC."""

    bar: int
    ts: int


class Exchange:
    """The paper exchange's account of one portfolio: fills market orders, by the kernel's own `fill`."""

    def __init__(self, portfolio_id: str, config: PortfolioConfig, instruments: Sequence[str]) -> None:
        self.portfolio_id, self.instruments = portfolio_id, tuple(instruments)
        self._index = {name: i for i, name in enumerate(self.instruments)}
        count = len(self.instruments)
        params, at_fill = params_of(config, count), config.size_at == "fill"
        self._block, self._work = new_block(params, np.ones(count), False, at_fill), new_workspace(count, 1)
        self._orders: dict[int, Order] = {}  # the last of each instrument, by its column

    @property
    def resting(self) -> list[Order]:
        """Return the orders that rest, in the instruments' order."""
        return [self._orders[i] for i in np.flatnonzero(self._block.book.pending[:, 0]).tolist()]

    @property
    def book(self) -> Book:
        """Return what the account owns, arrays of one lane."""
        return self._block.book

    def accept(self, orders: Sequence[Order]) -> None:
        """Rest orders until the next bar. A later one replaces what rests; one for nothing cancels it."""
        book, at_fill = self._block.book, self._block.mode.at_fill
        for order in orders:
            i = self._index[order.instrument]
            asked = order.weight if at_fill else order.quantity
            cancel = order.quantity == 0.0
            book.order[i, 0] = np.nan if cancel else asked
            book.pending[i, 0] = not cancel
            self._orders[i] = order
        enqueue(book.pending, book.queue)

    def fill(self, moment: Moment, row: Row) -> list[Fill]:
        """Fill what rests, where the bar has a price. Sells come first, then buys."""
        if self._block.book.queue[0] == 0:
            return []
        filled = self._work.filled
        filled.quantity[:] = 0.0
        exchange_bar(self._block, row, self._work)
        quantity, paid, fee = filled.quantity[:, 0], filled.price[:, 0], filled.fee[:, 0]
        sequence = [*np.flatnonzero(quantity < 0.0).tolist(), *np.flatnonzero(quantity > 0.0).tolist()]
        return [
            _fill(self._orders[i], moment, float(paid[i]), float(quantity[i]), float(fee[i]))
            for i in sequence
        ]

    def state(self) -> dict[str, Any]:
        """Return all that the next bar depends on."""
        return {"book": _copied(self._block.book), "resting": msgspec.to_builtins(self.resting)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        self._block = self._block._replace(book=_restored(Book, state["book"]))
        resting = msgspec.convert(state["resting"], list[Order])
        self._orders = {self._index[order.instrument]: order for order in resting}


class Portfolio:
    """One portfolio's book and decisions. It learns of fills only from what the exchange reports."""

    def __init__(
        self,
        portfolio_id: str,
        config: PortfolioConfig,
        instruments: Sequence[str],
        strategies: Mapping[str, float],
    ) -> None:
        """strategies: their weights in the mean, by name."""
        self.portfolio_id, self.instruments = portfolio_id, tuple(instruments)
        self._index = {name: i for i, name in enumerate(self.instruments)}
        self._names = tuple(strategies)
        self._shares = list(strategies.values())
        self._size_at, count = config.size_at, len(self.instruments)
        params, parts = params_of(config, count), allocation_parts(config.allocation, self.instruments)
        every_bar = rebalance_of(config.rebalance).every == "bar"
        self._block = new_block(params, parts, every_bar, config.size_at == "fill")
        self._work = new_workspace(count, 1)
        self._heard = np.full((len(self._names), count), -1, np.int64)  # the bar of each last signal

    @property
    def book(self) -> Book:
        """Return what it owns, arrays of one lane."""
        return self._block.book

    @property
    def sums(self) -> Sums:
        """Return its measures so far, arrays of one lane."""
        return self._block.sums

    def apply_fills(self, fills: Sequence[Fill], row: Row) -> None:
        """Take a bar's fills into the book, in their order; what the bar had a price for rests no longer."""
        told = [(self._index[f.instrument], f.quantity, f.price, f.fee) for f in fills]
        apply_fills(self._block, row, np.array(told, np.float64).reshape(-1, 4))

    def advance(self, moment: Moment, row: Row, signals: Floats, stands: InForce) -> list[Order]:
        """Value the book at the close, and return the orders for the next bar.

        signals: float64[S, I], NaN for none.
        """
        book, at_fill = self.book, self._block.mode.at_fill
        self._heard[~np.isnan(signals)] = moment.bar
        resting = ~np.isnan(book.order[:, 0])
        target = self._work.target
        target[:] = np.nan
        said = [np.ascontiguousarray(each)[:, None] for each in signals]
        portfolio_bar(self._block, row, stands.risk, fused(said, self._shares), self._work)
        orders = []
        for i in np.flatnonzero(~np.isnan(target[:, 0])):
            asked = book.order[i, 0]
            if np.isnan(asked) and not resting[i]:
                continue
            quantity = np.nan if at_fill and not np.isnan(asked) else np.nan_to_num(asked)
            orders.append(self._order(moment, int(i), float(quantity), stands.ids[int(i)]))
        return orders

    def _order(self, moment: Moment, i: int, quantity: float, decisions: tuple[str, ...]) -> Order:
        name = self.instruments[i]
        signals = [
            signal_id_of(s, int(b), name)
            for s, b in zip(self._names, self._heard[:, i], strict=True)
            if b >= 0
        ]
        return Order(
            order_id_of(self.portfolio_id, moment.bar, name, 0),
            self.portfolio_id,
            name,
            moment.ts,
            moment.bar,
            quantity,
            float(self.book.weight[i, 0]),
            self._size_at,
            tuple(signals),
            decisions,
        )

    def state(self) -> dict[str, Any]:
        """Return all that the next bar depends on."""
        return {"book": _copied(self.book), "sums": _copied(self.sums), "heard": self._heard.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        book, sums = _restored(Book, state["book"]), _restored(Sums, state["sums"])
        self._block = self._block._replace(book=book, sums=sums)
        self._heard = np.array(state["heard"])


def _fill(order: Order, moment: Moment, price: float, quantity: float, fee: float) -> Fill:
    """Return the fill of an order."""
    return Fill(
        fill_id_of(order.order_id, 0),
        order.order_id,
        order.portfolio_id,
        order.instrument,
        moment.ts,
        moment.bar,
        price,
        quantity,
        fee,
    )


def _copied(arrays: Book | Sums) -> dict[str, NDArray[Any]]:
    return {name: array.copy() for name, array in arrays._asdict().items()}


def _restored(kind: type[_Arrays], state: Mapping[str, Any]) -> _Arrays:
    return kind(**{name: np.array(array) for name, array in state.items()})

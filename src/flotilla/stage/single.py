"""One portfolio and its exchange, one bar at a time.

Live runs these in its processes, and research replays them when somebody asks for the detail of one
portfolio. They hold blocks of one lane and call the functions of the kernel that a sweep runs on many, so
the bits are the same. For bar t:

1. `Exchange.fill`      fills what was ordered at t-1: the paper broker's side of the account
2. `Portfolio.settle`   takes the fills into the book
3. `Portfolio.mark`     values it at the close
4. `Portfolio.decide`   turns signals and risk into orders, for `Exchange.accept`
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.book import cash_after, held_after
from flotilla.kernel.decide import decide
from flotilla.kernel.fill import fee_of, fill
from flotilla.kernel.mark import carry, mark
from flotilla.kernel.portfolio import (
    GROUP,
    Book,
    Floats,
    Tally,
    Terms,
    new_book,
    new_filled,
    new_tally,
    uses_of,
)
from flotilla.kernel.queue import enqueue
from flotilla.kernel.signals import average, blank
from flotilla.model.records import Fill, Order, fill_id_of, order_id_of, signal_id_of
from flotilla.stage.lend import lent
from flotilla.stage.rebalance import Rebalance, rebalance_of


class Moment(NamedTuple):
    """When a bar is: its number in the stream, its time, ns UTC, and its period (stage/rebalance.py)."""

    bar: int
    ts: int
    period: float = 0.0


class Risk(NamedTuple):
    """The risk decisions in force on a bar. scale, cap: float64[I]; ids: of the decisions, per instrument."""

    scale: Floats
    cap: Floats
    ids: Sequence[tuple[str, ...]]


def no_risk(instruments: int) -> Risk:
    """Return the decisions of nobody: all is let through."""
    return Risk(np.ones(instruments), np.ones(instruments), [()] * instruments)


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


def _one_lane(book: Book) -> dict[str, NDArray[Any]]:
    return {name: array.copy() for name, array in book._asdict().items()}


class Exchange:
    """The paper exchange's account of one portfolio: fills market orders, by the kernel's own `fill`."""

    def __init__(self, portfolio_id: str, terms: Terms, instruments: Sequence[str], size_at: str) -> None:
        self.portfolio_id, self.instruments = portfolio_id, tuple(instruments)
        self._index = {name: i for i, name in enumerate(self.instruments)}
        self._terms, self._uses, self._at_fill = terms, uses_of(terms), size_at == "fill"
        self._book, self._tally = new_book(terms, len(self.instruments)), new_tally(terms)
        self._filled = new_filled(len(self.instruments), 1)
        self._need, self._scale = np.zeros(1), np.empty(1)
        self._ids = [""] * len(self.instruments)

    def accept(self, orders: Sequence[Order]) -> None:
        """Rest orders until the next bar. A later one replaces what rests; one for nothing cancels it."""
        for order in orders:
            i = self._index[order.instrument]
            asked = order.weight if self._at_fill else order.quantity
            cancel = order.quantity == 0.0
            self._book.order[i, 0] = np.nan if cancel else asked
            self._book.pending[i, 0] = not cancel
            self._ids[i] = order.order_id
        enqueue(self._book.pending, self._book.queue)

    def fill(self, moment: Moment, price: Floats, known: Floats) -> list[Fill]:
        """Fill what rests at `price`: float64[I], NaN where nothing trades. Sells come first, then buys.

        known: float64[I], the last closes before this bar.
        """
        book, filled = self._book, self._filled
        if book.queue[0] == 0:
            return []
        filled.quantity[:] = 0.0
        fees = self._terms.fee[0]
        fill(
            book,
            self._terms,
            self._uses,
            self._tally,
            filled,
            price,
            known,
            self._at_fill,
            self._need,
            self._scale,
        )
        quantity, paid = filled.quantity[:, 0], filled.price[:, 0]
        sequence = [*np.flatnonzero(quantity < 0.0), *np.flatnonzero(quantity > 0.0)]
        return [
            Fill(
                fill_id_of(self._ids[i], 0),
                self._ids[i],
                self.portfolio_id,
                self.instruments[i],
                moment.ts,
                moment.bar,
                float(paid[i]),
                float(quantity[i]),
                float(fee_of(quantity[i], paid[i], fees)),
            )
            for i in sequence
        ]

    def state(self) -> dict[str, Any]:
        """Return all that the next bar depends on."""
        return {"book": _one_lane(self._book), "ids": list(self._ids)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        self._book = Book(**{name: np.array(a) for name, a in state["book"].items()})
        self._ids = list(state["ids"])


class Portfolio:
    """One portfolio's book and decisions. It learns of fills only from what the exchange reports."""

    def __init__(
        self,
        portfolio_id: str,
        terms: Terms,
        instruments: Sequence[str],
        strategies: Mapping[str, float],
        size_at: str,
        rebalance: str | Rebalance,
        parts: Floats,
    ) -> None:
        """parts: float64[I], what each instrument gets of the allocation."""
        self.portfolio_id, self.instruments = portfolio_id, tuple(instruments)
        self._index = {name: i for i, name in enumerate(self.instruments)}
        self._names = tuple(strategies)
        self._shares = [np.array([share], np.float64) for share in strategies.values()]
        self._terms, self._uses = terms, uses_of(terms)
        self._size_at, self._parts = size_at, parts
        self._every_bar = rebalance_of(rebalance).every == "bar"
        count = len(self.instruments)
        self.book, self.tally = new_book(terms, count), new_tally(terms)
        self._sums, self._wanted = np.empty((3, count, 1)), np.empty((count, 1))
        self._fresh, self._news = np.zeros(1 + count, np.int64), np.zeros(GROUP, np.uint8)
        self._due = np.zeros(count, np.uint8)
        self._heard = np.full((len(self._names), count), -1, np.int64)  # the bar of each last signal

    def settle(self, fills: Sequence[Fill], price: Floats) -> None:
        """Take a bar's fills into the book, in their order. price: float64[I], what the bar could fill at."""
        book, tally, lot, per = self.book, self.tally, self._terms.lot[0], self._terms.per[0]
        if not fills and book.queue[0] == 0:
            return
        for f in fills:
            book.cash[0] = cash_after(book.cash[0], f.quantity, f.price, f.fee)
            i = self._index[f.instrument]
            book.position[i, 0] = held_after(book.position[i, 0], f.quantity, lot, per)
        for f in sorted(fills, key=lambda f: self._index[f.instrument]):
            tally.fills[0] += 1.0
            tally.traded[0] += abs(f.quantity * f.price)
            tally.fees[0] += f.fee
        done = ~np.isnan(price)
        book.order[done] = np.nan
        book.pending[done] = False
        enqueue(book.pending, book.queue)

    def mark(self, marks: Floats) -> float:
        """Value the book at `marks`, float64[I], and return the equity, account currency."""
        mark(self.book, self.tally, marks)
        return float(self.tally.equity[0])

    def decide(self, moment: Moment, signals: Floats, risk: Risk, close: Floats) -> list[Order]:
        """Return the orders for the next bar. signals: float64[S, I], close: float64[I]; NaN is none."""
        book, at_fill = self.book, self._size_at == "fill"
        self._heard[~np.isnan(signals)] = moment.bar
        resting = ~np.isnan(book.order[:, 0])
        self._wanted[:] = np.nan
        decide(
            book, self._terms, self._uses, self.tally, self._fused(signals), risk.scale, risk.cap, close,
            moment.period, self._parts, self._every_bar, at_fill, self._wanted, self._fresh, self._news,
            self._due,
        )  # fmt: skip
        orders = []
        for i in np.flatnonzero(~np.isnan(self._wanted[:, 0])):
            asked = book.order[i, 0]
            if np.isnan(asked) and not resting[i]:
                continue
            quantity = np.nan if at_fill and not np.isnan(asked) else np.nan_to_num(asked)
            orders.append(self._order(moment, int(i), float(quantity), risk.ids[int(i)]))
        return orders

    def _fused(self, signals: Floats) -> Floats:
        """Return the strategies' signals as one: float64[S, I] -> float64[I, 1]."""
        if len(signals) == 1:
            return np.ascontiguousarray(signals[0])[:, None]
        out = np.empty((len(self.instruments), 1))
        blank(self._sums, out)
        for signal, share in zip(signals, self._shares, strict=True):
            average(np.ascontiguousarray(signal)[:, None], share, self._sums, out)
        return out

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
        tally = {name: array.copy() for name, array in self.tally._asdict().items()}
        return {"book": _one_lane(self.book), "tally": tally, "heard": self._heard.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        self.book = Book(**{name: np.array(a) for name, a in state["book"].items()})
        self.tally = Tally(**{name: np.array(a) for name, a in state["tally"].items()})
        self._heard = np.array(state["heard"])

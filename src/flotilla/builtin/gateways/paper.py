"""The paper broker: an account for each portfolio, filled at the next bar as research fills it.

It keeps a journal of its own, as a broker would: an order is written there before anything is done with it,
so it can be asked for after a crash (`known`), and is refused if it is sent a second time.

    state      the accounts, and the ids of the last orders that each has
    restore    those accounts, and the orders that came later, from the journal

They come a bar after the other. Between two states that are kept an account may take the orders of one bar,
and not more before those have met the next. What was cancelled since is not written down: after a crash
execution asks for it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from flotilla.clock import now_ns
from flotilla.errors import OrderRejected
from flotilla.kernel.records import Row
from flotilla.model.ids import order_named
from flotilla.model.records import Fill, Order, OrderReport
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.single import Exchange, Moment
from flotilla.stream.codec import Codec
from flotilla.stream.log import LogReader, LogWriter

STREAM = "orders"  # in the journal: a row for each order
_SLICE = 256  # rows
ORDERS: Codec[Order] = Codec(Order)


class Paper:
    """Fills orders by the kernel's own `fill`. It is its own venue: what it knows is what happened."""

    def __init__(
        self, terms: Mapping[str, PortfolioConfig], instruments: Sequence[str], journal: Path | None
    ) -> None:
        """`terms`: portfolio id -> its terms. journal: None in a rehearsal."""
        self._accounts = {name: Exchange(name, own, instruments) for name, own in terms.items()}
        self._last: dict[str, tuple[int, set[str]]] = {name: (-1, set()) for name in terms}  # bar, its orders
        self._reports: list[OrderReport] = []
        # It goes with the process, so nothing is lost with it; with the machine go the bars as well.
        self._journal = (
            None if journal is None else LogWriter(journal, [STREAM], durability="normal", once=True)
        )

    def submit(self, orders: Sequence[Order]) -> None:
        """Rest a portfolio's orders until the next bar; `OrderRejected` if it has one of them.

        Those that it cannot fill are refused by a report, and not taken: it knows market orders alone.
        """
        if again := self.known([order.order_id for order in orders]):
            raise OrderRejected(min(again), "it was sent before")
        now, able = now_ns(), [order for order in orders if _is_able(order)]
        refused = [order.order_id for order in orders if not _is_able(order)]
        self._reports += [OrderReport(order_id, "rejected", now, _UNABLE) for order_id in refused]
        if able and self._journal:
            self._journal.append(STREAM, [(now, ORDERS.encode(order)) for order in able])
        if able:
            self._rest(able)

    def cancel(self, order_ids: Sequence[str]) -> None:
        """Let orders rest no longer."""
        for account in self._accounts.values():
            rest = [order for order in account.resting if order.order_id in order_ids]
            account.accept([msgspec.structs.replace(order, quantity=0.0) for order in rest])
            now = now_ns() if rest else 0
            self._reports += [OrderReport(order.order_id, "cancelled", now, "asked for") for order in rest]

    def replace(self, order_id: str, order: Order) -> None:
        """Rest an order in the place of one, which stays where the new one is refused."""
        if _is_able(order):
            self.cancel([order_id])
        self.submit([order])

    def known(self, order_ids: Sequence[str]) -> set[str]:
        """Return those of these orders that are, or were, here."""
        found = set()
        for order_id in order_ids:
            name, bar, *_ = order_named(order_id)
            last, ids = self._last.get(name, (-1, set()))
            if bar < last or order_id in ids:
                found.add(order_id)
        return found

    def reports(self) -> list[OrderReport]:
        """Return what became of orders since the last call."""
        told, self._reports = self._reports, []
        return told

    def open_orders(self, portfolio_id: str) -> list[Order]:
        """Return a portfolio's orders that rest."""
        return self._accounts[portfolio_id].resting

    def positions(self, portfolio_id: str) -> dict[str, float]:
        """Return what a portfolio owns: instrument -> units; none of 0."""
        account = self._accounts[portfolio_id]
        units = account.book.position[:, 0].tolist()
        return {name: held for name, held in zip(account.instruments, units, strict=True) if held != 0.0}

    def cash(self, portfolio_id: str) -> float:
        """Return a portfolio's cash, in account currency."""
        return float(self._accounts[portfolio_id].book.cash[0])

    def trade(self, portfolio_id: str, moment: Moment, row: Row) -> None:
        """Let a portfolio's orders meet a bar."""
        account = self._accounts[portfolio_id]
        before = account.resting
        if not before:
            return
        filled = {fill.order_id: fill for fill in account.fill(moment, row)}
        resting = {order.order_id for order in account.resting}
        over = {order.order_id: order for order in before if order.order_id not in resting}
        for order_id, fill in filled.items():
            self._reports += _filled(over.pop(order_id), fill, moment.ts)
        self._reports += [OrderReport(order_id, "expired", moment.ts, _NOTHING) for order_id in over]

    def state(self) -> dict[str, Any]:
        """Return all that the next bar depends on."""
        return {
            "accounts": {name: account.state() for name, account in self._accounts.items()},
            "last": {name: [bar, sorted(ids)] for name, (bar, ids) in self._last.items()},
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from a state that `state` returned, or from the beginning, with what was taken since."""
        if state is not None:
            for name, account in self._accounts.items():
                account.restore(state["accounts"][name])
            self._last = {name: (bar, set(ids)) for name, (bar, ids) in state["last"].items()}
        for _, orders in groupby(self._later(), key=lambda order: (order.portfolio_id, order.bar)):
            self._rest(list(orders))

    def close(self) -> None:
        """Close the journal."""
        if self._journal:
            self._journal.close()

    def _later(self) -> list[Order]:
        """Return the orders in the journal that the accounts have not taken; they are its last rows."""
        later: list[Order] = []
        if self._journal is None:
            return later
        with closing(LogReader(self._journal.path, STREAM)) as log:
            end = self._journal.last_seq(STREAM)
            while end > 0:
                start = max(end - _SLICE, 0)
                found = [ORDERS.decode(row.payload) for row in log.read(start, end - start)]
                old = self.known([order.order_id for order in found])
                new = [order for order in found if order.order_id not in old]
                later = new + later
                end = start if not old else 0
        return later

    def _rest(self, orders: Sequence[Order]) -> None:
        """Take a portfolio's orders of one bar into its account, and say so of each."""
        name, bar, now = orders[0].portfolio_id, orders[0].bar, now_ns()
        account, instruments = self._accounts[name], {order.instrument for order in orders}
        self._reports += [
            OrderReport(old.order_id, "cancelled", now, "another took its place")
            for old in account.resting
            if old.instrument in instruments
        ]
        account.accept(orders)
        self._reports += [OrderReport(order.order_id, "accepted", now) for order in orders]
        last, ids = self._last[name]
        self._last[name] = (bar, {order.order_id for order in orders} | (ids if bar == last else set()))


_SHORT = "there was not enough cash for all of it"
_NOTHING = "it came to nothing: by the cash, whole lots, the smallest trade, or what is held already"
_UNABLE = "the paper broker fills market orders of one instrument"


def _is_able(order: Order) -> bool:
    """Return whether it is an order that is filled here."""
    return order.kind == "market" and not (order.legs or order.parent)


def _filled(order: Order, fill: Fill, ts: int) -> list[OrderReport]:
    """Return what is reported of an order that was filled: whole, or for as much as there was cash for."""
    if order.size_at == "fill" or fill.quantity == order.quantity:
        return [OrderReport(order.order_id, "filled", ts, fill=fill)]
    part = OrderReport(order.order_id, "partially_filled", ts, fill=fill)
    return [part, OrderReport(order.order_id, "expired", ts, _SHORT)]

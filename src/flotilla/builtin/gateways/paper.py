"""The paper broker: an account for each portfolio, filled at the next bar as research fills it.

It keeps a journal of its own, as a broker would: an order is written there before anything
is done with it, so it can be asked for after a crash (`taken`), and is refused if it is
sent a second time.

    state      the accounts, and up to which bar each has taken orders
    restore    those accounts, and the orders of later bars from the journal

They come a bar after the other, and all of a bar at once. Between two states that are kept
an account may take the orders of one bar, and not more before those have met the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from itertools import groupby
from pathlib import Path
from typing import Any

from flotilla.clock import now_ns
from flotilla.errors import OrderRejected
from flotilla.kernel.records import Row
from flotilla.model.records import Fill, Order
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.single import Exchange, Moment
from flotilla.stream.codec import Codec
from flotilla.stream.log import LogReader, LogWriter

STREAM = "taken"  # in the journal: a row for each order
_SLICE = 256  # rows
ORDERS: Codec[Order] = Codec(Order)


class Paper:
    """Fills orders by the kernel's own `fill`. It is its own venue: what it knows is what happened."""

    def __init__(
        self, terms: Mapping[str, PortfolioConfig], instruments: Sequence[str], journal: Path | None
    ) -> None:
        """`terms`: portfolio id -> its terms. journal: None in a rehearsal."""
        self._accounts = {name: Exchange(name, own, instruments) for name, own in terms.items()}
        self._taken = dict.fromkeys(terms, -1)  # the bar of the last orders that were taken
        # It goes with the process, so nothing is lost with it; with the machine go the bars as well.
        self._journal = (
            None if journal is None else LogWriter(journal, [STREAM], durability="normal", once=True)
        )

    def taken(self, portfolio_id: str, orders: Sequence[Order]) -> list[Order]:
        """Return those of a portfolio's orders that are here already."""
        last = self._taken[portfolio_id]
        return [order for order in orders if order.bar <= last]

    def accept(self, portfolio_id: str, orders: Sequence[Order]) -> None:
        """Rest a portfolio's orders of one bar until the next; `OrderRejected` if one was taken before."""
        if again := self.taken(portfolio_id, orders):
            raise OrderRejected(again[0].order_id, "it was sent before")
        if orders and self._journal:
            now = now_ns()
            self._journal.append(STREAM, [(now, ORDERS.encode(order)) for order in orders])
        self._rest(portfolio_id, orders)

    def fill(self, portfolio_id: str, moment: Moment, row: Row) -> list[Fill]:
        """Return what a bar fills of a portfolio's orders."""
        return self._accounts[portfolio_id].fill(moment, row)

    def state(self) -> dict[str, Any]:
        """Return all that the next bar depends on."""
        return {
            "accounts": {name: account.state() for name, account in self._accounts.items()},
            "taken": dict(self._taken),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from a state that `state` returned, or from the beginning, with what was taken since."""
        if state is not None:
            for name, account in self._accounts.items():
                account.restore(state["accounts"][name])
            self._taken = dict(state["taken"])
        for (name, _), orders in groupby(self._later(), key=lambda order: (order.portfolio_id, order.bar)):
            self._rest(name, list(orders))

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
                new = [order for order in found if order.bar > self._taken[order.portfolio_id]]
                later = new + later
                end = start if len(new) == len(found) else 0
        return later

    def _rest(self, portfolio_id: str, orders: Sequence[Order]) -> None:
        self._accounts[portfolio_id].accept(orders)
        self._taken[portfolio_id] = max([self._taken[portfolio_id], *(order.bar for order in orders)])

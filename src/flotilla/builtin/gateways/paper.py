"""The paper broker: an account for each portfolio, filled at the next bar as research fills it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flotilla.kernel.portfolio import Floats, Terms
from flotilla.model.records import Fill, Order
from flotilla.stage.single import Exchange, Moment


class Paper:
    """Fills orders by the kernel's own `fill`. It is its own venue: there is nothing to reconcile with."""

    def __init__(self, terms: Mapping[str, Terms], instruments: Sequence[str], size_at: str) -> None:
        """`terms`: portfolio id -> its terms. size_at: "decision" or "fill"."""
        self._accounts = {name: Exchange(name, term, instruments, size_at) for name, term in terms.items()}

    def accept(self, portfolio_id: str, orders: Sequence[Order]) -> None:
        """Rest a portfolio's orders until the next bar."""
        self._accounts[portfolio_id].accept(orders)

    def fill(self, portfolio_id: str, moment: Moment, price: Floats, known: Floats) -> list[Fill]:
        """Return what a bar fills of a portfolio's orders.

        price: float64[I], NaN where nothing trades; known: float64[I], the last closes before the bar.
        """
        return self._accounts[portfolio_id].fill(moment, price, known)

    def state(self) -> dict[str, Any]:
        """Return all that the next bar depends on."""
        return {name: account.state() for name, account in self._accounts.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state that `state` returned."""
        for name, account in self._accounts.items():
            account.restore(state[name])

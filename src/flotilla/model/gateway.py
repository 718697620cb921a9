"""Where orders go: what a broker's plugin implements, and whoever plays a broker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from flotilla.model.records import Order, OrderReport


class Gateway(Protocol):
    """A way to a broker, which answers when it likes.

    A request that returns was handed over and says nothing more: what becomes of an order is said by
    `reports` alone. One that raises `GatewayDown` was not handed over. After a crash, or an answer that was
    lost, `known` tells which orders the broker has, so that none is sent twice.
    """

    def submit(self, orders: Sequence[Order]) -> None:
        """Send new orders of one portfolio and bar; `OrderRejected` if one of them was sent before."""

    def cancel(self, order_ids: Sequence[str]) -> None:
        """Ask that orders rest no longer. One that is over already is left as it is."""

    def replace(self, order_id: str, order: Order) -> None:
        """Ask that an order takes the place of one that rests; it is new if that one is over already."""

    def known(self, order_ids: Sequence[str]) -> set[str]:
        """Return those of these orders that the broker has or had, whoever sent them."""

    def reports(self) -> Sequence[OrderReport]:
        """Return what the broker has said since the last call, in its order. It does not wait."""

    def open_orders(self, portfolio_id: str) -> Sequence[Order]:
        """Return a portfolio's orders that rest."""

    def positions(self, portfolio_id: str) -> Mapping[str, float]:
        """Return what a portfolio owns at the broker: instrument -> units, signed; none of 0."""

    def cash(self, portfolio_id: str) -> float:
        """Return what a portfolio has there to buy with, in account currency."""

    def state(self) -> dict[str, Any]:
        """Return all that it would have to know again after a crash, and the broker does not."""

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from a state that `state` returned, None: from the beginning. Called before all else."""

    def close(self) -> None:
        """Let go of what it holds."""

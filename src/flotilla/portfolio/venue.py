"""A gateway that is its own venue: what happens there is worked out from the bars that it is told."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from flotilla.kernel.records import Row
from flotilla.model.gateway import Gateway
from flotilla.portfolio.single import Moment


@runtime_checkable
class Venue(Gateway, Protocol):
    """A gateway that is told bars, as paper is; a broker's is not: he knows the market himself."""

    def trade(self, portfolio_id: str, moment: Moment, row: Row) -> None:
        """Let a portfolio's orders meet a bar; `reports` then says what became of them."""

"""What an operator is told: one record type for each type of event.

On the wire an event carries its `type` in capitals, POSITION_UPDATE, as dashboards know it.
Events are numbered without holes in the order they were told, so that whoever missed one
knows, and asks for a new snapshot.
"""

from __future__ import annotations

import re

import msgspec

from flotilla.model.records import Account, Fill, Position


def _type_of(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).upper()


class Event(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=_type_of):
    """Base of all events."""

    sequence: int  # from 1, without holes, of one teller
    ts: int  # when it was told, ns since 1970, UTC


class PositionUpdate(Event, frozen=True, kw_only=True):
    """What a portfolio owns changed: all of its positions, not the difference."""

    portfolio_id: str
    positions: tuple[Position, ...]


class AccountUpdate(Event, frozen=True, kw_only=True):
    """What a portfolio is worth."""

    account: Account


class TradeExecution(Event, frozen=True, kw_only=True):
    """An order of ours was filled, whole or in part."""

    fill: Fill


class ProcessUpdate(Event, frozen=True, kw_only=True):
    """A process started, is ready, drains, stopped or died."""

    process: str
    state: str
    reason: str = ""


class Alarm(Event, frozen=True, kw_only=True):
    """A person should look."""

    source: str  # which process or stage
    message: str


AnyEvent = PositionUpdate | AccountUpdate | TradeExecution | ProcessUpdate | Alarm

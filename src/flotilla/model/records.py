"""The records of a portfolio's trading: what it orders, what a broker says of that, what it owns.

    Order         a wish; sending it twice is harmless, see model/ids.py
    OrderReport   what became of one, as the broker tells it
    Fill          an execution, ours
    Account       what a portfolio is worth

`ts_event` is when it happened, ns since 1970, UTC; `bar` is the row of the run that it belongs to, counted
from 0; prices are in the quote currency per unit, quantities in units, signed (negative sells, or is short).
Records say what is; who makes one checks that it can be so. On the wire each carries its `type`, so one
decoder reads any of them; what has its default is left out.
"""

from __future__ import annotations

from typing import Literal

import msgspec

OrderKind = Literal["market", "limit", "stop", "stop_limit"]
TimeInForce = Literal["gtc", "day", "ioc"]


class Record(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower, omit_defaults=True):
    """Base of what flows. Its `type` on the wire is the class's name in lower case."""


class Leg(msgspec.Struct, frozen=True):
    """One side of an order in several instruments at once."""

    instrument: str
    ratio: float  # units of it for each unit of the order, signed


class Order(Record, frozen=True):
    """A portfolio's wish, after fusion and limits."""

    order_id: str
    portfolio_id: str
    instrument: str
    ts_event: int  # of the bar it was decided on
    bar: int
    quantity: float  # signed; NaN where size_at is "fill": then the weight sizes it; 0 cancels what rests
    weight: float  # target fraction of equity, signed
    size_at: str  # "decision" or "fill"
    signal_ids: tuple[str, ...] = ()
    decision_ids: tuple[str, ...] = ()
    kind: OrderKind = "market"
    limit: float | None = None  # price it fills at, or better; of "limit" and "stop_limit"
    stop: float | None = None  # price that wakes it up; of "stop" and "stop_limit"
    time_in_force: TimeInForce = "gtc"  # until cancelled, until the session ends, or at once or not at all
    parent: str = ""  # the order that must fill before this one is there
    legs: tuple[Leg, ...] = ()  # empty: the instrument alone


class Fill(Record, frozen=True):
    """An order's execution, whole or in part: ours."""

    fill_id: str
    order_id: str
    portfolio_id: str
    instrument: str
    ts_event: int  # of the bar it was filled on
    bar: int
    price: float
    quantity: float  # signed
    fee: float  # account currency, >= 0


class OrderReport(Record, frozen=True):
    """What a broker says of an order, once or again: `event` moves its state (model/order_state.py)."""

    order_id: str
    event: str
    ts_event: int
    reason: str = ""  # of a refusal, a cancellation, an expiry
    fill: Fill | None = None  # of "filled" and "partially_filled"


class Account(Record, frozen=True):
    """What a portfolio is worth after a bar, in account currency."""

    portfolio_id: str
    ts_event: int
    bar: int
    cash: float
    equity: float  # cash and positions at the mark
    peak: float  # highest equity so far
    fees: float  # paid so far

"""What the roles of a live run say to one another: a record for each stream, for all instruments at once.

A bar, and a strategy's signals on it, is one record: its values are the raw bytes of a float64 array
(little-endian, C order), since the bits must be those that research has, and a message for each instrument
would cost twenty times as much.
"""

from __future__ import annotations

from flotilla.model.records import Fill, Order, Record


class Bar(Record, frozen=True):
    """One bar of all instruments: feed to everybody. values: float64[F, I], F as run.json has it."""

    bar: int
    ts_event: int
    ts_recv: int
    values: bytes


class Closing(Record, frozen=True):
    """There are no more bars: `bar` would have been the next."""

    bar: int


class Signals(Record, frozen=True):
    """What a strategy says of one bar: strategy to portfolio. strengths: float64[I], NaN no signal.

    There is one for every bar, even if it says nothing, so that nobody waits for a strategy
    that has spoken.
    """

    strategy: str
    bar: int
    strengths: bytes


class Decided(Record, frozen=True):
    """A portfolio is done with a bar, and these are its orders: portfolio to execution."""

    portfolio_id: str
    bar: int
    ts_event: int
    orders: tuple[Order, ...]


class Fills(Record, frozen=True):
    """All that one bar filled of a portfolio's orders, maybe nothing: execution to portfolio."""

    portfolio_id: str
    bar: int
    ts_event: int
    fills: tuple[Fill, ...]


class Acked(Record, frozen=True):
    """An order request was answered `latency_ns` after the feed had written its bar down."""

    portfolio_id: str
    bar: int
    latency_ns: int

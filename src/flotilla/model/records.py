"""The records that flow: the market's, and ours.

    Bar Quote Trade                 the market's; a Trade is a public print
    Signal RiskDecision             signals: of a strategy, of a risk model
    Order Fill Position Account     what a portfolio does and owns

All of them: `ts_event` is when it happened and `ts_recv` when it could be known, ns since
1970, UTC; `bar` is the row of the run that it belongs to, counted from 0; prices are in
the quote currency per unit, quantities in units, signed (negative sells, or is short).
NaN is "not published" or "no signal", never zero. Records say what is; a source checks
that it can be so.

On the wire each carries its `type`, so one decoder reads any of them. Ids are made of
what the thing is, so making one twice, after a crash, gives the same id.
"""

from __future__ import annotations

import msgspec


class Record(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """Base of what flows. Its `type` on the wire is the class's name in lower case."""


class Bar(Record, frozen=True):
    """The market during one interval. It may be acted on from `ts_recv`, its end."""

    instrument: str
    ts_event: int  # start of the interval
    ts_recv: int  # its end
    open: float
    high: float
    low: float
    close: float
    volume: float  # units traded


class Quote(Record, frozen=True):
    """The best bid and ask."""

    instrument: str
    ts_event: int
    ts_recv: int
    bid: float
    ask: float
    bid_size: float
    ask_size: float


class Trade(Record, frozen=True):
    """A public print: somebody's trade, not ours (that is a Fill)."""

    instrument: str
    ts_event: int
    ts_recv: int
    price: float
    size: float  # units, > 0
    side: str  # of the aggressor: "buy", "sell", or "" where not published


class Signal(Record, frozen=True):
    """A strategy's signal of one instrument. Never a quantity."""

    signal_id: str
    strategy: str
    instrument: str
    ts_event: int
    bar: int
    strength: float  # [-1, 1]; 0 is "be flat", NaN is "no signal, keep what you have"
    confidence: float = 1.0  # [0, 1]


class RiskDecision(Record, frozen=True):
    """A risk model's verdict. A refusal is scale 0: a value, not an exception."""

    decision_id: str
    model: str
    portfolio: str  # pattern of the portfolio ids that it is for, as in a shell: "cross-*"
    instrument: str  # "*" is every instrument
    ts_event: int
    bar: int
    scale: float  # [0, 1]: 0 refuses, 1 lets the signal through whole
    cap: float  # largest |weight| allowed, [0, 1]
    reason: str  # one word for the log: "var", "drawdown", "ok"


class Order(Record, frozen=True):
    """A portfolio's wish, after fusion and limits. Sending it twice is harmless: see order_id_of."""

    order_id: str
    portfolio_id: str
    instrument: str
    ts_event: int  # of the bar it was decided on
    bar: int
    quantity: float  # signed; NaN where size_at is "fill": then the weight sizes it
    weight: float  # target fraction of equity, signed
    size_at: str  # "decision" or "fill"
    signal_ids: tuple[str, ...] = ()
    decision_ids: tuple[str, ...] = ()


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


class Position(Record, frozen=True):
    """What a portfolio owns of one instrument after a bar."""

    portfolio_id: str
    instrument: str
    ts_event: int
    bar: int
    quantity: float
    price: float  # the mark


class Account(Record, frozen=True):
    """What a portfolio is worth after a bar, in account currency."""

    portfolio_id: str
    ts_event: int
    bar: int
    cash: float
    equity: float  # cash and positions at the mark
    peak: float  # highest equity so far
    fees: float  # paid so far


def signal_id_of(strategy: str, bar: int, instrument: str) -> str:
    """Return the id of what `strategy` said of `instrument` on `bar`."""
    return f"{strategy}-{bar:08d}-{instrument}"


def decision_id_of(model: str, bar: int, instrument: str) -> str:
    """Return the id of what a risk model said of `instrument` ("*": of all) on `bar`."""
    return f"{model}-{bar:08d}-{instrument}"


def order_id_of(portfolio_id: str, bar: int, instrument: str, sequence: int) -> str:
    """Return the id of the order; `sequence` counts a portfolio's orders in one instrument and bar."""
    return f"{portfolio_id}-{bar:08d}-{instrument}-{sequence}"


def fill_id_of(order_id: str, n: int) -> str:
    """Return the id of the nth fill of an order, from 0."""
    return f"{order_id}-f{n}"

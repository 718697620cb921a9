"""What goes down to the loops: a block of portfolios, a bar of the market, risk, and room to work in.

Portfolios are the last axis, `P`, of every array, so that a compiler's vectors run across them; `I` is
instruments. A portfolio alone is the same arrays with P = 1. A record goes down to the loops as it is: what a
loop reads of it costs nothing until it is read.
"""

from typing import NamedTuple

import numpy as np

from flotilla.model.arrays import Bytes, Flags, Floats, Ints

GROUP = 16  # lanes that are looked at, or skipped, together
_PURSE = ("cost", "cash")  # of a trace: of a portfolio, and not of each instrument


class Param(NamedTuple):
    """What makes one portfolio different from another: the rows of a block's parameters, float64[K, P]."""

    cash: int  # account currency at the beginning
    allocation: int  # weight of one instrument at a full signal
    cap: int  # largest weight of one instrument
    risk_tolerance: int  # multiplies the risk scale; 0 never trades
    max_drawdown: int  # fraction below the peak at which all is sold, for good; inf for none
    fee: int  # fraction of the traded value
    slippage: int  # fraction of the price, against us
    lot: int  # a lot is lot / per units; 0 for fractional
    per: int
    min_trade: int  # account currency
    band: int  # how far a weight drifts before it is restored, fraction of equity; 0: any way


PARAM = Param(*range(len(Param._fields)))


class Mode(NamedTuple):
    """What all portfolios of a block share: which passes run, and which loops."""

    every_bar: bool  # weights are restored on every bar on which something is said
    at_fill: bool  # orders are weights, sized at the price of the fill
    lots: bool  # some trade in whole lots: rounding to them divides
    limits: bool  # some have a drawdown limit
    bands: bool  # some have a band that weights may drift in


class Book(NamedTuple):
    """What portfolios own, and what they asked for. This is the state of a portfolio stage."""

    cash: Floats  # [P] account currency, never below 0
    position: Floats  # [I, P] units
    order: Floats  # [I, P] for the next bar: units, or a weight where sizing waits for the fill; NaN for none
    pending: Flags  # [I, groups] has any lane of the group an order
    queue: Ints  # [1 + I * groups] how many groups are pending, and which (see kernel.queue)
    last_signal: Floats  # [I, P] the last signal heard, [-1, 1]
    weight: Floats  # [I, P] the weight last decided
    last_risk: Floats  # [4, I] at its last price: risk's scale and cap, how many were halted, the period
    halted: Ints  # [P] 1 where the drawdown limit was hit: flat for good; else 0


class Sums(NamedTuple):
    """Measures that run along. Each float64[P]."""

    equity: Floats  # account currency, at the last mark
    inverse: Floats  # 1 / equity
    peak: Floats  # highest equity so far
    drawdown: Floats  # deepest fall below a peak so far, as a fraction of it
    total: Floats  # sum of the bars' returns
    square: Floats  # sum of the squares of the bars' returns
    held: Floats  # sum of the equities, account currency
    invested: Floats  # sum over bars of the invested fraction of equity
    fills: Floats  # count
    traded: Floats  # account currency, sum of absolute traded values
    fees: Floats  # account currency


class Block(NamedTuple):
    """P portfolios of one mode."""

    params: Floats  # [K, P], rows as `PARAM` names them; only read
    parts: Floats  # [I] of an allocation, that an instrument gets; only read
    book: Book
    sums: Sums
    mode: Mode


class Row(NamedTuple):
    """One bar of the market. Each float64[I]."""

    price: Floats  # at which orders fill, NaN where nothing trades
    close: Floats  # NaN where there is none: then nothing is decided
    known: Floats  # the last close before the bar, when its orders fill
    mark: Floats  # the last close with it; 0 before an instrument's first
    period: float  # that the bar belongs to: where a new one begins, weights are restored


class Risk(NamedTuple):
    """The risk decisions in force on a bar, the least of those that apply. Each float64[I]."""

    scale: Floats  # of a weight, [0, 1]
    cap: Floats  # on a weight


class Filled(NamedTuple):
    """What one bar filled. Each float64[I, P], as good as written only where there was an order."""

    quantity: Floats  # units; 0 where there was no fill
    price: Floats  # account currency a unit
    fee: Floats  # account currency


class Trace(NamedTuple):
    """What a bar came to on the way, for whoever asks why; of no instrument where nobody does."""

    before: Floats  # [I, P] the weight decided until then
    signal: Floats  # [I, P] the last signal heard
    allocation: Floats  # [I, P] weight of a full signal
    unrestrained: Floats  # [I, P] weight, before risk and caps
    factor: Floats  # [I, P] what risk lets through, [0, 1]
    cap: Floats  # [I, P] the least of the portfolio's and the decisions'
    weight: Floats  # [I, P] what came of it, were it not for a drawdown limit
    held: Floats  # [I, P] what the holding weighed at the close, fraction of equity
    asked: Floats  # [I, P] what the last fill was asked for, units
    cost: Floats  # [P] what its buys would have cost, fees included, account currency
    cash: Floats  # [P] that was there for them, after its sells


class Workspace(NamedTuple):
    """Room for a bar of one block."""

    filled: Filled
    trace: Trace
    target: Floats  # [I, P] where an instrument was looked at: its new weight, NaN where it did not change
    dirty: Ints  # [1 + I * groups] the groups that are looked at, written like a queue
    changed: Bytes  # [GROUP * groups] 1 where a lane's signal is another; 0 beyond the lanes
    due: Bytes  # [I] 1 where weights are restored
    cost: Floats  # [P] of a bar's buys, account currency; 0 before and after a bar
    scale: Floats  # [P] what buys are scaled by


def mode_of(params: Floats, every_bar: bool, at_fill: bool) -> Mode:
    """Return the mode of portfolios with these parameters, float64[K, P]."""
    return Mode(
        every_bar=every_bar,
        at_fill=at_fill,
        lots=bool(np.any(params[PARAM.lot] > 0.0)),
        limits=bool(np.any(params[PARAM.max_drawdown] < np.inf)),
        bands=bool(np.any(params[PARAM.band] > 0.0)),
    )


def new_block(params: Floats, parts: Floats, every_bar: bool, at_fill: bool) -> Block:
    """Return portfolios that own their starting cash and nothing else, and have not simulated a bar."""
    cash = params[PARAM.cash]
    mode = mode_of(params, every_bar, at_fill)
    return Block(params, parts, new_book(cash, parts.shape[0]), new_sums(cash), mode)


def new_book(cash: Floats, instruments: int) -> Book:
    """Return the books of portfolios that own their cash, float64[P], and nothing else."""
    lanes = cash.shape[0]
    shape, groups = (instruments, lanes), -(-lanes // GROUP)
    return Book(
        cash=cash.copy(),
        position=np.zeros(shape),
        order=np.full(shape, np.nan),
        pending=np.zeros((instruments, groups), np.bool_),
        queue=np.zeros(1 + instruments * groups, np.int64),
        last_signal=np.zeros(shape),
        weight=np.zeros(shape),
        last_risk=np.repeat([[1.0], [1.0], [0.0], [np.nan]], instruments, axis=1),
        halted=np.zeros(lanes, np.int64),
    )


def new_sums(cash: Floats) -> Sums:
    """Return the measures of portfolios that begin with cash, float64[P], and have not simulated a bar."""
    begun = {"equity": cash.copy(), "inverse": 1.0 / cash, "peak": cash.copy()}
    return Sums(**{name: begun.get(name, np.zeros(len(cash))) for name in Sums._fields})


def new_workspace(instruments: int, lanes: int, traced: bool = False) -> Workspace:
    """Return room for a block."""
    shape, groups = (instruments, lanes), -(-lanes // GROUP)
    noted = shape if traced else (0, 0)
    return Workspace(
        filled=Filled(np.zeros(shape), np.zeros(shape), np.zeros(shape)),
        trace=Trace(
            **{name: np.zeros(noted[1:] if name in ("cost", "cash") else noted) for name in Trace._fields}
        ),
        target=np.full(shape, np.nan),
        dirty=np.zeros(1 + instruments * groups, np.int64),
        changed=np.zeros(groups * GROUP, np.uint8),
        due=np.zeros(instruments, np.uint8),
        cost=np.zeros(lanes),
        scale=np.empty(lanes),
    )

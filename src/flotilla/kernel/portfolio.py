"""What portfolios are, as arrays: their terms, their books, their measures so far.

Portfolios are the last axis, `P`, of every array, so that a compiler's vectors run across them; `I` is
instruments. A portfolio alone is the same arrays with P = 1.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel.compile import compiled

GROUP = 16  # lanes that are looked at, or skipped, together

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]


class Terms(NamedTuple):
    """What makes one portfolio different from another. Each float64[P]."""

    start: Floats  # account currency at the beginning
    allocation: Floats  # weight of one instrument at a full signal
    cap: Floats  # largest weight of one instrument
    tolerance: Floats  # multiplies the risk scale; 0 never trades
    drawdown_limit: Floats  # fraction below the peak at which all is sold, for good; inf for none
    fee: Floats  # fraction of the traded value
    slippage: Floats  # fraction of the price, against us
    lot: Floats  # a lot is lot / per units; 0 for fractional
    per: Floats
    min_trade: Floats  # account currency
    band: Floats  # how far a weight drifts before it is restored, fraction of equity; 0: any way


class Uses(NamedTuple):
    """What any portfolio of a block makes use of. A loop for those that do not is compiled without it."""

    lots: bool  # whole lots: rounding to them divides
    limits: bool  # a drawdown limit
    bands: bool  # a band that weights may drift in


class Book(NamedTuple):
    """What portfolios own, and what they asked for. This is the state of a portfolio stage."""

    cash: Floats  # [P] account currency, never below 0
    position: Floats  # [I, P] units
    order: Floats  # [I, P] for the next bar: units, or a weight where sizing waits for the fill; NaN for none
    pending: Flags  # [I, groups] has any lane of the group an order
    queue: Ints  # [1 + I * groups] how many groups are pending, and which (see kernel.queue)
    signal: Floats  # [I, P] the last signal heard, [-1, 1]
    weight: Floats  # [I, P] the weight last decided
    heeded: Floats  # [4, I] at its last price: risk's scale and cap, how many were halted, the period
    halted: Ints  # [P] 1 where the drawdown limit was hit: flat for good; else 0


class Tally(NamedTuple):
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


class Filled(NamedTuple):
    """What one bar filled. Each float64[I, P]."""

    quantity: Floats  # units; 0 where there was no fill
    price: Floats  # account currency a unit


@compiled
def uses_of(terms: Terms) -> Uses:
    """Return what the portfolios of a block make use of."""
    lots, limits, bands = 0, 0, 0
    for p in range(terms.lot.shape[0]):
        lots += 1 if terms.lot[p] > 0.0 else 0
        limits += 1 if terms.drawdown_limit[p] < np.inf else 0
        bands += 1 if terms.band[p] > 0.0 else 0
    return Uses(lots > 0, limits > 0, bands > 0)


def new_book(terms: Terms, instruments: int) -> Book:
    """Return the books of portfolios that own their starting cash and nothing else."""
    lanes = terms.start.shape[0]
    shape, groups = (instruments, lanes), -(-lanes // GROUP)
    return Book(
        cash=terms.start.copy(),
        position=np.zeros(shape),
        order=np.full(shape, np.nan),
        pending=np.zeros((instruments, groups), np.bool_),
        queue=np.zeros(1 + instruments * groups, np.int64),
        signal=np.zeros(shape),
        weight=np.zeros(shape),
        heeded=np.repeat([[1.0], [1.0], [0.0], [np.nan]], instruments, axis=1),
        halted=np.zeros(lanes, np.int64),
    )


def new_tally(terms: Terms) -> Tally:
    """Return the measures of portfolios that have not simulated a bar."""
    lanes = terms.start.shape[0]
    zeros = (np.zeros(lanes) for _ in range(8))
    return Tally(terms.start.copy(), 1.0 / terms.start, terms.start.copy(), *zeros)


def new_filled(instruments: int, lanes: int) -> Filled:
    """Return room for one bar's fills."""
    return Filled(np.zeros((instruments, lanes)), np.zeros((instruments, lanes)))

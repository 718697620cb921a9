"""Many portfolios through many bars: blocks of lanes, a few bars at a time.

Each bar has four moments, in this order, for every portfolio:

1. `fill` what was decided at the bar before (kernel/fill.py).
2. Protect: stops and targets act here, between fill and mark.
3. `mark` at the close, and run the measures along (kernel/mark.py).
4. `decide`: turn signals (kernel/signals.py) and risk into orders for the next bar (kernel/decide.py).

Lanes are innermost and each does its own operations in its own order, so its bits are those of a portfolio
alone: a process that trades one portfolio calls the same functions with one lane (stage/single.py).

Signals depend on no book: where instruments are few, those of several bars are computed together.
The rows of features are shared by all portfolios, so they are visited a *tile* of bars at a time: a tile's
features stay in the second cache while blocks pass over them.
"""

from typing import NamedTuple

import numpy as np

from flotilla.kernel.compile import compiled
from flotilla.kernel.decide import decide
from flotilla.kernel.fill import fill
from flotilla.kernel.mark import mark
from flotilla.kernel.portfolio import (
    GROUP,
    Book,
    Bytes,
    Filled,
    Floats,
    Ints,
    Tally,
    Terms,
    new_filled,
    uses_of,
)
from flotilla.kernel.signals import Program, compute_signals

TILE = 16
ROWS = 20  # instruments x bars whose signals are computed together: a call costs what a row does


class Rows(NamedTuple):
    """The market's rows, and what was made of them, that all portfolios share."""

    fill: Floats  # [T, I] price at which orders fill, NaN where nothing trades
    close: Floats  # [T, I] NaN where there is none
    known: Floats  # [T, I] the last close before the bar, when its orders fill
    mark: Floats  # [T, I] the last close with it
    scale: Floats  # [T, I] the risk decisions' scale, [0, 1]
    limit: Floats  # [T, I] the risk decisions' cap on a weight
    period: Floats  # [T] that a bar belongs to: where a new one begins, weights are restored
    part: Floats  # [I] of an allocation, that an instrument gets
    features: Floats  # [T, I, F]


class Desk(NamedTuple):
    """Room to work in, for one thread and one block at a time."""

    filled: Filled
    slots: Floats  # [slots, ahead * I, L]
    sums: Floats  # [3, ahead * I, L]
    signals: Floats  # [ahead * I, L] of the bars that are computed together
    wanted: Floats  # [I, L]
    fresh: Ints  # [1 + I * groups]
    news: Bytes  # [GROUP * groups]
    due: Bytes  # [I]
    need: Floats  # [L]
    scale: Floats  # [L]


def rows_together(instruments: int) -> int:
    """Return how many rows, instruments x whole bars, are computed together."""
    return min(max(ROWS // instruments, 1), TILE) * instruments


def new_desk(program: Program, instruments: int, lanes: int) -> Desk:
    """Return room to run `program` in."""
    slots = program.column.shape[0] + program.code.shape[0]
    rows = rows_together(instruments)
    return Desk(
        filled=new_filled(instruments, lanes),
        slots=np.empty((slots, rows, lanes)),
        sums=np.empty((3, rows, lanes)),
        signals=np.empty((rows, lanes)),
        wanted=np.empty((instruments, lanes)),
        fresh=np.zeros(1 + instruments * -(-lanes // GROUP), np.int64),
        news=np.zeros(-(-lanes // GROUP) * GROUP, np.uint8),
        due=np.zeros(instruments, np.uint8),
        need=np.zeros(lanes),
        scale=np.empty(lanes),
    )


@compiled
def advance(
    rows: Rows,
    program: Program,
    books: Book,
    terms: Terms,
    tallies: Tally,
    first: int,
    last: int,
    every_bar: bool,
    at_fill: bool,
    desk: Desk,
) -> None:
    """Simulate all rows with blocks first..last-1. Books, terms and tallies have a leading block axis."""
    filled, slots, sums, signals, wanted, fresh, news, due, need, scale = desk
    instruments, features = rows.features.shape[1], rows.features.shape[2]
    ahead = signals.shape[0] // instruments
    for begin in range(0, rows.close.shape[0], TILE):
        end = min(begin + TILE, rows.close.shape[0])
        for b in range(first, last):
            book, term, tally = book_of(books, b), terms_of(terms, b), tally_of(tallies, b)
            uses = uses_of(term)
            for t in range(begin, end):
                if book.queue[0] > 0:
                    fill(book, term, uses, tally, filled, rows.fill[t], rows.known[t], at_fill, need, scale)
                mark(book, tally, rows.mark[t])
                nth = (t - begin) % ahead
                if nth == 0:
                    seen = rows.features[t : min(t + ahead, end)].reshape((-1, features))
                    compute_signals(program, b, seen, slots, sums, signals[: seen.shape[0]])
                here = signals[nth * instruments : (nth + 1) * instruments]
                decide(
                    book, term, uses, tally, here, rows.scale[t], rows.limit[t], rows.close[t],
                    rows.period[t], rows.part, every_bar, at_fill, wanted, fresh, news, due,
                )  # fmt: skip


@compiled
def book_of(books: Book, b: int) -> Book:
    """Return block b's books, as views."""
    return Book(
        books.cash[b],
        books.position[b],
        books.order[b],
        books.pending[b],
        books.queue[b],
        books.signal[b],
        books.weight[b],
        books.heeded[b],
        books.halted[b],
    )


@compiled
def terms_of(terms: Terms, b: int) -> Terms:
    """Return block b's terms, as views."""
    return Terms(
        terms.start[b],
        terms.allocation[b],
        terms.cap[b],
        terms.tolerance[b],
        terms.drawdown_limit[b],
        terms.fee[b],
        terms.slippage[b],
        terms.lot[b],
        terms.per[b],
        terms.min_trade[b],
        terms.band[b],
    )


@compiled
def tally_of(tallies: Tally, b: int) -> Tally:
    """Return block b's measures, as views."""
    return Tally(
        tallies.equity[b],
        tallies.inverse[b],
        tallies.peak[b],
        tallies.drawdown[b],
        tallies.total[b],
        tallies.square[b],
        tallies.held[b],
        tallies.invested[b],
        tallies.fills[b],
        tallies.traded[b],
        tallies.fees[b],
    )

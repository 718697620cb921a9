"""Many portfolios through many bars: blocks of lanes, a few bars at a time.

Each bar has four moments, in this order, for every portfolio:

1. `fill` what was decided at the bar before (kernel/fill.py).
2. Protect: stops and targets act here, between fill and mark.
3. `mark` at the close, and run the measures along (kernel/mark.py).
4. `decide`: turn opinions (kernel/opinions.py) and risk into orders for the next bar (kernel/decide.py).

Lanes are innermost and each does its own operations in its own order, so its bits are those of a portfolio
alone: a process that trades one portfolio calls the same functions with one lane (stage/single.py).

The rows of features are shared by all portfolios, so they are visited a *tile* of bars at a time: a tile's
features stay in the second cache while every block passes over them, and a block's books stay in the first
while it does. A block's books come and go once a tile.
"""

from typing import NamedTuple

import numpy as np

from flotilla.kernel.compile import compiled
from flotilla.kernel.decide import decide
from flotilla.kernel.fill import fill
from flotilla.kernel.mark import mark
from flotilla.kernel.opinions import Program, think
from flotilla.kernel.portfolio import GROUP, Book, Filled, Floats, Ints, Tally, Terms, new_filled

LANES = 64
TILE = 16


class Rows(NamedTuple):
    """The market's rows, and what was made of them, that all portfolios share."""

    fill: Floats  # [T, I] price at which orders fill, NaN where nothing trades
    close: Floats  # [T, I] NaN where there is none
    known: Floats  # [T, I] the last close before the bar, when its orders fill
    mark: Floats  # [T, I] the last close with it
    scale: Floats  # [T, I] the risk decisions' scale, [0, 1]
    limit: Floats  # [T, I] the risk decisions' cap on a weight
    features: Floats  # [T, I, F]


class Desk(NamedTuple):
    """Room to work in, for one thread and one block at a time."""

    filled: Filled
    slots: Floats  # [slots, I, L]
    sums: Floats  # [3, I, L]
    opinions: Floats  # [I, L]
    wanted: Floats  # [I, L]
    fresh: Ints  # [1 + I * groups]
    need: Floats  # [L]


def new_desk(program: Program, instruments: int, lanes: int) -> Desk:
    """Return room to run `program` in."""
    slots = program.column.shape[0] + program.code.shape[0]
    return Desk(
        filled=new_filled(instruments, lanes),
        slots=np.empty((slots, instruments, lanes)),
        sums=np.empty((3, instruments, lanes)),
        opinions=np.empty((instruments, lanes)),
        wanted=np.empty((instruments, lanes)),
        fresh=np.zeros(1 + instruments * -(-lanes // GROUP), np.int64),
        need=np.empty(lanes),
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
    """Live through all rows with blocks first..last-1. Books, terms and tallies have a leading block axis."""
    filled, slots, sums, opinions, wanted, fresh, need = desk
    for begin in range(0, rows.close.shape[0], TILE):
        end = min(begin + TILE, rows.close.shape[0])
        for b in range(first, last):
            book, term, tally = book_of(books, b), terms_of(terms, b), tally_of(tallies, b)
            for t in range(begin, end):
                if book.queue[0] > 0:
                    fill(book, term, tally, filled, rows.fill[t], rows.known[t], at_fill, need)
                mark(book, tally, rows.mark[t])
                think(program, b, rows.features[t], slots, sums, opinions)
                decide(
                    book, term, tally, opinions, rows.scale[t], rows.limit[t], rows.close[t],
                    every_bar, at_fill, wanted, fresh,
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
        books.opinion[b],
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
        terms.min_trade[b],
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

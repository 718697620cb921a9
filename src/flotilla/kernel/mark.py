"""Value portfolios at the close, and run their measures along: moment three of a portfolio's bar."""

import numpy as np

from flotilla.kernel.book import drawdown_of, worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.records import Block, Book, Row, Sums
from flotilla.model.arrays import Floats

NEARBY = 64  # lanes that are looked at together
ROUNDING = 1.0 + 2.0**-48  # more than three operations can be off


@compiled_apart
def value(book: Book, sums: Sums, row: Row) -> None:
    """Write what portfolios are worth at a bar's marks."""
    cash, position, equity, price = book.cash, book.position, sums.equity, row.mark
    for p in range(equity.shape[0]):
        equity[p] = cash[p] + worth(position[0, p], price[0])
    for i in range(np.uint64(1), np.uint64(position.shape[0])):
        for p in range(equity.shape[0]):
            equity[p] += worth(position[i, p], price[i])


@compiled_apart
def run_along(book: Book, sums: Sums) -> None:
    """Add the bar to the sums. A return is equity times the inverse of the equity before, less 1."""
    cash, equity, inverse = book.cash, sums.equity, sums.inverse
    for p in range(equity.shape[0]):
        change = equity[p] * inverse[p] - 1.0
        sums.total[p] += change
        sums.square[p] += change * change
        inverse[p] = 1.0 / equity[p]
        sums.held[p] += equity[p]
        sums.invested[p] += (equity[p] - cash[p]) * inverse[p]
        sums.peak[p] = max(sums.peak[p], equity[p])


@compiled_apart
def deepen(sums: Sums) -> None:
    """Keep the deepest fall below a peak. Divides only where a lane nearby may have fallen deeper."""
    equity, peak, drawdown = sums.equity, sums.peak, sums.drawdown
    lanes = np.uint64(equity.shape[0])
    for first in range(np.uint64(0), lanes, np.uint64(NEARBY)):
        last, deeper = min(first + np.uint64(NEARBY), lanes), 0
        for p in range(first, last):
            deeper += 1 if equity[p] < peak[p] * (1.0 - drawdown[p]) * ROUNDING else 0
        if deeper > 0:
            for p in range(first, last):
                drawdown[p] = max(drawdown[p], drawdown_of(equity[p], peak[p]))


@compiled
def mark(block: Block, row: Row) -> None:
    """Value a block at the last known closes, and run its measures along."""
    value(block.book, block.sums, row)
    run_along(block.book, block.sums)
    deepen(block.sums)


@compiled
def carry(last: Floats, close: Floats, marks: Floats) -> None:
    """Write the last known close of each row to `marks`, and carry it along in `last`: float64[I].

    close, marks: float64[n, I]. Before the first close the mark is 0: nobody can own the instrument yet.
    """
    for t in range(close.shape[0]):
        for i in range(close.shape[1]):
            if close[t, i] == close[t, i]:
                last[i] = close[t, i]
            marks[t, i] = last[i]

"""Many portfolios through many bars: a block of lanes at a time, each bar as kernel/bar.py has it.

Lanes are innermost and each does its own operations in its own order, so its bits are those of a portfolio
alone: a process that trades one portfolio calls the same `bar` with one lane (portfolio/single.py).

Signals depend on no book: where instruments are few, those of several bars are computed together.
"""

from typing import NamedTuple

import numpy as np

from flotilla.kernel.bar import bar, portfolio_bar
from flotilla.kernel.compile import compiled
from flotilla.kernel.fill import settle
from flotilla.kernel.records import Block, Risk, Row, Work, new_work
from flotilla.kernel.signals import Program, compute_signals
from flotilla.model.arrays import Floats, Ints

ROWS = 20  # instruments x bars whose signals are computed together: a call costs what a row does
AHEAD = 16  # bars, at most


class Rows(NamedTuple):
    """The market's rows, and what was made of them, that all portfolios share."""

    price: Floats  # [T, I] at which orders fill, NaN where nothing trades
    close: Floats  # [T, I] NaN where there is none
    known: Floats  # [T, I] the last close before the bar, when its orders fill
    mark: Floats  # [T, I] the last close with it
    period: Floats  # [T] that a bar belongs to: where a new one begins, weights are restored
    scale: Floats  # [T, I] the risk decisions' scale, [0, 1]
    cap: Floats  # [T, I] the risk decisions' cap on a weight
    features: Floats  # [T, I, F]


class Room(NamedTuple):
    """Room to work in, for one thread and one block at a time."""

    work: Work
    slots: Floats  # [slots, ahead * I, L]
    sums: Floats  # [3, ahead * I, L]
    signals: Floats  # [ahead * I, L] of the bars that are computed together


def rows_together(instruments: int) -> int:
    """Return how many rows, instruments x whole bars, are computed together."""
    return min(max(ROWS // instruments, 1), AHEAD) * instruments


def new_room(slots: int, instruments: int, lanes: int) -> Room:
    """Return room to run a program of so many slots in."""
    rows = rows_together(instruments)
    return Room(
        work=new_work(instruments, lanes),
        slots=np.empty((slots, rows, lanes)),
        sums=np.empty((3, rows, lanes)),
        signals=np.empty((rows, lanes)),
    )


@compiled
def row_of(rows: Rows, t: int) -> Row:
    """Return the prices of a bar."""
    return Row(rows.price[t], rows.close[t], rows.known[t], rows.mark[t], rows.period[t])


@compiled
def follow(
    rows: Rows, block: Block, signals: Floats, fills: Floats, edges: Ints, work: Work, account: Floats
) -> None:
    """Take a portfolio alone through rows whose fills are known, as its own process would.

    signals: float64[T, I], of all strategies together. fills: float64[n, 4], as `settle` takes them; those of
    bar t are edges[t] to edges[t + 1], int64[T + 1]. account: float64[3, T], written: equity, peak, halted.
    """
    for t in range(rows.close.shape[0]):
        row = row_of(rows, t)
        settle(block, row, fills[edges[t] : edges[t + 1]])
        risk = Risk(rows.scale[t], rows.cap[t])
        portfolio_bar(block, row, risk, signals[t].reshape((-1, 1)), work)
        account[0, t], account[1, t] = block.sums.equity[0], block.sums.peak[0]
        account[2, t] = block.book.halted[0]


@compiled
def advance(rows: Rows, program: Program, block: Block, room: Room) -> None:
    """Simulate all rows with one block."""
    bars, instruments, features = rows.features.shape
    signals = room.signals
    ahead = signals.shape[0] // instruments
    for begin in range(0, bars, ahead):
        end = min(begin + ahead, bars)
        seen = rows.features[begin:end].reshape((-1, features))
        compute_signals(program, seen, room.slots, room.sums, signals[: seen.shape[0]])
        for t in range(begin, end):
            row = row_of(rows, t)
            here = signals[(t - begin) * instruments : (t - begin + 1) * instruments]
            bar(block, row, Risk(rows.scale[t], rows.cap[t]), here, room.work)

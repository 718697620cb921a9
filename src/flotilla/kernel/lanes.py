"""Many portfolios through many bars: a block of lanes at a time, each bar as kernel/bar.py has it.

Lanes are innermost and each does its own operations in its own order, so its bits are those of a portfolio
alone: a process that trades one portfolio calls the same `bar` with one lane (portfolio/single.py).

Signals depend on no book: where instruments are few, those of several bars are computed together.
"""

from typing import NamedTuple

import numpy as np

from flotilla.kernel.bar import bar, portfolio_bar
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.fill import apply_fills
from flotilla.kernel.records import Block, Risk, Row, Workspace, new_workspace
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
    features: Floats  # [T, I, F]


class RiskRows(NamedTuple):
    """The risk decisions that a block heeds: portfolios that heed the same ones share these rows."""

    scale: Floats  # [T, I] of a weight, [0, 1]
    cap: Floats  # [T, I] on a weight


class Sheet(NamedTuple):
    """Running sums of a block, noted after some of the rows.

    What is noted is the fold of all rows before, so the rows at hand, blocks and workers do not touch it. The
    difference of two is what the stretch between them came to.
    """

    edges: Ints  # [E] the rows after which they are noted, rising, counted within the rows at hand
    equity: Floats  # [E, P] account currency
    total: Floats  # [E, P] sum of the bars' returns
    square: Floats  # [E, P] sum of their squares


class Room(NamedTuple):
    """Room to work in, for one thread and one block at a time."""

    work: Workspace
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
        work=new_workspace(instruments, lanes),
        slots=np.empty((slots, rows, lanes)),
        sums=np.empty((3, rows, lanes)),
        signals=np.empty((rows, lanes)),
    )


def new_sheet(edges: Ints, lanes: int) -> Sheet:
    """Return a sheet for a block with nothing noted yet: NaN."""
    return Sheet(edges, *(np.full((len(edges), lanes), np.nan) for _ in Sheet._fields[1:]))


@compiled_apart
def note(sheet: Sheet, e: int, block: Block) -> None:
    """Note the sums of a block as they stand."""
    for p in range(block.sums.equity.shape[0]):
        sheet.equity[e, p] = block.sums.equity[p]
        sheet.total[e, p] = block.sums.total[p]
        sheet.square[e, p] = block.sums.square[p]


@compiled
def row_of(rows: Rows, t: int) -> Row:
    """Return the prices of a bar."""
    return Row(rows.price[t], rows.close[t], rows.known[t], rows.mark[t], rows.period[t])


@compiled
def follow(
    rows: Rows,
    risk: RiskRows,
    block: Block,
    signals: Floats,
    fills: Floats,
    edges: Ints,
    work: Workspace,
    account: Floats,
) -> None:
    """Take a portfolio alone through rows whose fills are known, as its own process would.

    signals: float64[T, I], of all strategies together. fills: float64[n, 4], as `apply_fills` takes them;
    those of bar t are edges[t] to edges[t + 1], int64[T + 1]. account: float64[3, T], written: equity, peak,
    halted.
    """
    for t in range(rows.close.shape[0]):
        row = row_of(rows, t)
        apply_fills(block, row, fills[edges[t] : edges[t + 1]])
        heeded = Risk(risk.scale[t], risk.cap[t])
        portfolio_bar(block, row, heeded, signals[t].reshape((-1, 1)), work)
        account[0, t], account[1, t] = block.sums.equity[0], block.sums.peak[0]
        account[2, t] = block.book.halted[0]


@compiled
def advance(rows: Rows, risk: RiskRows, program: Program, block: Block, sheet: Sheet, room: Room) -> None:
    """Simulate all rows with one block."""
    bars, instruments, features = rows.features.shape
    signals, e = room.signals, 0
    ahead = signals.shape[0] // instruments
    for begin in range(0, bars, ahead):
        end = min(begin + ahead, bars)
        seen = rows.features[begin:end].reshape((-1, features))
        compute_signals(program, seen, room.slots, room.sums, signals[: seen.shape[0]])
        for t in range(begin, end):
            row = row_of(rows, t)
            here = signals[(t - begin) * instruments : (t - begin + 1) * instruments]
            bar(block, row, Risk(risk.scale[t], risk.cap[t]), here, room.work)
            if e < sheet.edges.shape[0] and sheet.edges[e] == t:
                note(sheet, e, block)
                e += 1

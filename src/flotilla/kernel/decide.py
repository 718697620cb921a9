"""Fuse new signals with risk into weights, size them, and leave orders: moment four of a portfolio's bar.

Most bars change nothing for most portfolios: groups of lanes without a new signal are skipped, unless risk
has changed, a drawdown limit was hit or holdings are due to be brought back to their weights: where a new
*period* begins, which is a number that never falls from one bar to the next. The skip is exact.
"""

import numpy as np

from flotilla.kernel.book import worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.fuse import fuse, risk_factor
from flotilla.kernel.queue import SHIFT, enqueue, queue_place
from flotilla.kernel.records import PARAM, Block, Risk, Row, Workspace
from flotilla.kernel.size import nearest_lots, order_quantity, target_quantity, whole_lots
from flotilla.kernel.trace import is_traced, note_before, note_weights
from flotilla.model.arrays import Bytes, Floats, Ints


@compiled_apart
def halt(block: Block) -> int:
    """Latch the portfolios that have fallen to their drawdown limit. Return how many are latched."""
    equity, peak, halted = block.sums.equity, block.sums.peak, block.book.halted
    limit, latched = block.params[PARAM.max_drawdown], 0
    for p in range(equity.shape[0]):
        halted[p] |= 1 if equity[p] <= peak[p] * (1.0 - limit[p]) else 0
        latched += halted[p]
    return latched


@compiled_apart
def mark_changed(signals: Floats, last: Floats, changed: Bytes) -> None:
    """Write 1 where a signal differs from the last that the lane heard, 0 where not. Each [P]."""
    for p in range(signals.shape[0]):
        changed[p] = 1 if (signals[p] < last[p] or signals[p] > last[p]) else 0


@compiled_apart
def list_changed(changed: Ints, instrument: int, always: bool, found: int, dirty: Ints) -> int:
    """List an instrument's changed groups, or all, after the `found` that are there; return how many are.

    changed: a group's bytes, as int64[2 * groups]. Every group is written down and only those that changed
    are kept: a branch would be guessed wrong too often.
    """
    for g in range(changed.shape[0] // 2):
        dirty[np.uint64(found + 1)] = (instrument << SHIFT) + g
        found += 1 if always or (changed[2 * g] | changed[2 * g + 1]) != 0 else 0
    return found


@compiled
def find_dirty(block: Block, row: Row, risk: Risk, signals: Floats, latched: int, work: Workspace) -> None:
    """List the groups in which a lane has a signal that differs from the last it heard.

    All of an instrument's, if its risk or how many lanes are latched is not what was heeded there last, or if
    a new period has begun: then it is due, but not at its first price: nothing stands before it. Without a
    price nothing is decided, nor heeded.
    """
    last_signal, last_risk, due = block.book.last_signal, block.book.last_risk, work.due
    found, words = 0, work.changed.view(np.int64)
    for i in range(signals.shape[0]):
        if np.isnan(row.close[i]):
            continue
        due[i] = 1 if row.period > last_risk[3, i] else 0
        other_risk = risk.scale[i] != last_risk[0, i] or risk.cap[i] != last_risk[1, i]
        always = other_risk or latched != last_risk[2, i] or due[i] == 1
        last_risk[0, i], last_risk[1, i] = risk.scale[i], risk.cap[i]
        last_risk[2, i], last_risk[3, i] = latched, row.period
        if not always:
            mark_changed(signals[i], last_signal[i], work.changed)
        found = list_changed(words, i, always, found, work.dirty)
    work.dirty[0] = found


@compiled_apart
def target_weights(block: Block, row: Row, risk: Risk, signals: Floats, work: Workspace) -> None:
    """Fuse signals with risk; where a weight changed, or is restored, write it to `target`, else NaN.

    A weight is restored where its instrument is due and it has drifted as far as its band. In the mode
    `every_bar` only if something is said of it too, for then whoever says nothing wants it left as it is.
    """
    allocation, cap = block.params[PARAM.allocation], block.params[PARAM.cap]
    tolerance, band = block.params[PARAM.risk_tolerance], block.params[PARAM.band]
    last_signal, weight, halted = block.book.last_signal, block.book.weight, block.book.halted
    position, equity, target, dirty, due = (
        block.book.position, block.sums.equity, work.target, work.dirty, work.due,
    )  # fmt: skip
    lanes, banded, silent_too = target.shape[1], block.mode.bands, not block.mode.every_bar
    for k in range(1, dirty[0] + 1):
        i, first, last = queue_place(dirty[k], lanes)
        whole = due[i] == 1 and not banded
        for p in range(first, last):
            signal = signals[i, p] if signals[i, p] == signals[i, p] else last_signal[i, p]
            factor = risk_factor(risk.scale[i], tolerance[p])
            fused = fuse(signal, allocation[p] * block.parts[i], factor, min(cap[p], risk.cap[i]))
            fused = 0.0 if halted[p] == 1 else fused
            asked = fused != weight[i, p] or (whole and (signals[i, p] == signals[i, p] or silent_too))
            target[i, p] = fused if asked else np.nan
            weight[i, p] = fused
            last_signal[i, p] = signal
        if due[i] == 1 and banded:  # loops of their own, for one with all in it has no vectors
            for p in range(first, last):
                drift = abs(worth(position[i, p], row.close[i]) - weight[i, p] * equity[p])
                said = signals[i, p] == signals[i, p] or silent_too
                target[i, p] = weight[i, p] if said and drift >= band[p] * equity[p] else target[i, p]


@compiled_apart
def make_orders(block: Block, row: Row, work: Workspace) -> None:
    """Turn target weights into orders, in units at the close. A lane without a target keeps what rests."""
    lot, per, min_trade = block.params[PARAM.lot], block.params[PARAM.per], block.params[PARAM.min_trade]
    order, position, equity = block.book.order, block.book.position, block.sums.equity
    target, dirty, price, lanes = work.target, work.dirty, row.close, equity.shape[0]
    for k in range(1, dirty[0] + 1):
        i, first, last = queue_place(dirty[k], lanes)
        if block.mode.at_fill:
            for p in range(first, last):
                order[i, p] = target[i, p] if target[i, p] == target[i, p] else order[i, p]
        elif block.mode.lots:
            for p in range(first, last):
                units = whole_lots(target_quantity(target[i, p], equity[p], price[i]), lot[p], per[p])
                asked = order_quantity(units, position[i, p], price[i], min_trade[p])
                asked = nearest_lots(asked, lot[p], per[p])
                order[i, p] = asked if target[i, p] == target[i, p] else order[i, p]
        else:  # a loop of its own, for one that might divide by lots has no vectors
            for p in range(first, last):
                units = target_quantity(target[i, p], equity[p], price[i])
                asked = order_quantity(units, position[i, p], price[i], min_trade[p])
                order[i, p] = asked if target[i, p] == target[i, p] else order[i, p]
        block.book.pending[i, np.uint64(dirty[k]) & np.uint64((1 << SHIFT) - 1)] = True


@compiled
def decide(block: Block, row: Row, risk: Risk, signals: Floats, work: Workspace) -> None:
    """Leave a block's orders for the next bar. signals: float64[I, P], NaN for no signal."""
    latched = halt(block) if block.mode.limits else 0
    find_dirty(block, row, risk, signals, latched, work)
    if is_traced(work):
        note_before(block, work)
    target_weights(block, row, risk, signals, work)
    if is_traced(work):
        note_weights(block, row, risk, work)
    make_orders(block, row, work)
    queue = block.book.queue
    if queue[0] > 0:  # something rests: merge, so that instruments stay in order
        enqueue(block.book.pending, queue)
    else:
        for k in range(work.dirty[0] + 1):
            queue[k] = work.dirty[k]

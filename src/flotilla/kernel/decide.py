"""Fuse new signals with risk into weights, size them, and leave orders: moment four of a portfolio's bar.

Most bars change nothing for most portfolios: groups of lanes without a new signal are skipped, unless risk
has changed, a drawdown limit was hit or holdings are due to be brought back to their weights: where a new
*period* begins, which is a number that never falls from one bar to the next. The skip is exact.
"""

import numpy as np

from flotilla.kernel.book import worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.fuse import fuse, risk_factor
from flotilla.kernel.portfolio import Book, Bytes, Flags, Floats, Ints, Tally, Terms, Uses
from flotilla.kernel.queue import SHIFT, enqueue, place
from flotilla.kernel.size import nearest_lots, order_quantity, target_quantity, whole_lots


@compiled_apart
def halt(equity: Floats, peak: Floats, limit: Floats, halted: Ints) -> int:
    """Latch the portfolios that have fallen to their drawdown limit. Return how many are latched."""
    latched = 0
    for p in range(equity.shape[0]):
        halted[p] |= 1 if equity[p] <= peak[p] * (1.0 - limit[p]) else 0
        latched += halted[p]
    return latched


@compiled_apart
def mark_new(signals: Floats, heard: Floats, news: Bytes) -> None:
    """Write 1 where a signal differs from the last that the lane heard, 0 where not. Each [P]."""
    for p in range(signals.shape[0]):
        news[p] = 1 if (signals[p] < heard[p] or signals[p] > heard[p]) else 0


@compiled_apart
def list_new(news: Ints, instrument: int, always: bool, found: int, fresh: Ints) -> int:
    """List an instrument's groups with news, or all, after the `found` that are there; return how many are.

    news: a group's bytes, as int64[2 * groups]. Every group is written down and only those with news are
    kept: a branch would be guessed wrong too often.
    """
    for g in range(news.shape[0] // 2):
        fresh[np.uint64(found + 1)] = (instrument << SHIFT) + g
        found += 1 if always or (news[2 * g] | news[2 * g + 1]) != 0 else 0
    return found


@compiled
def find_new(
    signals: Floats,
    heard: Floats,
    heeded: Floats,
    fresh: Ints,
    price: Floats,
    scale: Floats,
    limit: Floats,
    latched: int,
    period: float,
    news: Bytes,
    due: Bytes,
) -> None:
    """List the groups in which a lane has a signal that differs from the last it heard.

    All of an instrument's, if its risk or how many lanes are latched is not what was heeded there last, or if
    a new period has begun: then it is due, uint8[I], but not at its first price: nothing stands before it.
    fresh: int64[1 + I * groups], written like a queue. news: uint8[GROUP * groups], scratch, 0 beyond the
    lanes. Without a price, float64[I], nothing is decided, nor heeded.
    """
    found, words = 0, news.view(np.int64)
    for i in range(signals.shape[0]):
        if np.isnan(price[i]):
            continue
        due[i] = 1 if period > heeded[3, i] else 0
        other_risk = scale[i] != heeded[0, i] or limit[i] != heeded[1, i] or latched != heeded[2, i]
        always = other_risk or due[i] == 1
        heeded[0, i], heeded[1, i], heeded[2, i], heeded[3, i] = scale[i], limit[i], latched, period
        if not always:
            mark_new(signals[i], heard[i], news)
        found = list_new(words, i, always, found, fresh)
    fresh[0] = found


@compiled_apart
def weigh(
    signals: Floats,
    heard: Floats,
    weight: Floats,
    wanted: Floats,
    allocation: Floats,
    cap: Floats,
    tolerance: Floats,
    halted: Ints,
    band: Floats,
    position: Floats,
    equity: Floats,
    fresh: Ints,
    scale: Floats,
    limit: Floats,
    part: Floats,
    price: Floats,
    due: Bytes,
    every_bar: bool,
    banded: bool,
) -> None:
    """Fuse fresh signals with risk; where a weight changed, or is restored, write it to `wanted`, else NaN.

    A weight is restored where its instrument is due and it has drifted as far as its band. every_bar: only if
    something is said of it too, for then whoever says nothing wants it left as it is.
    """
    lanes = wanted.shape[1]
    for k in range(1, fresh[0] + 1):
        i, first, last = place(fresh[k], lanes)
        whole, silent_too = due[i] == 1 and not banded, not every_bar
        for p in range(first, last):
            signal = signals[i, p] if signals[i, p] == signals[i, p] else heard[i, p]
            risk = risk_factor(scale[i], tolerance[p])
            fused = fuse(signal, allocation[p] * part[i], risk, min(cap[p], limit[i]))
            fused = 0.0 if halted[p] == 1 else fused
            asked = fused != weight[i, p] or (whole and (signals[i, p] == signals[i, p] or silent_too))
            wanted[i, p] = fused if asked else np.nan
            weight[i, p] = fused
            heard[i, p] = signal
        if due[i] == 1 and banded:  # loops of their own, for one with all in it has no vectors
            for p in range(first, last):
                drift = abs(worth(position[i, p], price[i]) - weight[i, p] * equity[p])
                said = signals[i, p] == signals[i, p] or not every_bar
                wanted[i, p] = weight[i, p] if said and drift >= band[p] * equity[p] else wanted[i, p]


@compiled_apart
def ask(
    wanted: Floats,
    order: Floats,
    position: Floats,
    equity: Floats,
    lot: Floats,
    per: Floats,
    min_trade: Floats,
    fresh: Ints,
    pending: Flags,
    price: Floats,
    at_fill: bool,
    rounding: bool,
) -> None:
    """Turn wanted weights into orders, in units at the close. A lane that wants nothing keeps what rests."""
    lanes = equity.shape[0]
    for k in range(1, fresh[0] + 1):
        i, first, last = place(fresh[k], lanes)
        if at_fill:
            for p in range(first, last):
                order[i, p] = wanted[i, p] if wanted[i, p] == wanted[i, p] else order[i, p]
        elif rounding:
            for p in range(first, last):
                target = whole_lots(target_quantity(wanted[i, p], equity[p], price[i]), lot[p], per[p])
                asked = order_quantity(target, position[i, p], price[i], min_trade[p])
                asked = nearest_lots(asked, lot[p], per[p])
                order[i, p] = asked if wanted[i, p] == wanted[i, p] else order[i, p]
        else:  # a loop of its own, for one that might divide by lots has no vectors
            for p in range(first, last):
                target = target_quantity(wanted[i, p], equity[p], price[i])
                asked = order_quantity(target, position[i, p], price[i], min_trade[p])
                order[i, p] = asked if wanted[i, p] == wanted[i, p] else order[i, p]
        pending[i, np.uint64(fresh[k]) & np.uint64((1 << SHIFT) - 1)] = True


@compiled
def decide(
    book: Book,
    terms: Terms,
    uses: Uses,
    tally: Tally,
    signals: Floats,
    scale: Floats,
    limit: Floats,
    price: Floats,
    period: float,
    part: Floats,
    every_bar: bool,
    at_fill: bool,
    wanted: Floats,
    fresh: Ints,
    news: Bytes,
    due: Bytes,
) -> None:
    """Leave a block's orders for the next bar.

    signals: float64[I, P], NaN for no signal. scale, limit: float64[I], the risk decisions' scales and
    caps.
    price: float64[I], the close, NaN where there is none: then nothing is decided for that instrument.
    period: that the bar belongs to; part: float64[I], of an allocation, that an instrument gets.
    wanted: float64[I, P], written where an instrument was looked at: the new weight, NaN where it did not
    change.
    fresh: int64[1 + I * groups], scratch. news: uint8[GROUP * groups], scratch that was 0 at first. due:
    uint8[I], scratch.
    """
    latched = halt(tally.equity, tally.peak, terms.drawdown_limit, book.halted) if uses.limits else 0
    find_new(signals, book.signal, book.heeded, fresh, price, scale, limit, latched, period, news, due)
    weigh(
        signals, book.signal, book.weight, wanted, terms.allocation, terms.cap, terms.tolerance,
        book.halted, terms.band, book.position, tally.equity, fresh, scale, limit, part, price, due,
        every_bar, uses.bands,
    )  # fmt: skip
    ask(
        wanted, book.order, book.position, tally.equity, terms.lot, terms.per, terms.min_trade,
        fresh, book.pending, price, at_fill, uses.lots,
    )  # fmt: skip
    if book.queue[0] > 0:  # something rests: merge, so that instruments stay in order
        enqueue(book.pending, book.queue)
    else:
        for k in range(fresh[0] + 1):
            book.queue[k] = fresh[k]

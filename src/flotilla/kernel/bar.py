"""One bar in the life of a block of portfolios: the four moments, in order.

1. `fill` what was decided at the bar before: sells first, then buys, scaled down together to the cash there
is.
2. Protect: stops and targets act here, between fill and mark.
3. `mark` at the close, and run the measures along.
4. `decide`: fuse new opinions with risk into weights, size them, and leave orders for the next bar.

Lanes are innermost and each does its own operations in its own order, so its bits are those of a portfolio
alone: a live process calls these functions with one lane. Most bars change nothing for most portfolios, so
`fill` and `decide` skip a group of lanes that has nothing to do with an instrument. The skip is exact.
"""

import numpy as np

from flotilla.kernel.book import cash_after, drawdown_of, worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.fill import buy_scale, buying_power, fee_of, fill_price
from flotilla.kernel.fuse import fuse, risk_factor
from flotilla.kernel.portfolio import GROUP, Book, Filled, Flags, Floats, Ints, Tally, Terms
from flotilla.kernel.size import order_quantity, target_quantity, whole_lots

SHIFT = 20  # an entry of a queue is an instrument, shifted by so many bits, and a group
ROUNDING = 1.0 + 2.0**-48  # more than three operations can be off


@compiled
def place(entry: int, lanes: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return the instrument of a queue's entry, the first lane of its group and the one after its last.

    Unsigned: a signed index might be negative, and the check for that keeps the compiler from its vectors.
    """
    i, g = np.uint64(entry) >> np.uint64(SHIFT), np.uint64(entry) & np.uint64((1 << SHIFT) - 1)
    first = g * np.uint64(GROUP)
    return i, first, min(first + np.uint64(GROUP), np.uint64(lanes))


@compiled
def enqueue(pending: Flags, queue: Ints) -> None:
    """Write the pending groups to the queue, in order: how many, then instrument and group of each."""
    queue[0] = 0
    for i in range(pending.shape[0]):
        for g in range(pending.shape[1]):
            if pending[i, g]:
                queue[0] += 1
                queue[queue[0]] = (i << SHIFT) + g


@compiled_apart
def size_at_fill(
    order: Floats,
    position: Floats,
    cash: Floats,
    lot: Floats,
    min_trade: Floats,
    queue: Ints,
    price: Floats,
    marks: Floats,
    worths: Floats,
) -> None:
    """Turn orders that are weights into units at the price of the fill, or into none where it is too little.

    The weight is of what the portfolio is worth at the fill's prices, taken once, before any fill of the bar.
    price, marks: float64[I], NaN in price where nothing trades. worths: float64[P], scratch.
    """
    lanes = worths.shape[0]
    for p in range(lanes):
        worths[p] = cash[p]
    for row in range(position.shape[0]):
        at = marks[row] if np.isnan(price[row]) else price[row]
        for p in range(lanes):
            worths[p] += worth(position[row, p], at)
    for k in range(1, queue[0] + 1):
        i, first, last = place(queue[k], lanes)
        if not np.isnan(price[i]):
            for p in range(first, last):
                target = target_quantity(order[i, p], worths[p], price[i], lot[p])
                order[i, p] = order_quantity(target, position[i, p], price[i], min_trade[p])


@compiled_apart
def sell(
    order: Floats,
    position: Floats,
    cash: Floats,
    fee: Floats,
    slippage: Floats,
    need: Floats,
    queue: Ints,
    price: Floats,
    quantity: Floats,
    paid: Floats,
) -> None:
    """Fill the sells, and add up in `need`, float64[P], what the buys would cost."""
    lanes = need.shape[0]
    for p in range(lanes):
        need[p] = 0.0
    for k in range(1, queue[0] + 1):
        i, first, last = place(queue[k], lanes)
        if not np.isnan(price[i]):
            for p in range(first, last):
                asked = order[i, p] if order[i, p] == order[i, p] else 0.0
                at = fill_price(price[i], asked, slippage[p])
                sold = asked if asked < 0.0 else 0.0
                bought = asked if asked > 0.0 else 0.0
                cash[p] = cash_after(cash[p], sold, at, fee_of(sold, at, fee[p]))
                position[i, p] += sold
                need[p] += bought * at + fee_of(bought, at, fee[p])
                quantity[i, p] = asked
                paid[i, p] = at


@compiled_apart
def scale_buys(cash: Floats, need: Floats, instruments: int) -> None:
    """Turn `need` into the factor by which each portfolio's buys are scaled down to its cash."""
    for p in range(cash.shape[0]):
        need[p] = buy_scale(need[p], buying_power(cash[p], instruments))


@compiled_apart
def buy(
    order: Floats,
    position: Floats,
    cash: Floats,
    fee: Floats,
    lot: Floats,
    scale: Floats,
    pending: Flags,
    queue: Ints,
    price: Floats,
    quantity: Floats,
    paid: Floats,
    fills: Floats,
    traded: Floats,
    fees: Floats,
) -> None:
    """Fill the buys, each portfolio's scaled by its one factor; count all fills, and forget the orders."""
    lanes = scale.shape[0]
    for k in range(1, queue[0] + 1):
        i, first, last = place(queue[k], lanes)
        if not np.isnan(price[i]):
            for p in range(first, last):
                asked, at = quantity[i, p], paid[i, p]
                wanted = asked if asked > 0.0 else 0.0
                cut = whole_lots(wanted * scale[p], lot[p])
                bought = cut if scale[p] < 1.0 else wanted
                cash[p] = cash_after(cash[p], bought, at, fee_of(bought, at, fee[p]))
                position[i, p] += bought
                done = bought if asked > 0.0 else asked
                fills[p] += 1.0 if done != 0.0 else 0.0
                traded[p] += abs(done * at)
                fees[p] += fee_of(done, at, fee[p])
                quantity[i, p] = done
                order[i, p] = np.nan
    left = 0
    for k in range(1, queue[0] + 1):
        i = place(queue[k], lanes)[0]
        if np.isnan(price[i]):
            left += 1
            queue[left] = queue[k]
        else:
            pending[i, np.uint64(queue[k]) & np.uint64((1 << SHIFT) - 1)] = False
    queue[0] = left


@compiled
def fill(
    book: Book,
    terms: Terms,
    tally: Tally,
    filled: Filled,
    price: Floats,
    marks: Floats,
    at_fill: bool,
    need: Floats,
) -> None:
    """Fill a block's pending orders at `price`: float64[I], NaN where nothing trades, and the order rests.

    marks: float64[I], the last known prices. at_fill: orders are weights, sized now. need: float64[P],
    scratch.
    """
    queue, quantity, paid = book.queue, filled.quantity, filled.price
    if at_fill:
        size_at_fill(
            book.order, book.position, book.cash, terms.lot, terms.min_trade, queue, price, marks, need,
        )  # fmt: skip
    sell(
        book.order, book.position, book.cash, terms.fee, terms.slippage,
        need, queue, price, quantity, paid,
    )  # fmt: skip
    scale_buys(book.cash, need, price.shape[0])
    buy(
        book.order, book.position, book.cash, terms.fee, terms.lot,
        need, book.pending, queue, price, quantity, paid, tally.fills, tally.traded, tally.fees,
    )  # fmt: skip


@compiled_apart
def value(position: Floats, cash: Floats, mark: Floats, equity: Floats) -> None:
    """Write what portfolios are worth at `mark`: float64[I]."""
    for p in range(equity.shape[0]):
        equity[p] = cash[p]
    for i in range(position.shape[0]):
        for p in range(equity.shape[0]):
            equity[p] += worth(position[i, p], mark[i])


@compiled_apart
def run_along(
    cash: Floats,
    equity: Floats,
    inverse: Floats,
    peak: Floats,
    total: Floats,
    square: Floats,
    held: Floats,
    invested: Floats,
) -> None:
    """Add the bar to the sums. A return is equity times the inverse of the equity before, less 1."""
    for p in range(equity.shape[0]):
        change = equity[p] * inverse[p] - 1.0
        total[p] += change
        square[p] += change * change
        inverse[p] = 1.0 / equity[p]
        held[p] += equity[p]
        invested[p] += (equity[p] - cash[p]) * inverse[p]
        peak[p] = max(peak[p], equity[p])


@compiled_apart
def deepen(equity: Floats, peak: Floats, drawdown: Floats) -> None:
    """Keep the deepest fall below a peak. Divides only if some lane may have fallen deeper."""
    deeper = 0
    for p in range(equity.shape[0]):
        deeper += 1 if equity[p] < peak[p] * (1.0 - drawdown[p]) * ROUNDING else 0
    if deeper > 0:
        for p in range(equity.shape[0]):
            drawdown[p] = max(drawdown[p], drawdown_of(equity[p], peak[p]))


@compiled_apart
def halt(equity: Floats, peak: Floats, limit: Floats, halted: Flags) -> int:
    """Latch the portfolios that have fallen to their drawdown limit. Return how many are latched."""
    latched = 0
    for p in range(equity.shape[0]):
        hit = equity[p] <= peak[p] * (1.0 - limit[p])
        halted[p] = halted[p] or hit
        latched += 1 if halted[p] else 0
    return latched


@compiled
def mark(book: Book, tally: Tally, prices: Floats) -> None:
    """Value a block at `prices`: float64[I], the last known closes, and run its measures along."""
    value(book.position, book.cash, prices, tally.equity)
    run_along(
        book.cash,
        tally.equity,
        tally.inverse,
        tally.peak,
        tally.total,
        tally.square,
        tally.held,
        tally.invested,
    )
    deepen(tally.equity, tally.peak, tally.drawdown)


@compiled
def count_new(opinions: Floats, heard: Floats, i: int, first: int, last: int | np.uint64) -> int:
    """Return how many lanes have an opinion of instrument i that differs from the last they heard."""
    new = 0
    for p in range(first, last):
        new += 1 if (opinions[i, p] < heard[i, p] or opinions[i, p] > heard[i, p]) else 0
    return new


@compiled_apart
def find_new(
    opinions: Floats,
    heard: Floats,
    heeded: Floats,
    fresh: Ints,
    price: Floats,
    scale: Floats,
    limit: Floats,
    latched: int,
    every_bar: bool,
) -> None:
    """List the groups in which a lane has an opinion that differs from the last it heard.

    All of an instrument's, if its risk or how many lanes are latched is not what was heeded there last.
    fresh: int64[1 + I * groups], written like a queue. Without a price, float64[I], nothing is decided, nor
    heeded. It looks at a few groups together first: mostly none of them has news.
    """
    lanes, group, few = np.uint64(opinions.shape[1]), np.uint64(GROUP), np.uint64(4 * GROUP)
    fresh[0] = 0
    for i in range(opinions.shape[0]):
        if np.isnan(price[i]):
            continue
        always = every_bar or scale[i] != heeded[0, i] or limit[i] != heeded[1, i] or latched != heeded[2, i]
        heeded[0, i], heeded[1, i], heeded[2, i] = scale[i], limit[i], latched
        for begin in range(np.uint64(0), lanes, few):
            end = min(begin + few, lanes)
            if not always and count_new(opinions, heard, i, begin, end) == 0:
                continue
            for first in range(begin, end, group):
                if always or count_new(opinions, heard, i, first, min(first + group, end)) > 0:
                    fresh[0] += 1
                    fresh[fresh[0]] = (i << SHIFT) + np.int64(first // group)


@compiled_apart
def weigh(
    opinions: Floats,
    heard: Floats,
    weight: Floats,
    wanted: Floats,
    allocation: Floats,
    cap: Floats,
    tolerance: Floats,
    halted: Flags,
    fresh: Ints,
    scale: Floats,
    limit: Floats,
    always: bool,
) -> None:
    """Fuse fresh opinions with risk; where a weight changed, write it to `wanted`, else NaN."""
    lanes = wanted.shape[1]
    for k in range(1, fresh[0] + 1):
        i, first, last = place(fresh[k], lanes)
        for p in range(first, last):
            opinion = opinions[i, p] if opinions[i, p] == opinions[i, p] else heard[i, p]
            risk = risk_factor(scale[i], tolerance[p])
            fused = fuse(opinion, allocation[p], risk, min(cap[p], limit[i]))
            fused = 0.0 if halted[p] else fused
            wanted[i, p] = fused if always or fused != weight[i, p] else np.nan
            weight[i, p] = fused
            heard[i, p] = opinion


@compiled_apart
def ask(
    wanted: Floats,
    order: Floats,
    position: Floats,
    equity: Floats,
    lot: Floats,
    min_trade: Floats,
    fresh: Ints,
    pending: Flags,
    price: Floats,
    at_fill: bool,
) -> None:
    """Turn wanted weights into orders, in units at the close. A lane that wants nothing keeps what rests."""
    lanes = equity.shape[0]
    for k in range(1, fresh[0] + 1):
        i, first, last = place(fresh[k], lanes)
        for p in range(first, last):
            target = target_quantity(wanted[i, p], equity[p], price[i], lot[p])
            asked = order_quantity(target, position[i, p], price[i], min_trade[p])
            asked = wanted[i, p] if at_fill else asked
            order[i, p] = asked if wanted[i, p] == wanted[i, p] else order[i, p]
        pending[i, np.uint64(fresh[k]) & np.uint64((1 << SHIFT) - 1)] = True


@compiled
def decide(
    book: Book,
    terms: Terms,
    tally: Tally,
    opinions: Floats,
    scale: Floats,
    limit: Floats,
    price: Floats,
    every_bar: bool,
    at_fill: bool,
    wanted: Floats,
    fresh: Ints,
) -> None:
    """Leave a block's orders for the next bar.

    opinions: float64[I, P], NaN for no opinion. scale, limit: float64[I], the risk decisions' scales and
    caps.
    price: float64[I], the close, NaN where there is none: then nothing is decided for that instrument.
    wanted: float64[I, P], written where an instrument was looked at: the new weight, NaN where it did not
    change.
    fresh: int64[1 + I * groups], scratch.
    """
    latched = halt(tally.equity, tally.peak, terms.drawdown_limit, book.halted)
    find_new(opinions, book.opinion, book.heeded, fresh, price, scale, limit, latched, every_bar)
    weigh(
        opinions, book.opinion, book.weight, wanted, terms.allocation, terms.cap, terms.tolerance,
        book.halted, fresh, scale, limit, every_bar,
    )  # fmt: skip
    ask(
        wanted, book.order, book.position, tally.equity, terms.lot, terms.min_trade,
        fresh, book.pending, price, at_fill,
    )  # fmt: skip
    if book.queue[0] > 0:  # something rests: merge, so that instruments stay in order
        enqueue(book.pending, book.queue)
    else:
        for k in range(fresh[0] + 1):
            book.queue[k] = fresh[k]


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

"""Fill what was decided at the bar before: moment one of a portfolio's bar.

Sells go first, each as it is. Then the buys, those of a portfolio scaled down together to the cash there is.
Groups of lanes without an order are skipped; they would have done nothing.
"""

import numpy as np

from flotilla.kernel.book import cash_after, worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.queue import SHIFT, enqueue, queue_place
from flotilla.kernel.records import GROUP, PARAM, Block, Book, Row, Sums, Workspace
from flotilla.kernel.size import lots_within, nearest_lots, order_quantity, target_quantity, whole_lots
from flotilla.kernel.trace import is_traced, note_buys
from flotilla.model.arrays import Floats, Ints

EPSILON = 2.0**-52
DUST = 2.0**-30  # of what was asked: less is not bought, for it is what rounding left of the cash


@compiled
def fill_price(price: float, quantity: float, slippage: float) -> float:
    """Return `price` moved against the order by `slippage` (a fraction)."""
    return price * (1.0 + slippage) if quantity > 0.0 else price * (1.0 - slippage)


@compiled
def fee_of(quantity: float, price: float, fee: float) -> float:
    """Return the fee, account currency, of a fill. fee: a fraction of the traded value."""
    return abs(quantity * price) * fee


@compiled
def buy_scale(cost: float, cash: float, instruments: int) -> float:
    """Return the common factor, in [0, 1], for a bar's buys that cost `cost`, of a portfolio that has `cash`.

    Buys that need all the cash there is, to the last bit, are not cut: cash may end a rounding below zero, by
    no more than I + 8 units in its last place. Buys that are cut leave as much, lest rounding spend more than
    there is; and nothing is bought with such a rest.
    """
    scale = 1.0 if cost <= cash else cash * (1.0 - (instruments + 8) * EPSILON) / cost
    return scale if scale > DUST else 0.0


@compiled
def is_sparse(queue: Ints, lanes: int) -> bool:
    """Return whether so few groups have an order that visiting them costs less than visiting all lanes."""
    return bool(queue[0] * GROUP * 2 < lanes)


@compiled
def book_fill(book: Book, i: int | np.uint64, p: int, quantity: float, price: float, fee: float) -> None:
    """Take a fill of portfolio p into its book: cash and what it holds of instrument i."""
    book.cash[p] = cash_after(book.cash[p], quantity, price, fee)
    book.position[i, p] += quantity


@compiled
def count_fill(sums: Sums, p: int, quantity: float, price: float, fee: float) -> None:
    """Add a fill of portfolio p to its measures; a quantity of 0 is none."""
    sums.fills[p] += 1.0 if quantity != 0.0 else 0.0
    sums.traded[p] += abs(quantity * price)
    sums.fees[p] += fee


@compiled_apart
def value_at_fill(
    book: Book, row: Row, worths: Floats, first: int | np.uint64, last: int | np.uint64
) -> None:
    """Write what some lanes are worth at the fill's prices, or at what was known where nothing trades."""
    cash, position = book.cash, book.position
    for p in range(np.uint64(first), np.uint64(last)):
        worths[p] = cash[p]
    for i in range(position.shape[0]):
        at = row.known[i] if np.isnan(row.price[i]) else row.price[i]
        for p in range(np.uint64(first), np.uint64(last)):
            worths[p] += worth(position[i, p], at)


@compiled_apart
def size_at_fill(block: Block, row: Row, work: Workspace) -> None:
    """Turn orders that are weights into units at the price of the fill, or into none where it is too little.

    The weight is of what the portfolio is worth at the fill's prices, taken once, before any fill of the bar.
    """
    lot, per, min_trade = block.params[PARAM.lot], block.params[PARAM.per], block.params[PARAM.min_trade]
    order, position, queue, worths = block.book.order, block.book.position, block.book.queue, work.scale
    lanes = worths.shape[0]
    if is_sparse(queue, lanes):
        for k in range(1, queue[0] + 1):
            _, first, last = queue_place(queue[k], lanes)
            value_at_fill(block.book, row, worths, first, last)
    else:
        value_at_fill(block.book, row, worths, 0, lanes)
    for k in range(1, queue[0] + 1):
        i, first, last = queue_place(queue[k], lanes)
        price = row.price[i]
        if np.isnan(price):
            continue
        if block.mode.lots:
            for p in range(first, last):
                target = whole_lots(target_quantity(order[i, p], worths[p], price), lot[p], per[p])
                asked = order_quantity(target, position[i, p], price, min_trade[p])
                order[i, p] = nearest_lots(asked, lot[p], per[p])
        else:  # a loop of its own, for one that might divide by lots has no vectors
            for p in range(first, last):
                target = target_quantity(order[i, p], worths[p], price)
                order[i, p] = order_quantity(target, position[i, p], price, min_trade[p])


@compiled_apart
def sell(block: Block, row: Row, work: Workspace) -> None:
    """Fill the sells, and add up in `cost`, all 0 before, what the buys would cost."""
    fee, slippage = block.params[PARAM.fee], block.params[PARAM.slippage]
    book, order, cost = block.book, block.book.order, work.cost
    lanes = cost.shape[0]
    for k in range(1, book.queue[0] + 1):
        i, first, last = queue_place(book.queue[k], lanes)
        if not np.isnan(row.price[i]):
            for p in range(first, last):
                asked = order[i, p] if order[i, p] == order[i, p] else 0.0
                at = fill_price(row.price[i], asked, slippage[p])
                sold = asked if asked < 0.0 else 0.0
                bought = asked if asked > 0.0 else 0.0
                book_fill(book, i, p, sold, at, fee_of(sold, at, fee[p]))
                cost[p] += bought * at + fee_of(bought, at, fee[p])
                work.filled.quantity[i, p] = asked
                work.filled.price[i, p] = at


@compiled_apart
def scale_buys(book: Book, work: Workspace, first: int | np.uint64, last: int | np.uint64) -> None:
    """Write the factor by which some lanes' buys are scaled down to their cash."""
    cash, cost, instruments, short = book.cash, work.cost, book.position.shape[0], 0
    for p in range(np.uint64(first), np.uint64(last)):
        short += 1 if cost[p] > cash[p] else 0
    for p in range(np.uint64(first), np.uint64(last)):
        work.scale[p] = buy_scale(cost[p], cash[p], instruments) if short > 0 else 1.0


@compiled
def scale_queued(book: Book, work: Workspace) -> None:
    """Write the factors of the lanes that have orders, or of all where that is less work."""
    queue, lanes = book.queue, work.cost.shape[0]
    if is_sparse(queue, lanes):
        for k in range(1, queue[0] + 1):
            _, first, last = queue_place(queue[k], lanes)
            scale_buys(book, work, first, last)
    else:
        scale_buys(book, work, 0, lanes)


@compiled_apart
def cut_to_lots(block: Block, work: Workspace, i: np.uint64, first: np.uint64, last: np.uint64) -> None:
    """Scale some lanes' buys of an instrument down, to whole lots where there are lots."""
    lot, per, quantity, scale = (
        block.params[PARAM.lot],
        block.params[PARAM.per],
        work.filled.quantity,
        work.scale,
    )
    for p in range(first, last):
        cut = lots_within(quantity[i, p] * scale[p], lot[p], per[p])
        quantity[i, p] = cut if quantity[i, p] > 0.0 and scale[p] < 1.0 else quantity[i, p]


@compiled_apart
def hold_lots(block: Block, i: np.uint64, first: np.uint64, last: np.uint64) -> None:
    """Take rounding out of what some lanes hold of an instrument after a fill, where there are lots."""
    lot, per, position = block.params[PARAM.lot], block.params[PARAM.per], block.book.position
    for p in range(first, last):
        position[i, p] = nearest_lots(position[i, p], lot[p], per[p])


@compiled_apart
def buy(block: Block, row: Row, work: Workspace) -> None:
    """Fill the buys, each portfolio's scaled by its one factor; count all fills, forget orders and costs."""
    fee, rounding, book, queue = block.params[PARAM.fee], block.mode.lots, block.book, block.book.queue
    quantity, paid, scale = work.filled.quantity, work.filled.price, work.scale
    lanes, left = scale.shape[0], 0
    for k in range(1, queue[0] + 1):
        i, first, last = queue_place(queue[k], lanes)
        if not np.isnan(row.price[i]):
            if rounding:
                cut_to_lots(block, work, i, first, last)
            for p in range(first, last):
                asked, at = quantity[i, p], paid[i, p]
                bought = (asked if asked > 0.0 else 0.0) * (1.0 if rounding else scale[p])
                book_fill(book, i, p, bought, at, fee_of(bought, at, fee[p]))
                done = bought if asked > 0.0 else asked
                charged = fee_of(done, at, fee[p])
                count_fill(block.sums, p, done, at, charged)
                quantity[i, p] = done
                work.filled.fee[i, p] = charged
                book.order[i, p] = np.nan
                work.cost[p] = 0.0
            if rounding:
                hold_lots(block, i, first, last)
            book.pending[i, np.uint64(queue[k]) & np.uint64((1 << SHIFT) - 1)] = False
        else:  # it rests
            left += 1
            queue[left] = queue[k]
    queue[0] = left


@compiled
def fill(block: Block, row: Row, work: Workspace) -> None:
    """Fill a block's pending orders at a bar's prices; where nothing trades the order rests."""
    if block.mode.at_fill:
        size_at_fill(block, row, work)
    sell(block, row, work)
    scale_queued(block.book, work)
    if is_traced(work):
        note_buys(block, work)
    buy(block, row, work)


@compiled
def apply_fills(block: Block, row: Row, fills: Floats) -> None:
    """Take fills that somebody else made into the book of a portfolio alone, and forget what they filled.

    fills: float64[n, 4], in their order: instrument, quantity, price, fee. What the bar had a price for
    rests no longer, filled or not.
    """
    if fills.shape[0] == 0 and block.book.queue[0] == 0:
        return
    book, lot, per = block.book, block.params[PARAM.lot, 0], block.params[PARAM.per, 0]
    for n in range(fills.shape[0]):
        i = int(fills[n, 0])
        book_fill(book, i, 0, fills[n, 1], fills[n, 2], fills[n, 3])
        book.position[i, 0] = nearest_lots(book.position[i, 0], lot, per)
    for i in range(book.position.shape[0]):  # measures in the order of instruments, as `buy` adds them up
        for n in range(fills.shape[0]):
            if int(fills[n, 0]) == i:
                count_fill(block.sums, 0, fills[n, 1], fills[n, 2], fills[n, 3])
        if not np.isnan(row.price[i]):
            book.order[i, 0] = np.nan
            book.pending[i, 0] = False
    enqueue(book.pending, book.queue)

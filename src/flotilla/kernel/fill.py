"""Fill what was decided at the bar before: moment one of a portfolio's bar.

Sells go first, each as it is. Then the buys, those of a portfolio scaled down together to the cash there is.
Groups of lanes without an order are skipped; they would have done nothing.
"""

import numpy as np

from flotilla.kernel.book import cash_after, worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.portfolio import GROUP, Book, Filled, Flags, Floats, Ints, Tally, Terms, Uses
from flotilla.kernel.queue import SHIFT, place
from flotilla.kernel.size import lots_within, nearest_lots, order_quantity, target_quantity, whole_lots

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
def buy_scale(need: float, cash: float, instruments: int) -> float:
    """Return the common factor, in [0, 1], for a bar's buys that cost `need`, of a portfolio that has `cash`.

    Buys that need all the cash there is, to the last bit, are not cut: cash may end a rounding below zero, by
    no more than I + 8 units in its last place. Buys that are cut leave as much, lest rounding spend more than
    there is; and nothing is bought with such a rest.
    """
    scale = 1.0 if need <= cash else cash * (1.0 - (instruments + 8) * EPSILON) / need
    return scale if scale > DUST else 0.0


@compiled
def is_sparse(queue: Ints, lanes: int) -> bool:
    """Return whether so few groups have an order that visiting them costs less than visiting all lanes."""
    return bool(queue[0] * GROUP * 2 < lanes)


@compiled_apart
def value_at_fill(
    position: Floats,
    cash: Floats,
    price: Floats,
    known: Floats,
    worths: Floats,
    first: int | np.uint64,
    last: int | np.uint64,
) -> None:
    """Write what some lanes are worth at the fill's prices, or at what was known where nothing trades."""
    for p in range(np.uint64(first), np.uint64(last)):
        worths[p] = cash[p]
    for row in range(position.shape[0]):
        at = known[row] if np.isnan(price[row]) else price[row]
        for p in range(np.uint64(first), np.uint64(last)):
            worths[p] += worth(position[row, p], at)


@compiled_apart
def size_at_fill(
    order: Floats,
    position: Floats,
    cash: Floats,
    lot: Floats,
    per: Floats,
    min_trade: Floats,
    queue: Ints,
    price: Floats,
    known: Floats,
    worths: Floats,
    rounding: bool,
) -> None:
    """Turn orders that are weights into units at the price of the fill, or into none where it is too little.

    The weight is of what the portfolio is worth at the fill's prices, taken once, before any fill of the bar.
    price, known: float64[I], NaN in price where nothing trades. worths: float64[P], scratch.
    """
    lanes = worths.shape[0]
    if is_sparse(queue, lanes):
        for k in range(1, queue[0] + 1):
            _, first, last = place(queue[k], lanes)
            value_at_fill(position, cash, price, known, worths, first, last)
    else:
        value_at_fill(position, cash, price, known, worths, 0, lanes)
    for k in range(1, queue[0] + 1):
        i, first, last = place(queue[k], lanes)
        if np.isnan(price[i]):
            continue
        if rounding:
            for p in range(first, last):
                target = whole_lots(target_quantity(order[i, p], worths[p], price[i]), lot[p], per[p])
                asked = order_quantity(target, position[i, p], price[i], min_trade[p])
                order[i, p] = nearest_lots(asked, lot[p], per[p])
        else:  # a loop of its own, for one that might divide by lots has no vectors
            for p in range(first, last):
                target = target_quantity(order[i, p], worths[p], price[i])
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
    """Fill the sells, and add up in `need`, float64[P], all 0 before, what the buys would cost."""
    lanes = need.shape[0]
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
def scale_buys(
    cash: Floats,
    need: Floats,
    instruments: int,
    scale: Floats,
    first: int | np.uint64,
    last: int | np.uint64,
) -> None:
    """Write the factor by which some lanes' buys are scaled down to their cash."""
    short = 0
    for p in range(np.uint64(first), np.uint64(last)):
        short += 1 if need[p] > cash[p] else 0
    for p in range(np.uint64(first), np.uint64(last)):
        scale[p] = buy_scale(need[p], cash[p], instruments) if short > 0 else 1.0


@compiled
def scale_queued(cash: Floats, need: Floats, instruments: int, scale: Floats, queue: Ints) -> None:
    """Write the factors of the lanes that have orders, or of all where that is less work."""
    lanes = need.shape[0]
    if is_sparse(queue, lanes):
        for k in range(1, queue[0] + 1):
            _, first, last = place(queue[k], lanes)
            scale_buys(cash, need, instruments, scale, first, last)
    else:
        scale_buys(cash, need, instruments, scale, 0, lanes)


@compiled_apart
def cut_to_lots(
    quantity: Floats, lot: Floats, per: Floats, scale: Floats, i: np.uint64, first: np.uint64, last: np.uint64
) -> None:
    """Scale some lanes' buys of an instrument down, to whole lots where there are lots."""
    for p in range(first, last):
        cut = lots_within(quantity[i, p] * scale[p], lot[p], per[p])
        quantity[i, p] = cut if quantity[i, p] > 0.0 and scale[p] < 1.0 else quantity[i, p]


@compiled_apart
def hold_lots(
    position: Floats, lot: Floats, per: Floats, i: np.uint64, first: np.uint64, last: np.uint64
) -> None:
    """Take rounding out of what some lanes hold of an instrument after a fill, where there are lots."""
    for p in range(first, last):
        position[i, p] = nearest_lots(position[i, p], lot[p], per[p])


@compiled_apart
def buy(
    order: Floats,
    position: Floats,
    cash: Floats,
    fee: Floats,
    lot: Floats,
    per: Floats,
    scale: Floats,
    need: Floats,
    pending: Flags,
    queue: Ints,
    price: Floats,
    quantity: Floats,
    paid: Floats,
    fills: Floats,
    traded: Floats,
    fees: Floats,
    rounding: bool,
) -> None:
    """Fill the buys, each portfolio's scaled by its one factor; count all fills, forget orders and needs."""
    lanes, left = scale.shape[0], 0
    for k in range(1, queue[0] + 1):
        i, first, last = place(queue[k], lanes)
        if not np.isnan(price[i]):
            if rounding:
                cut_to_lots(quantity, lot, per, scale, i, first, last)
            for p in range(first, last):
                asked, at = quantity[i, p], paid[i, p]
                bought = (asked if asked > 0.0 else 0.0) * (1.0 if rounding else scale[p])
                cash[p] = cash_after(cash[p], bought, at, fee_of(bought, at, fee[p]))
                position[i, p] += bought
                done = bought if asked > 0.0 else asked
                fills[p] += 1.0 if done != 0.0 else 0.0
                traded[p] += abs(done * at)
                fees[p] += fee_of(done, at, fee[p])
                quantity[i, p] = done
                order[i, p] = np.nan
                need[p] = 0.0
            if rounding:
                hold_lots(position, lot, per, i, first, last)
            pending[i, np.uint64(queue[k]) & np.uint64((1 << SHIFT) - 1)] = False
        else:  # it rests
            left += 1
            queue[left] = queue[k]
    queue[0] = left


@compiled
def fill(
    book: Book,
    terms: Terms,
    uses: Uses,
    tally: Tally,
    filled: Filled,
    price: Floats,
    known: Floats,
    at_fill: bool,
    need: Floats,
    scale: Floats,
) -> None:
    """Fill a block's pending orders at `price`: float64[I], NaN where nothing trades, and the order rests.

    known: float64[I], the last known prices. at_fill: orders are weights, sized now. need:
    float64[P], all 0, and left so. scale: float64[P], scratch.
    """
    queue, quantity, paid = book.queue, filled.quantity, filled.price
    if at_fill:
        size_at_fill(
            book.order, book.position, book.cash, terms.lot, terms.per, terms.min_trade, queue, price, known,
            scale, uses.lots,
        )  # fmt: skip
    sell(
        book.order, book.position, book.cash, terms.fee, terms.slippage,
        need, queue, price, quantity, paid,
    )  # fmt: skip
    scale_queued(book.cash, need, price.shape[0], scale, queue)
    buy(
        book.order, book.position, book.cash, terms.fee, terms.lot, terms.per,
        scale, need, book.pending, queue, price, quantity, paid, tally.fills, tally.traded, tally.fees,
        uses.lots,
    )  # fmt: skip

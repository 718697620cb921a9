"""One bar in the life of a block of portfolios: the four moments, in order.

1. `fill` what was decided at the bar before: sells first, then buys, scaled down together to the cash there is.
2. Protect: stops and targets act here, between fill and mark.
3. `mark` at the close, and run the measures along.
4. `decide`: fuse new opinions with risk into weights, size them, and leave orders for the next bar.

Lanes are innermost and each does its own operations in its own order, so its bits are those of a portfolio
alone: a live process calls these functions with one lane. Most bars change nothing for most portfolios, so
`fill` and `decide` skip an instrument for which no lane of the block has something to do. The skip is exact.
"""

import numpy as np

from flotilla.kernel.book import cash_after, drawdown_of, worth
from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.fill import buy_scale, buying_power, fee_of, fill_price
from flotilla.kernel.fuse import fuse, risk_factor
from flotilla.kernel.portfolio import Book, Filled, Flags, Floats, Tally, Terms
from flotilla.kernel.size import order_quantity, target_quantity, whole_lots

ROUNDING = 1.0 + 2.0**-48  # more than three operations can be off


@compiled_apart
def size_at_fill(
    order: Floats,
    position: Floats,
    cash: Floats,
    lot: Floats,
    pending: Flags,
    price: Floats,
    mark: Floats,
    value: Floats,
) -> None:
    """Turn orders that are weights into units at the price of the fill.

    The weight is of what the portfolio is worth at the fill's prices, taken once, before any fill of the bar.
    price, mark: float64[I], NaN in price where nothing trades, mark the last known. value: float64[P], scratch.
    """
    for p in range(value.shape[0]):
        value[p] = cash[p]
    for i in range(position.shape[0]):
        at = mark[i] if np.isnan(price[i]) else price[i]
        for p in range(value.shape[0]):
            value[p] += worth(position[i, p], at)
    for i in range(position.shape[0]):
        if pending[i] and not np.isnan(price[i]):
            for p in range(value.shape[0]):
                order[i, p] = target_quantity(order[i, p], value[p], price[i], lot[p]) - position[i, p]


@compiled_apart
def sell(
    order: Floats,
    position: Floats,
    cash: Floats,
    fee: Floats,
    slippage: Floats,
    need: Floats,
    pending: Flags,
    price: Floats,
    quantity: Floats,
    paid: Floats,
) -> None:
    """Fill the sells, and add up in `need`, float64[P], what the buys would cost."""
    for p in range(need.shape[0]):
        need[p] = 0.0
    for i in range(position.shape[0]):
        if pending[i] and not np.isnan(price[i]):
            for p in range(need.shape[0]):
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
    price: Floats,
    quantity: Floats,
    paid: Floats,
) -> None:
    """Fill the buys, each portfolio's scaled by its one factor, and forget the orders."""
    for i in range(position.shape[0]):
        if pending[i] and not np.isnan(price[i]):
            for p in range(scale.shape[0]):
                asked = quantity[i, p] if quantity[i, p] > 0.0 else 0.0
                cut = whole_lots(asked * scale[p], lot[p])
                bought = cut if scale[p] < 1.0 else asked
                cash[p] = cash_after(cash[p], bought, paid[i, p], fee_of(bought, paid[i, p], fee[p]))
                position[i, p] += bought
                quantity[i, p] = bought if asked > 0.0 else quantity[i, p]
                order[i, p] = np.nan


@compiled_apart
def count(
    fills: Floats,
    traded: Floats,
    fees: Floats,
    fee: Floats,
    pending: Flags,
    price: Floats,
    quantity: Floats,
    paid: Floats,
) -> None:
    """Count the bar's fills, their value and their fees."""
    for i in range(quantity.shape[0]):
        if pending[i] and not np.isnan(price[i]):
            for p in range(fills.shape[0]):
                fills[p] += 1.0 if quantity[i, p] != 0.0 else 0.0
                traded[p] += abs(quantity[i, p] * paid[i, p])
                fees[p] += fee_of(quantity[i, p], paid[i, p], fee[p])


@compiled
def fill(
    book: Book,
    terms: Terms,
    tally: Tally,
    filled: Filled,
    price: Floats,
    mark: Floats,
    at_fill: bool,
    need: Floats,
) -> None:
    """Fill a block's pending orders at `price`: float64[I], NaN where nothing trades, and the order rests.

    mark: float64[I], the last known prices. at_fill: orders are weights, sized now. need: float64[P], scratch.
    """
    pending, quantity, paid = book.pending, filled.quantity, filled.price
    if at_fill:
        size_at_fill(book.order, book.position, book.cash, terms.lot, pending, price, mark, need)
    sell(
        book.order, book.position, book.cash, terms.fee, terms.slippage, need, pending, price, quantity, paid
    )
    scale_buys(book.cash, need, price.shape[0])
    buy(book.order, book.position, book.cash, terms.fee, terms.lot, need, pending, price, quantity, paid)
    count(tally.fills, tally.traded, tally.fees, terms.fee, pending, price, quantity, paid)
    for i in range(price.shape[0]):
        pending[i] = pending[i] and np.isnan(price[i])


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
    invested: Floats,
) -> None:
    """Add the bar to the sums. A return is equity times the inverse of the equity before, less 1."""
    for p in range(equity.shape[0]):
        change = equity[p] * inverse[p] - 1.0
        total[p] += change
        square[p] += change * change
        inverse[p] = 1.0 / equity[p]
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
def halt(equity: Floats, peak: Floats, limit: Floats, halted: Flags) -> bool:
    """Latch the portfolios that have fallen to their drawdown limit. Return whether any is new."""
    new = 0
    for p in range(equity.shape[0]):
        hit = equity[p] <= peak[p] * (1.0 - limit[p])
        new += 1 if hit and not halted[p] else 0
        halted[p] = halted[p] or hit
    return new > 0


@compiled
def mark(book: Book, tally: Tally, prices: Floats) -> None:
    """Value a block at `prices`: float64[I], the last known closes, and run its measures along."""
    value(book.position, book.cash, prices, tally.equity)
    run_along(book.cash, tally.equity, tally.inverse, tally.peak, tally.total, tally.square, tally.invested)
    deepen(tally.equity, tally.peak, tally.drawdown)


@compiled_apart
def any_new(opinions: Floats, heard: Floats, i: int) -> bool:
    """Return whether any lane has an opinion of instrument `i` that differs from the last it heard."""
    new = 0
    for p in range(opinions.shape[1]):
        new += 1 if (opinions[i, p] < heard[i, p] or opinions[i, p] > heard[i, p]) else 0
    return new > 0


@compiled_apart
def weigh(
    i: int,
    opinions: Floats,
    heard: Floats,
    weight: Floats,
    wanted: Floats,
    allocation: Floats,
    cap: Floats,
    tolerance: Floats,
    halted: Flags,
    scale: float,
    limit: float,
    always: bool,
) -> None:
    """Fuse instrument i's opinions with risk; where a weight changed, write it to `wanted`, else NaN."""
    for p in range(wanted.shape[1]):
        heard[i, p] = opinions[i, p] if opinions[i, p] == opinions[i, p] else heard[i, p]
        fused = fuse(heard[i, p], allocation[p], risk_factor(scale, tolerance[p]), min(cap[p], limit))
        fused = 0.0 if halted[p] else fused
        wanted[i, p] = fused if always or fused != weight[i, p] else np.nan
        weight[i, p] = fused


@compiled_apart
def ask(
    i: int,
    wanted: Floats,
    order: Floats,
    position: Floats,
    equity: Floats,
    lot: Floats,
    min_trade: Floats,
    price: float,
) -> None:
    """Turn wanted weights into orders, in units at the close. A lane that wants nothing keeps what rests."""
    for p in range(wanted.shape[1]):
        target = target_quantity(wanted[i, p], equity[p], price, lot[p])
        asked = order_quantity(target, position[i, p], price, min_trade[p])
        order[i, p] = asked if wanted[i, p] == wanted[i, p] else order[i, p]


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
) -> None:
    """Leave a block's orders for the next bar.

    opinions: float64[I, P], NaN for no opinion. scale, limit: float64[I], the risk decisions' scales and caps.
    price: float64[I], the close, NaN where there is none: then nothing is decided for that instrument.
    wanted: float64[I, P], written where an instrument was looked at: the new weight, NaN where it did not change.
    """
    forced = halt(tally.equity, tally.peak, terms.drawdown_limit, book.halted) or every_bar
    for i in range(price.shape[0]):
        if np.isnan(price[i]):
            continue
        risk_same = scale[i] == book.heeded[0, i] and limit[i] == book.heeded[1, i]
        if risk_same and not forced and not any_new(opinions, book.opinion, i):
            continue
        weigh(
            i, opinions, book.opinion, book.weight, wanted,
            terms.allocation, terms.cap, terms.tolerance, book.halted, scale[i], limit[i], every_bar,
        )  # fmt: skip
        if at_fill:
            for p in range(wanted.shape[1]):
                book.order[i, p] = wanted[i, p] if wanted[i, p] == wanted[i, p] else book.order[i, p]
        else:
            ask(i, wanted, book.order, book.position, tally.equity, terms.lot, terms.min_trade, price[i])
        book.heeded[0, i], book.heeded[1, i] = scale[i], limit[i]
        book.pending[i] = True


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

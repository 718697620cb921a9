"""A bar whole is what its two halves do apart, each on a block of its own, as in live."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from flotilla.kernel.bar import bar, exchange_bar, portfolio_bar
from flotilla.kernel.fill import apply_fills
from flotilla.kernel.queue import enqueue
from flotilla.kernel.records import Risk, Row, new_block, new_workspace
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.params import params_of

PRICES = st.sampled_from([np.nan, 9.5, 10.0, 11.25])
SIGNALS = st.sampled_from([np.nan, 0.0, 0.5, 1.0])


def made(**terms):
    return new_block(params_of(PortfolioConfig(**terms), 3), np.ones(3), every_bar=False, at_fill=False)


def rest(order, venue):
    """Let the venue have the portfolio's orders."""
    venue.book.order[:] = order
    venue.book.pending[:] = ~np.isnan(order)
    enqueue(venue.book.pending, venue.book.queue)


@given(
    st.lists(st.tuples(st.tuples(PRICES, PRICES, PRICES), st.tuples(SIGNALS, SIGNALS, SIGNALS)), max_size=12),
    st.sampled_from([{}, {"lot": 7.0}, {"max_drawdown": 0.05}, {"slippage_bps": 30, "allocation": 0.9}]),
)
def test_a_venue_and_a_portfolio_apart_come_to_the_bits_of_both_together(bars, terms):
    whole, venue, own = made(**terms), made(**terms), made(**terms)
    work, venue_work, own_work = new_workspace(3, 1), new_workspace(3, 1), new_workspace(3, 1)
    known, risk = np.zeros(3), Risk(np.ones(3), np.ones(3))

    for prices, signals in bars:
        price, said = np.array(prices), np.array(signals)[:, None]
        mark = np.where(np.isnan(price), known, price)
        row = Row(price, price, known, mark, 0.0)
        bar(whole, row, risk, said, work)

        filled = venue_work.filled
        filled.quantity[:] = 0.0
        exchange_bar(venue, row, venue_work)
        order = [*np.flatnonzero(filled.quantity[:, 0] < 0.0), *np.flatnonzero(filled.quantity[:, 0] > 0.0)]
        fills = [(i, filled.quantity[i, 0], filled.price[i, 0], filled.fee[i, 0]) for i in order]
        apply_fills(own, row, np.array(fills).reshape(-1, 4))
        portfolio_bar(own, row, risk, said, own_work)
        rest(own.book.order, venue)
        known = mark

    for name, array in (whole.book._asdict() | whole.sums._asdict()).items():
        apart = getattr(own.book if hasattr(own.book, name) else own.sums, name)
        if name != "queue":  # beyond its first number it holds what was once written there
            np.testing.assert_array_equal(apart, array, name)
    np.testing.assert_array_equal(venue.book.cash, whole.book.cash)
    np.testing.assert_array_equal(venue.book.position, whole.book.position)

"""Books and measures before the first bar; and that a portfolio does as `reference.py` says."""

from math import isnan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.worlds import FOLDER, configs, worlds

from flotilla.kernel.portfolio import GROUP, Terms, new_book, new_filled, new_tally, uses_of
from flotilla.research import run
from flotilla.research.annual import bars_a_year, years_of

LANES = GROUP + 3
TERMS = Terms(*(np.linspace(1.0, 2.0, LANES) for _ in Terms._fields))


def test_a_new_book_owns_its_starting_cash_and_nothing_else():
    book = new_book(TERMS, 4)

    assert book.cash.tolist() == TERMS.start.tolist()
    assert book.position.shape == (4, LANES)
    assert not book.position.any()
    assert np.isnan(book.order).all()
    assert not book.pending.any()
    assert book.queue[0] == 0
    assert not book.halted.any()


def test_a_book_is_not_the_terms_that_it_was_made_of():
    book = new_book(TERMS, 4)

    book.cash[0] = 0.0

    assert TERMS.start[0] == 1.0


def test_new_measures_begin_at_the_starting_cash():
    tally = new_tally(TERMS)

    assert tally.equity.tolist() == tally.peak.tolist() == TERMS.start.tolist()
    assert tally.inverse.tolist() == (1.0 / TERMS.start).tolist()
    assert not any(getattr(tally, name).any() for name in ("drawdown", "total", "fills", "traded", "fees"))


def test_there_is_room_for_every_group_in_the_queue():
    assert len(new_book(TERMS, 4).queue) == 1 + 4 * 2
    assert new_filled(4, LANES).quantity.shape == (4, LANES)


def test_one_portfolio_of_whole_lots_or_with_a_limit_is_enough_for_a_block():
    none = TERMS._replace(lot=np.zeros(LANES), drawdown_limit=np.full(LANES, np.inf), band=np.zeros(LANES))

    assert uses_of(none) == (False, False, False)
    assert uses_of(none._replace(lot=np.arange(LANES) * 1.0)) == (True, False, False)
    assert uses_of(none._replace(band=np.arange(LANES) * 0.01)) == (False, False, True)
    limits = np.where(np.arange(LANES) == 7, 0.2, np.inf)
    assert uses_of(none._replace(drawdown_limit=limits)) == (False, True, False)


def same(a, b):
    return a == b or (isnan(a) and isnan(b))


@given(st.data())
def test_a_portfolio_does_as_the_reference_says_in_every_bit(data):
    world = data.draw(worlds())
    config = data.draw(configs(world))

    ours = run(config, panel=world.panel, folder=FOLDER)

    reference = world.simulated(config)
    first = int(ours.bars[0])
    assert ours.equity.tolist() == reference.equities
    assert ours.cash.tolist() == reference.cashes
    assert ours.positions.tolist() == [list(p.values()) for p in reference.positions]
    assert ours.weights.tolist() == [list(w.values()) for w in reference.weights]
    assert [(f.bar - first, f.instrument, f.quantity, f.price, f.fee) for f in ours.fills] == reference.fills
    expected = reference.measures(years_of(ours.ts), bars_a_year(world.panel.ts_event))
    assert {n for n, v in ours.measures.items() if not same(v, expected[n])} == set()

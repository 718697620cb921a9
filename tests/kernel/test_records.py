"""Books and measures before the first bar; and that a portfolio does as `reference.py` says."""

from math import isnan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.worlds import FOLDER, configs, worlds

from flotilla.kernel.records import GROUP, PARAM, Param, mode_of, new_block, new_workspace
from flotilla.research import run
from flotilla.research.annual import bars_a_year, years_of

LANES = GROUP + 3
PARAMS = np.tile(np.linspace(1.0, 2.0, LANES), (len(Param._fields), 1))
CASH = PARAMS[PARAM.cash].tolist()


def made():
    return new_block(PARAMS, np.ones(4), every_bar=False, at_fill=False)


def test_a_new_block_owns_its_starting_cash_and_nothing_else():
    book = made().book

    assert book.cash.tolist() == CASH
    assert book.position.shape == (4, LANES)
    assert not book.position.any()
    assert np.isnan(book.order).all()
    assert not book.pending.any()
    assert book.queue[0] == 0
    assert not book.halted.any()


def test_a_block_does_not_write_to_the_parameters_that_it_was_made_of():
    block = made()

    block.book.cash[0] = block.sums.equity[0] = block.sums.peak[0] = 0.0

    assert block.params[PARAM.cash, 0] == 1.0


def test_new_measures_begin_at_the_starting_cash():
    sums = made().sums

    assert sums.equity.tolist() == sums.peak.tolist() == CASH
    assert sums.inverse.tolist() == [1.0 / cash for cash in CASH]
    assert not any(getattr(sums, name).any() for name in ("drawdown", "total", "fills", "traded", "fees"))


def test_there_is_room_for_every_group():
    assert len(made().book.queue) == len(new_workspace(4, LANES).dirty) == 1 + 4 * 2
    assert new_workspace(4, LANES).filled.quantity.shape == (4, LANES)


def test_one_portfolio_of_whole_lots_or_with_a_limit_is_enough_for_a_block():
    def used(**changed):
        params = PARAMS.copy()
        none = {"lot": 0.0, "max_drawdown": np.inf, "band": 0.0}
        for name, values in (none | changed).items():
            params[getattr(PARAM, name)] = values
        return mode_of(params, every_bar=True, at_fill=False)

    assert used() == (True, False, False, False, False)
    assert used(lot=np.arange(LANES) * 1.0) == (True, False, True, False, False)
    assert used(max_drawdown=np.where(np.arange(LANES) == 7, 0.2, np.inf)) == (
        True,
        False,
        False,
        True,
        False,
    )
    assert used(band=np.arange(LANES) * 0.01) == (True, False, False, False, True)


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

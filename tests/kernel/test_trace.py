"""What is noted for whoever asks why; and that nobody else pays for it."""

import numpy as np
import pytest
from tests.kernel.worlds import bar_of

from flotilla.kernel.bar import bar
from flotilla.kernel.records import Risk, new_block, new_workspace
from flotilla.kernel.trace import is_traced
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.params import params_of

SIGNALS = np.array([[0.5], [1.0]])
RISK = Risk(np.array([0.5, 1.0]), np.array([1.0, 0.3]))


def made():
    params = params_of(PortfolioConfig(cash=1000.0, fee_bps=0.0, allocation=0.8), 2)
    return new_block(params, np.ones(2), every_bar=False, at_fill=False)


def test_a_weight_is_noted_with_all_that_it_came_of():
    block, work = made(), new_workspace(2, 1, traced=True)

    bar(block, bar_of([10.0, 10.0]), RISK, SIGNALS, work)

    trace = work.trace
    assert trace.before.tolist() == [[0.0], [0.0]]
    assert trace.signal.tolist() == [[0.5], [1.0]]
    assert trace.unrestrained.tolist() == [[0.4], [0.8]]
    assert trace.factor.tolist() == [[0.5], [1.0]]
    assert trace.cap.tolist() == [[1.0], [0.3]]
    assert trace.weight.tolist() == block.book.weight.tolist() == [[0.2], [0.3]]


def test_a_buy_is_noted_as_it_was_asked_for_with_the_cash_for_it():
    block, work = made(), new_workspace(2, 1, traced=True)
    bar(block, bar_of([10.0, 10.0]), RISK, SIGNALS, work)

    bar(block, bar_of([40.0, 40.0]), RISK, SIGNALS, work)  # 20 and 30 units, of which the cash buys half

    assert work.trace.asked.tolist() == [[20.0], [30.0]]
    assert (work.trace.cost[0], work.trace.cash[0]) == (2000.0, 1000.0)
    assert work.trace.held.sum() == pytest.approx(1.0, rel=1e-14)  # cut, so a hair of the cash is left


def test_what_is_traced_comes_to_the_same_bits():
    quiet, told = made(), made()
    works = new_workspace(2, 1), new_workspace(2, 1, traced=True)

    for price in ([10.0, 11.0], [40.0, np.nan], [9.0, 12.0]):
        for block, work in zip((quiet, told), works, strict=True):
            bar(block, bar_of(price, known=[10.0, 10.0]), RISK, SIGNALS * price[0] / 40.0, work)

    assert [is_traced(work) for work in works] == [False, True]
    for name in ("cash", "position", "order", "weight", "last_signal"):
        np.testing.assert_array_equal(getattr(quiet.book, name), getattr(told.book, name))

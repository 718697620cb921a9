"""What a portfolio is worth at a close, and the sums that its measures are made of."""

from math import nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.worlds import bar_of, by_hand

from flotilla.kernel.mark import carry, mark
from flotilla.kernel.records import Param, new_block

ONE = np.ones((len(Param._fields), 1))


def marked(prices):
    """Return the measures of a portfolio with one unit and one in cash, after these closes."""
    block = new_block(ONE, np.ones(1), every_bar=False, at_fill=False)
    block.book.position[0, 0] = 1.0
    for price in prices:
        mark(block, bar_of([price]))
    return block.sums


def test_the_mark_of_what_does_not_trade_is_its_last_known_close():
    result = by_hand([[10.0], [12.0], [nan], [11.0]], [[1.0]] * 4)

    assert result.equity.tolist() == [1000.0, 1000.0, 1000.0, 950.0]


def test_the_last_known_close_is_carried_along_and_before_the_first_it_is_nothing():
    last, marks = np.zeros(2), np.empty((3, 2))

    carry(last, np.array([[nan, 5.0], [7.0, nan], [nan, nan]]), marks)

    assert marks.tolist() == [[0.0, 5.0], [7.0, 5.0], [7.0, 5.0]]
    assert last.tolist() == [7.0, 5.0]


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=40))
def test_the_deepest_fall_is_of_all_bars_to_the_last_bit(prices):
    sums, equity = marked(prices), [1.0 + price for price in prices]

    peak = np.maximum.accumulate([1.0, *equity])[1:]
    assert sums.drawdown[0] == max(0.0, *(1.0 - equity / peak))
    assert sums.peak[0] == peak[-1]


def test_returns_run_along_as_a_sum_and_a_sum_of_squares():
    sums = marked([1.0, 3.0, 1.0])  # worth 2, 4 and 2, from 1 at the start

    assert sums.total[0] == 1.0 + 1.0 - 0.5
    assert sums.square[0] == 1.0 + 1.0 + 0.25
    assert sums.held[0] == 8.0
    assert sums.invested[0] == 0.5 + 0.75 + 0.5

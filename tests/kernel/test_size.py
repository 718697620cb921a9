"""From a weight to a quantity."""

from decimal import Decimal
from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.kernel.size import lots_within, nearest_lots, order_quantity, target_quantity, whole_lots
from flotilla.portfolio.params import lots_of


@pytest.mark.parametrize(
    ("quantity", "lot", "whole"),
    [
        (17.9, 5.0, 15.0), (-17.9, 5.0, -15.0), (4.9, 5.0, 0.0), (15.0, 5.0, 15.0), (17.9, 0.0, 17.9),
        (0.3, 0.1, 0.3), (0.35, 0.1, 0.3), (0.007, 0.001, 0.007), (0.29, 0.01, 0.29), (1.1, 0.1, 1.1),
        (0.1 + 0.2, 0.1, 0.3), (0.57 * 100.0, 1.0, 57.0), (56.999, 1.0, 56.0),
        (0.123456789, 1e-8, 0.12345678), (1e15 + 0.3, 0.1, 1e15 + 0.2), (0.9, 1e12, 0.0), (7.6, 2.5, 7.5),
    ],
)  # fmt: skip
def test_lots_round_toward_zero(quantity, lot, whole):
    assert whole_lots(quantity, *one(lot)) == whole


LOTS = [1.0, 3.0, 100.0, 1e-3, 0.1, 0.025, 1e-5, 1e-8, 2.5, 0.3, 1 / 3]


@given(st.floats(-1e9, 1e9), st.sampled_from(LOTS))
def test_whole_lots_are_the_float_nearest_to_a_whole_number_of_them(quantity, lot):
    whole = whole_lots(quantity, *one(lot))

    lots = round(Decimal(whole) / Decimal(repr(lot)))
    assert whole == pytest.approx(float(lots * Decimal(repr(lot))), rel=0 if lot != 1 / 3 else 1e-15, abs=0)
    assert abs(whole) <= abs(quantity) * (1.0 + 2.0**-43)
    assert abs(quantity - whole) < lot * (1.0 + 2.0**-40) + abs(quantity) * 2.0**-43


@given(st.floats(0.0, 1e6), st.sampled_from(LOTS[:-1]))
def test_what_cash_buys_is_not_above_it_by_a_bit_and_one_lot_more_would_be(quantity, lot):
    bought, step = lots_within(quantity, *one(lot)), Decimal(repr(lot))

    lots = round(Decimal(bought) / step)
    assert bought == float(lots * step) <= quantity < float((lots + 1) * step)


@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=50), st.sampled_from(LOTS[:-1]))
def test_a_sum_of_lots_is_what_a_decimal_says(lots, lot):
    step, held, total = Decimal(repr(lot)), 0.0, 0
    for count in lots:
        held, total = nearest_lots(held + float(count * step), *one(lot)), total + count

    assert held == float(total * step)
    assert nearest_lots(held - held, *one(lot)) == 0.0  # all of it can be sold


def one(lot):
    return [float(column[0]) for column in lots_of(np.array([lot]))]


def test_a_weight_is_of_equity_at_a_price():
    assert target_quantity(0.25, 1000.0, 10.0) == 25.0


def test_an_order_is_what_is_missing_to_the_target():
    assert order_quantity(25.0, 10.0, 10.0, 0.0) == 15.0
    assert order_quantity(0.0, 10.0, 10.0, 0.0) == -10.0


def test_nothing_and_too_little_are_no_orders():
    assert isnan(order_quantity(25.0, 25.0, 10.0, 0.0))
    assert isnan(order_quantity(25.0, 20.0, 10.0, 50.01))
    assert order_quantity(25.0, 20.0, 10.0, 50.0) == 5.0  # worth exactly as much as it must be
    assert isnan(order_quantity(20.0, 25.0, 10.0, 50.01))


def test_all_that_is_held_can_be_sold_however_little_it_is_worth():
    assert order_quantity(0.0, 25.0, 10.0, 1e6) == -25.0
    assert isnan(order_quantity(0.0, 0.0, 10.0, 1e6))

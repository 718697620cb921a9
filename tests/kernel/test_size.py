"""From a weight to a quantity."""

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.kernel.size import order_quantity, target_quantity, whole_lots


@pytest.mark.parametrize(
    ("quantity", "lot", "whole"),
    [(17.9, 5.0, 15.0), (-17.9, 5.0, -15.0), (4.9, 5.0, 0.0), (15.0, 5.0, 15.0), (17.9, 0.0, 17.9)],
)
def test_lots_round_toward_zero(quantity, lot, whole):
    assert whole_lots(quantity, lot) == whole


@given(st.floats(-1e12, 1e12), st.sampled_from([1.0, 3.0, 100.0, 1e-3]))
def test_whole_lots_are_never_more_than_was_asked(quantity, lot):
    whole = whole_lots(quantity, lot)

    assert abs(whole) <= abs(quantity) * (1.0 + 2.0**-52)
    assert abs(quantity - whole) <= lot * (1.0 + 2.0**-40) + abs(quantity) * 2.0**-52


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

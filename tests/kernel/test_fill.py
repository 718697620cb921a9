"""What a market order gets, and how the buys share the cash."""

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.kernel.worlds import by_hand

from flotilla.kernel.book import cash_after
from flotilla.kernel.fill import EPSILON, buy_scale, fee_of, fill_price

MONEY = st.floats(1e-3, 1e12)


def test_slippage_is_against_the_order():
    assert fill_price(100.0, 5.0, 0.01) == 101.0
    assert fill_price(100.0, -5.0, 0.01) == 99.0


def test_a_fee_is_of_what_is_traded_whichever_way():
    assert fee_of(10.0, 50.0, 0.001) == 0.5
    assert fee_of(-10.0, 50.0, 0.001) == 0.5


def test_buys_that_can_be_paid_are_not_scaled():
    assert buy_scale(0.0, 100.0, 0) == 1.0
    assert buy_scale(100.0, 100.0, 0) == 1.0
    assert buy_scale(400.0, 100.0, 0) == 100.0 * (1.0 - 8 * EPSILON) / 400.0
    assert buy_scale(400.0, 0.0, 0) == 0.0


def test_what_rounding_left_of_the_cash_buys_nothing():
    assert buy_scale(1e6, 1e-9, 0) == 0.0
    assert buy_scale(1e6, 1.0, 0) == (1.0 - 8 * EPSILON) / 1e6


@given(MONEY, st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=60), st.floats(0.0, 0.1))
def test_buys_scaled_to_the_cash_never_cost_more_than_there_is(cash, asked, fee):
    need = 0.0
    for quantity, price in asked:
        need += quantity * price + fee_of(quantity, price, fee)

    scale = buy_scale(need, cash, len(asked))

    left = cash
    for quantity, price in asked:
        bought = quantity * scale if scale < 1.0 else quantity
        left = cash_after(left, bought, price, fee_of(bought, price, fee))
    assert left >= -(len(asked) + 8) * EPSILON * cash
    assert scale == 1.0 or left <= cash * 1e-12 or (left == cash and cash < need * 1e-9)


def units(result, i=0):
    return result.positions[:, i].tolist()


def test_what_is_decided_at_a_close_fills_on_the_next_bar():
    result = by_hand([[10.0], [20.0], [20.0]], [[1.0], [1.0], [1.0]], allocation=0.4)

    assert units(result) == [0.0, 40.0, 40.0]  # 400 at the close of 10 ...
    assert result.cash.tolist() == [1000.0, 200.0, 200.0]  # ... and each costs 20


def test_the_quantity_is_fixed_at_the_decision_or_at_the_fill_as_one_chooses():
    close, told = [[10.0], [20.0], [20.0]], [[1.0], [1.0], [1.0]]

    assert units(by_hand(close, told, allocation=0.2)) == [0.0, 20.0, 20.0]
    assert units(by_hand(close, told, allocation=0.2, size_at="fill")) == [0.0, 10.0, 10.0]


def test_orders_fill_at_the_open_where_there_is_one():
    opened = by_hand([[10.0], [40.0]], [[1.0], [1.0]], opens=[[9.0], [20.0]], allocation=0.2)

    assert [(f.price, f.quantity) for f in opened.fills] == [(20.0, 20.0)]
    assert opened.equity.tolist() == [1000.0, 600.0 + 20.0 * 40.0]


def test_sells_pay_for_the_buys_of_the_same_bar():
    result = by_hand([[10.0, 10.0]] * 3, [[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]], allocation=1.0)

    assert result.positions[-1].tolist()[0] == 0.0
    assert result.positions[-1].tolist()[1] == pytest.approx(100.0, rel=1e-14)


def test_buys_that_cost_more_than_the_cash_are_scaled_down_together():
    result = by_hand([[10.0, 10.0]] * 2, [[1.0, 0.5], [1.0, 0.5]], allocation=1.0, fee_bps=100.0)

    first, second = result.positions[-1].tolist()
    assert first == 2.0 * second
    assert 0.0 <= result.cash[-1] < 1e-9
    assert first * 10.0 * 1.01 + second * 10.0 * 1.01 == pytest.approx(1000.0, rel=1e-13)


def test_fees_and_slippage_are_against_us_on_both_sides():
    result = by_hand([[10.0]] * 3, [[1.0], [0.0], [0.0]], fee_bps=100.0, slippage_bps=1000.0, allocation=0.5)

    assert [f.price for f in result.fills] == [11.0, 9.0]
    assert [f.fee for f in result.fills] == [50.0 * 11.0 * 0.01, 50.0 * 9.0 * 0.01]
    assert result.cash[-1] == 1000.0 - 550.0 - 5.5 + 450.0 - 4.5


def test_without_a_price_nothing_fills_and_the_order_rests():
    result = by_hand([[10.0], [nan], [nan], [10.0]], [[1.0], [1.0], [1.0], [1.0]])

    assert units(result) == [0.0, 0.0, 0.0, 50.0]
    assert [(o.bar, o.quantity) for o in result.orders] == [(0, 50.0)]


def test_sizing_at_the_open_knows_no_close_of_that_bar():
    # On the last bar the first instrument does not open, and closes at 40: nobody knows that at the open.
    close, told = [[10.0, 10.0], [10.0, 10.0], [40.0, 10.0]], [[1.0, 0.0], [1.0, 1.0], [1.0, 1.0]]

    result = by_hand(close, told, opens=[[10.0, 10.0], [10.0, 10.0], [nan, 10.0]], size_at="fill")

    assert result.positions[-1].tolist() == [50.0, 50.0]

"""What a market order gets, and why cash never ends below zero."""

from hypothesis import given
from hypothesis import strategies as st

from flotilla.kernel.book import cash_after
from flotilla.kernel.fill import buy_scale, buying_power, fee_of, fill_price

MONEY = st.floats(1e-3, 1e12)


def test_slippage_is_against_the_order():
    assert fill_price(100.0, 5.0, 0.01) == 101.0
    assert fill_price(100.0, -5.0, 0.01) == 99.0


def test_a_fee_is_of_what_is_traded_whichever_way():
    assert fee_of(10.0, 50.0, 0.001) == 0.5
    assert fee_of(-10.0, 50.0, 0.001) == 0.5


def test_buys_that_can_be_paid_are_not_scaled():
    assert buy_scale(0.0, 100.0) == 1.0
    assert buy_scale(100.0, 100.0) == 1.0
    assert buy_scale(400.0, 100.0) == 0.25
    assert buy_scale(400.0, 0.0) == 0.0


@given(MONEY, st.lists(st.tuples(MONEY, MONEY), min_size=1, max_size=60), st.floats(0.0, 0.1))
def test_buys_scaled_to_the_cash_never_cost_more_than_there_is(cash, asked, fee):
    need = 0.0
    for quantity, price in asked:
        need += quantity * price + fee_of(quantity, price, fee)

    scale = buy_scale(need, buying_power(cash, len(asked)))

    left = cash
    for quantity, price in asked:
        bought = quantity * scale if scale < 1.0 else quantity
        left = cash_after(left, bought, price, fee_of(bought, price, fee))
    assert left >= 0.0
    assert scale == 1.0 or left <= cash * 1e-12

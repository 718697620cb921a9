"""The past that is told from fills is the one that was simulated, to the bit."""

import msgspec
import numpy as np
import pytest

from flotilla.config import decode
from flotilla.portfolio.params import params_of
from flotilla.research import run
from flotilla.research.past import filling_bar, past_of
from flotilla.testing import made_market


def simulated(**portfolio):
    strategies = {
        "cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 8}},
        "back": {"kind": "rsi_reversion", "params": {"n": 5}},
    }
    config = decode({"name": "study", "strategies": strategies, "portfolio": portfolio})
    return run(config, panel=made_market(seed=21, bars=150, instruments=4))


def told(result, bar):
    params = params_of(result.config.portfolio, len(result.panel.instruments))
    return past_of(result.market, params, result.orders, result.fills, bar)


@pytest.mark.parametrize(
    "terms",
    [{}, {"start": "2000-02-10"}, {"size_at": "fill", "allocation": 0.8}, {"slippage_bps": 10}],
    ids=str,
)
def test_cash_positions_and_equity_are_the_bits_that_were_simulated(terms):
    result = simulated(**terms)

    past = told(result, int(result.bars[-1]))

    np.testing.assert_array_equal(past.cash, result.cash)
    np.testing.assert_array_equal(past.position, result.positions)
    np.testing.assert_array_equal(past.equity(), result.equity)


def test_a_past_ends_where_it_is_told_to():
    result = simulated()

    past = told(result, 60)

    np.testing.assert_array_equal(past.equity(), result.equity[:61])


def test_without_a_limit_none_is_hit_and_before_it_is_hit_neither():
    assert told(simulated(), 149).latch(149) is None
    result = simulated(max_drawdown=0.02)
    hit = told(result, 149).latch(149)

    assert hit is not None
    assert told(result, 149).latch(hit.bar - 1) is None
    assert told(result, 149).latch(hit.bar) == hit


def test_an_order_fills_on_the_next_bar_that_has_a_price():
    market = simulated().market
    fill = market.fill

    for i in range(fill.shape[1]):
        for bar in range(0, 140, 7):
            found = filling_bar(market, bar, i)
            assert np.isnan(fill[bar + 1 : found, i]).all()
            assert not np.isnan(fill[found, i])
    assert filling_bar(market, len(fill) - 1, 0) is None


def test_a_sell_is_no_purchase_and_neither_is_what_was_replaced():
    result = simulated(allocation=0.9)
    past = told(result, 148)
    sells = {fill.order_id for fill in result.fills if fill.quantity < 0}

    assert sells
    assert all(past.purchase(o) is None for o in result.orders if o.order_id in sells and o.bar < 148)
    order = next(o for o in result.orders if past.purchase(o))
    later = msgspec.structs.replace(order, order_id="later", quantity=0.0)
    replaced = past._replace(orders=[*(o for o in result.orders if o != order), order, later])
    assert replaced.purchase(order) is None

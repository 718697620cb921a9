"""One portfolio through all rows: what it says of itself fits together."""

from math import isnan

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.worlds import FOLDER, configs, worlds

from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.market import market_of
from flotilla.portfolio.simulate import simulate
from flotilla.research import run
from flotilla.testing import made_market


@settings(max_examples=40)
@given(st.data())
def test_orders_and_fills_are_of_each_other_and_of_signals_that_were_said(data):
    world = data.draw(worlds())
    result = run(data.draw(configs(world)), panel=world.panel, folder=FOLDER)
    orders = {order.order_id: order for order in result.orders}

    assert len(orders) == len(result.orders)
    for fill in result.fills:
        order = orders[fill.order_id]
        assert (order.instrument, order.portfolio_id) == (fill.instrument, fill.portfolio_id)
        assert order.bar < fill.bar
    for order in result.orders:
        i = world.panel.instruments.index(order.instrument)
        for signal in order.signal_ids:
            strategy, bar, instrument = signal.split("-")
            said = result.signals[strategy][int(bar) - int(result.bars[0]), i]
            assert instrument == order.instrument
            assert int(bar) <= order.bar
            assert not isnan(said)


def test_it_begins_with_the_markets_first_row_and_in_cash():
    panel = made_market(bars=30, instruments=2)
    market = market_of(panel, panel.fields, 10, PortfolioConfig(cash=500.0), None)

    done = simulate(market, "p", PortfolioConfig(cash=500.0), {"s": 1.0}, {"s": np.ones(panel.shape)})

    assert done.bars.tolist() == list(range(10, 30))
    assert (done.equity[0], done.cash[0], done.positions[0].tolist()) == (500.0, 500.0, [0.0, 0.0])
    assert {order.bar for order in done.orders} == {10}
    assert {fill.bar for fill in done.fills} == {11}
    assert done.sums.equity[0] == done.equity[-1]

"""One portfolio and its exchange: what a live process runs, and what it goes on from after it was killed."""

from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernel.worlds import FOLDER, bar_of, by_hand, configs, worlds

from flotilla.kernel.records import Risk
from flotilla.model.records import Order
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.market import InForce, no_risk
from flotilla.portfolio.single import Exchange, Moment, Portfolio
from flotilla.research import run
from flotilla.stream.arrays import decode_arrays, encode_arrays

TERMS = {"cash": 1000.0, "fee_bps": 0.0, "allocation": 0.5}
NAMES = ("A", "B")
ONE = np.ones(2)


class Pair:
    """A portfolio and its exchange, each of which may be killed and started again from what it wrote down."""

    def __init__(self, config, instruments):
        self.config, self.instruments = config, instruments
        self.start()

    def start(self):
        config, names = self.config, self.instruments
        self.exchange = Exchange(config.name, config.portfolio, names)
        self.portfolio = Portfolio(config.name, config.portfolio, names, config.weights)

    def restart(self):
        """Go on in new objects, from bytes."""
        kept = encode_arrays([self.exchange.state(), self.portfolio.state()])
        self.start()
        for part, state in zip((self.exchange, self.portfolio), decode_arrays(kept), strict=True):
            part.restore(state)


@settings(max_examples=60)
@given(st.data())
def test_from_what_it_wrote_down_a_portfolio_goes_on_with_the_same_bits(data):
    world = data.draw(worlds())
    config = data.draw(configs(world))
    whole = run(config, panel=world.panel, folder=FOLDER)
    market, names = whole.market, world.panel.instruments
    restarts = data.draw(st.sets(st.sampled_from(whole.bars.tolist())))

    pair, orders, fills, equity = Pair(config, names), [], [], []
    for k, t in enumerate(whole.bars.tolist()):
        if t in restarts:
            pair.restart()
        moment, row = Moment(t, int(world.panel.ts_event[t])), market.row(t)
        filled = pair.exchange.fill(moment, row)
        pair.portfolio.apply_fills(filled, row)
        signals = np.stack([said[k] for said in whole.signals.values()])
        asked = pair.portfolio.advance(moment, row, signals, market.in_force(t))
        equity.append(float(pair.portfolio.sums.equity[0]))
        pair.exchange.accept(asked)
        fills, orders = fills + filled, orders + asked

    assert equity == whole.equity.tolist()
    assert [repr(order) for order in orders] == [repr(order) for order in whole.orders]
    assert [repr(fill) for fill in fills] == [repr(fill) for fill in whole.fills]


def exchange():
    return Exchange("p", PortfolioConfig(**TERMS), NAMES)


def portfolio():
    return Portfolio("p", PortfolioConfig(**TERMS), NAMES, {"s": 1.0})


def order(quantity, bar=0, instrument="A"):
    return Order(f"p-{bar:08d}-{instrument}-0", "p", instrument, bar, bar, quantity, 0.5, "decision")


def test_an_order_rests_until_there_is_a_price():
    venue = exchange()
    venue.accept([order(10.0)])

    assert venue.fill(Moment(1, 1), bar_of([nan, 5.0], known=ONE)) == []
    filled = venue.fill(Moment(2, 2), bar_of([4.0, 5.0], known=ONE))

    assert [(f.order_id, f.fill_id, f.quantity, f.price) for f in filled] == [
        ("p-00000000-A-0", "p-00000000-A-0-f0", 10.0, 4.0)
    ]
    assert venue.fill(Moment(3, 3), bar_of([4.0, 5.0], known=ONE)) == []


def test_a_later_order_replaces_what_rests():
    venue = exchange()
    venue.accept([order(10.0)])
    venue.accept([order(3.0, bar=1)])

    filled = venue.fill(Moment(2, 2), bar_of([4.0, 5.0], known=ONE))

    assert [(f.order_id, f.quantity) for f in filled] == [("p-00000001-A-0", 3.0)]


def test_an_order_for_nothing_cancels_what_rests():
    venue = exchange()
    venue.accept([order(10.0), order(2.0, instrument="B")])
    venue.accept([order(0.0, bar=1)])

    filled = venue.fill(Moment(2, 2), bar_of([4.0, 5.0], known=ONE))

    assert [f.instrument for f in filled] == ["B"]


def test_sells_are_filled_before_buys():
    venue = exchange()
    venue.accept([order(10.0, instrument="B")])
    venue.fill(Moment(1, 1), bar_of(ONE))
    venue.accept([order(10.0), order(-10.0, instrument="B")])

    filled = venue.fill(Moment(2, 2), bar_of(ONE))

    assert [(f.instrument, f.quantity) for f in filled] == [("B", -10.0), ("A", 10.0)]


def test_the_exchange_gives_no_credit():
    venue = exchange()
    venue.accept([order(2000.0)])

    filled = venue.fill(Moment(1, 1), bar_of(ONE))

    assert filled[0].quantity == pytest.approx(1000.0, rel=1e-13)
    assert filled[0].quantity <= 1000.0


def test_an_order_names_the_bars_that_its_signals_were_said_on():
    one = portfolio()
    one.advance(Moment(7, 70), bar_of(ONE), np.array([[nan, 0.5]]), no_risk(2))

    asked = one.advance(Moment(9, 90), bar_of(ONE), np.array([[1.0, nan]]), no_risk(2))

    assert [(o.order_id, o.ts_event, o.signal_ids) for o in asked] == [
        ("p-00000009-A-0", 90, ("s-00000009-A",))
    ]


def test_an_order_names_the_decisions_that_stood():
    one = portfolio()
    risk = InForce(Risk(np.array([0.5, 1.0]), ONE), [("var-00000003-*",), ()])

    asked = one.advance(Moment(0, 0), bar_of(ONE), np.array([[1.0, 1.0]]), risk)

    assert [(o.quantity, o.decision_ids) for o in asked] == [(250.0, ("var-00000003-*",)), (500.0, ())]


def test_what_it_asked_for_before_is_not_asked_again():
    one = portfolio()

    first = one.advance(Moment(0, 0), bar_of(ONE), np.array([[1.0, nan]]), no_risk(2))
    second = one.advance(Moment(1, 1), bar_of(ONE), np.array([[1.0, nan]]), no_risk(2))

    assert [len(first), len(second)] == [1, 0]


def test_a_weight_says_for_itself_where_it_is_sized_at_the_fill():
    orders = by_hand([[10.0], [10.0]], [[1.0], [1.0]], size_at="fill").orders

    assert isnan(orders[0].quantity)
    assert orders[0].weight == 0.5


def test_a_state_is_of_its_moment_and_does_not_move_on():
    one = portfolio()
    kept = encode_arrays(one.state())
    held = one.state()

    one.advance(Moment(0, 0), bar_of(ONE), np.array([[1.0, 1.0]]), no_risk(2))

    assert encode_arrays(held) == kept
    assert encode_arrays(one.state()) != kept

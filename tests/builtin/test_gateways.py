"""The paper broker fills as research does, and remembers over a crash."""

import msgspec
import numpy as np

from flotilla.builtin.gateways.paper import Paper
from flotilla.config import PortfolioConfig
from flotilla.model.records import Order
from flotilla.stage.single import Moment
from flotilla.stage.terms import terms_of
from flotilla.stream.arrays import decode, encode

TERMS = terms_of(msgspec.structs.asdict(PortfolioConfig(cash=1_000.0, fee_bps=100.0)), 2, 1)


def paper() -> Paper:
    return Paper({"one": TERMS, "two": TERMS}, ("A", "B"), "decision")


def order(portfolio: str, instrument: str, quantity: float) -> Order:
    return Order(f"{portfolio}-{instrument}", portfolio, instrument, 0, 0, quantity, 0.5, "decision")


def test_orders_fill_at_the_next_bar_each_for_its_own_account():
    broker = paper()
    broker.accept("one", [order("one", "A", 4.0)])
    broker.accept("two", [order("two", "B", 2.0)])
    price = np.array([100.0, 50.0])

    (one,) = broker.fill("one", Moment(1, 11), price, price)
    (two,) = broker.fill("two", Moment(1, 11), price, price)

    assert (one.instrument, one.quantity, one.price, one.fee, one.bar) == ("A", 4.0, 100.0, 4.0, 1)
    assert (two.fill_id, two.order_id, two.quantity) == ("two-B-f0", "two-B", 2.0)
    assert broker.fill("one", Moment(2, 12), price, price) == []


def test_an_order_rests_while_nothing_trades():
    broker = paper()
    broker.accept("one", [order("one", "A", 4.0)])
    closed, open_ = np.array([np.nan, 50.0]), np.array([100.0, 50.0])

    assert broker.fill("one", Moment(1, 11), closed, open_) == []
    assert len(broker.fill("one", Moment(2, 12), open_, open_)) == 1


def test_a_broker_that_died_goes_on_from_its_state():
    broker, again = paper(), paper()
    broker.accept("one", [order("one", "A", 9.5)])
    price = np.array([100.0, 50.0])

    again.restore(decode(encode(broker.state())))

    assert again.fill("one", Moment(1, 11), price, price) == broker.fill("one", Moment(1, 11), price, price)
    assert encode(again.state()) == encode(broker.state())

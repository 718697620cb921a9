"""The paper broker fills as research does, and remembers over a crash."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tests.kernel.worlds import bar_of

from flotilla.builtin.gateways.paper import Paper
from flotilla.errors import OrderRejected
from flotilla.model.records import Order
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.single import Moment
from flotilla.stream.arrays import decode, encode

TERMS = PortfolioConfig(cash=1_000.0, fee_bps=100.0)


BAR = bar_of([100.0, 50.0])


def paper(journal: Path | None = None) -> Paper:
    return Paper({"one": TERMS, "two": TERMS}, ("A", "B"), journal)


def order(portfolio: str, instrument: str, quantity: float, bar: int = 0) -> Order:
    return Order(f"{portfolio}-{instrument}", portfolio, instrument, 0, bar, quantity, 0.5, "decision")


def test_orders_fill_at_the_next_bar_each_for_its_own_account():
    broker = paper()
    broker.accept("one", [order("one", "A", 4.0)])
    broker.accept("two", [order("two", "B", 2.0)])

    (one,) = broker.fill("one", Moment(1, 11), BAR)
    (two,) = broker.fill("two", Moment(1, 11), BAR)

    assert (one.instrument, one.quantity, one.price, one.fee, one.bar) == ("A", 4.0, 100.0, 4.0, 1)
    assert (two.fill_id, two.order_id, two.quantity) == ("two-B-f0", "two-B", 2.0)
    assert broker.fill("one", Moment(2, 12), BAR) == []


def test_an_order_rests_while_nothing_trades():
    broker = paper()
    broker.accept("one", [order("one", "A", 4.0)])
    closed = bar_of([np.nan, 50.0], known=[100.0, 50.0])

    assert broker.fill("one", Moment(1, 11), closed) == []
    assert len(broker.fill("one", Moment(2, 12), BAR)) == 1


def test_a_broker_that_died_goes_on_from_its_state():
    broker, again = paper(), paper()
    broker.accept("one", [order("one", "A", 9.5)])

    again.restore(decode(encode(broker.state())))

    assert again.fill("one", Moment(1, 11), BAR) == broker.fill("one", Moment(1, 11), BAR)
    assert encode(again.state()) == encode(broker.state())


def test_an_order_that_is_sent_again_is_refused():
    broker = paper()
    broker.accept("one", [order("one", "A", 4.0)])

    with pytest.raises(OrderRejected, match="one-A rejected: it was sent before"):
        broker.accept("one", [order("one", "A", 4.0)])

    broker.accept("one", [order("one", "A", 4.0, bar=1)])
    broker.accept("two", [order("two", "A", 4.0)])


def test_a_broker_that_died_is_asked_what_it_has_taken(tmp_path):
    asked = [order("one", "A", 4.0, bar=7), order("one", "B", 2.0, bar=7)]
    with closing(paper(tmp_path / "gateway.db")) as broker:
        broker.restore(None)
        assert broker.taken("one", asked) == []
        broker.accept("one", asked)

    with closing(paper(tmp_path / "gateway.db")) as again:
        again.restore(None)

        assert again.taken("one", asked) == asked
        assert again.taken("two", [order("two", "A", 4.0, bar=7)]) == []
        assert [fill.order_id for fill in again.fill("one", Moment(8, 18), BAR)] == [
            "one-A",
            "one-B",
        ]


@pytest.mark.parametrize("since", [0, 1, 2])
def test_what_was_taken_since_a_state_was_kept_is_taken_again_from_the_journal(tmp_path, since):
    with closing(paper(tmp_path / "gateway.db")) as broker:
        broker.restore(None)
        for bar in range(300):  # more than are read at once
            broker.accept("two", [order("two", "A", 0.0, bar)])
        states = [broker.state()]
        broker.accept("one", [order("one", "A", 4.0, bar=300)])
        states.append(broker.state())
        broker.accept("two", [order("two", "B", 2.0, bar=300)])
        states.append(broker.state())
        wanted = [broker.fill(name, Moment(301, 1), BAR) for name in ("one", "two")]

    with closing(paper(tmp_path / "gateway.db")) as again:
        again.restore(decode(encode(states[2 - since])))

        assert [again.fill(name, Moment(301, 1), BAR) for name in ("one", "two")] == wanted
        assert again.taken("two", [order("two", "B", 2.0, bar=300)])


def test_a_rehearsal_writes_nothing_down():
    broker = paper()
    broker.restore(None)
    broker.accept("one", [order("one", "A", 4.0)])
    broker.close()

    assert len(broker.fill("one", Moment(1, 11), BAR)) == 1

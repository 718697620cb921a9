"""The paper broker fills as research does, and remembers over a crash."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.kernel.worlds import bar_of

from flotilla.builtin.gateways.paper import Paper
from flotilla.errors import OrderRejected
from flotilla.kernel.records import Row
from flotilla.model.ids import order_id_of
from flotilla.model.records import Fill, Order
from flotilla.model.terms import PortfolioConfig
from flotilla.portfolio.single import Moment
from flotilla.stream.arrays import decode_arrays, encode_arrays

TERMS = PortfolioConfig(cash=1_000.0, fee_bps=100.0)


BAR = bar_of([100.0, 50.0])


def paper(journal: Path | None = None) -> Paper:
    return Paper({"one": TERMS, "two": TERMS}, ("A", "B"), journal)


def order(portfolio: str, instrument: str, quantity: float, bar: int = 0, **more: Any) -> Order:
    order_id = order_id_of(portfolio, bar, instrument, 0)
    return Order(order_id, portfolio, instrument, 0, bar, quantity, 0.5, "decision", **more)


def trade(broker: Paper, portfolio: str, bar: int, row: Row = BAR) -> list[Fill]:
    """Let a bar happen, and return its fills."""
    broker.reports()
    broker.trade(portfolio, Moment(bar, bar + 10), row)
    return [report.fill for report in broker.reports() if report.fill]


def told(broker: Paper) -> list[tuple[str, str]]:
    return [(report.order_id, report.event) for report in broker.reports()]


def test_orders_fill_at_the_next_bar_each_for_its_own_account():
    broker = paper()
    broker.submit([order("one", "A", 4.0)])
    broker.submit([order("two", "B", 2.0)])

    (one,) = trade(broker, "one", 1)
    (two,) = trade(broker, "two", 1)

    assert (one.instrument, one.quantity, one.price, one.fee, one.bar) == ("A", 4.0, 100.0, 4.0, 1)
    assert (two.fill_id, two.order_id, two.quantity) == ("two-00000000-B-0-f0", "two-00000000-B-0", 2.0)
    assert trade(broker, "one", 2) == []


def test_an_order_rests_while_nothing_trades():
    broker = paper()
    broker.submit([order("one", "A", 4.0)])
    closed = bar_of([np.nan, 50.0], known=[100.0, 50.0])

    assert trade(broker, "one", 1, closed) == []
    assert len(trade(broker, "one", 2)) == 1


def test_a_broker_that_died_goes_on_from_its_state():
    broker, again = paper(), paper()
    broker.submit([order("one", "A", 9.5)])

    again.restore(decode_arrays(encode_arrays(broker.state())))

    assert trade(again, "one", 1) == trade(broker, "one", 1)
    assert encode_arrays(again.state()) == encode_arrays(broker.state())


def test_an_order_that_is_sent_again_is_refused():
    broker = paper()
    broker.submit([order("one", "A", 4.0)])

    with pytest.raises(OrderRejected, match="one-00000000-A-0 rejected: it was sent before"):
        broker.submit([order("one", "A", 4.0)])

    broker.submit([order("one", "A", 4.0, bar=1)])
    broker.submit([order("two", "A", 4.0)])


def test_a_broker_that_died_is_asked_what_it_has_taken(tmp_path):
    asked = [order("one", "A", 4.0, bar=7), order("one", "B", 2.0, bar=7)]
    ids = [each.order_id for each in asked]
    with closing(paper(tmp_path / "gateway.db")) as broker:
        broker.restore(None)
        assert broker.known(ids) == set()
        broker.submit(asked)

    with closing(paper(tmp_path / "gateway.db")) as again:
        again.restore(None)

        assert again.known(ids) == set(ids)
        assert again.known([order_id_of("two", 7, "A", 0)]) == set()
        assert [fill.order_id for fill in trade(again, "one", 8)] == [*ids]


@pytest.mark.parametrize("since", [0, 1, 2])
def test_what_was_taken_since_a_state_was_kept_is_taken_again_from_the_journal(tmp_path, since):
    with closing(paper(tmp_path / "gateway.db")) as broker:
        broker.restore(None)
        for bar in range(300):  # more than are read at once
            broker.submit([order("two", "A", 0.0, bar)])
        states = [broker.state()]
        broker.submit([order("one", "A", 4.0, bar=300)])
        states.append(broker.state())
        broker.submit([order("two", "B", 2.0, bar=300)])
        states.append(broker.state())
        wanted = [trade(broker, name, 301) for name in ("one", "two")]

    with closing(paper(tmp_path / "gateway.db")) as again:
        again.restore(decode_arrays(encode_arrays(states[2 - since])))

        assert [trade(again, name, 301) for name in ("one", "two")] == wanted
        assert again.known([order_id_of("two", 300, "B", 0)])


def test_a_rehearsal_writes_nothing_down():
    broker = paper()
    broker.restore(None)
    broker.submit([order("one", "A", 4.0)])
    broker.close()

    assert len(trade(broker, "one", 1)) == 1


def test_every_order_is_reported_from_its_first_day_to_its_last():
    broker, first = paper(), order("one", "A", 4.0)
    broker.submit([first, order("one", "B", 2.0)])
    assert told(broker) == [(first.order_id, "accepted"), ("one-00000000-B-0", "accepted")]
    assert [each.order_id for each in broker.open_orders("one")] == [first.order_id, "one-00000000-B-0"]

    second = order("one", "A", 3.0, bar=1)
    broker.replace(first.order_id, second)
    broker.cancel(["one-00000000-B-0"])
    assert told(broker) == [
        (first.order_id, "cancelled"),
        (second.order_id, "accepted"),
        ("one-00000000-B-0", "cancelled"),
    ]

    broker.trade("one", Moment(2, 12), BAR)
    assert told(broker) == [(second.order_id, "filled")]
    assert broker.open_orders("one") == []
    assert broker.positions("one") == {"A": 3.0}
    assert broker.cash("one") == 1_000.0 - 3.0 * 100.0 * 1.01


def test_what_there_was_no_cash_for_is_over_and_says_so():
    broker = paper()
    broker.submit([order("one", "A", 400.0)])
    broker.reports()

    broker.trade("one", Moment(1, 11), BAR)

    part, rest = broker.reports()
    assert (part.event, rest.event, rest.reason) == (
        "partially_filled",
        "expired",
        "there was not enough cash for all of it",
    )


def test_what_it_cannot_fill_is_refused_is_not_taken_and_changes_nothing(tmp_path):
    with closing(paper(tmp_path / "gateway.db")) as broker:
        broker.restore(None)
        resting, limit = order("one", "A", 4.0), order("one", "A", 4.0, bar=1, kind="limit", limit=90.0)
        broker.submit([resting])
        broker.reports()

        broker.replace(resting.order_id, limit)

        (report,) = broker.reports()
        assert (report.order_id, report.event) == (limit.order_id, "rejected")
        assert report.reason == "the paper broker fills market orders of one instrument"
        assert broker.open_orders("one") == [resting]
        assert broker.known([limit.order_id]) == set()


def test_what_comes_to_nothing_is_over_and_says_so():
    broker = paper()
    broker.submit([order("two", "A", 400.0)])
    trade(broker, "two", 1)
    broker.submit([order("two", "B", 5.0, bar=1)])  # all its cash is gone
    broker.reports()

    broker.trade("two", Moment(2, 12), BAR)

    (report,) = broker.reports()
    assert report.event == "expired"
    assert report.reason.startswith("it came to nothing: by the cash,")


def test_to_cancel_what_is_over_changes_nothing():
    broker = paper()
    broker.submit([order("one", "A", 4.0)])
    trade(broker, "one", 1)

    broker.cancel(["one-00000000-A-0", "one-00000000-B-0"])

    assert told(broker) == []

import math

import msgspec
import pytest

from flotilla.model.records import Account, Fill, Leg, Order, OrderReport, Record

FILL = Fill("p-00000007-AAPL-0-f0", "p-00000007-AAPL-0", "p", "AAPL", 8, 8, 1.5, 10.0, 0.015)
ALL = [
    Order("p-00000007-AAPL-0", "p", "AAPL", 7, 7, 10.0, 0.05, "decision", ("s",), ("d",)),
    FILL,
    OrderReport("p-00000007-AAPL-0", "filled", 8, fill=FILL),
    Account("p", 8, 8, 1.0, 16.0, 16.0, 0.015),
]
Any = Order | Fill | OrderReport | Account


def test_every_record_is_here():
    here = {kind for kind in Record.__subclasses__() if kind.__module__ == Record.__module__}

    assert {type(record) for record in ALL} == here


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_one_decoder_reads_any_record_by_its_type(record):
    wire = msgspec.msgpack.encode(record)

    assert msgspec.msgpack.decode(wire, type=Any) == record
    assert msgspec.msgpack.decode(wire)["type"] == type(record).__name__.lower()


def test_a_record_does_not_change():
    with pytest.raises(AttributeError):
        ALL[0].quantity = 2.0


def test_an_order_keeps_all_that_it_asks_for():
    asked = Order(
        *("p-00000007-A-0", "p", "A", 7, 7, math.inf, 0.05, "fill"),
        kind="stop_limit",
        limit=2.5,
        stop=2.0,
        time_in_force="day",
        parent="p-00000006-A-0",
        legs=(Leg("A", 1.0), Leg("B", -2.0)),
    )

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(asked), type=Any) == asked


def test_what_an_order_does_not_need_costs_nothing_on_the_wire():
    told = msgspec.msgpack.decode(msgspec.msgpack.encode(ALL[0]))

    assert not told.keys() & {"kind", "limit", "stop", "time_in_force", "parent", "legs"}

import math

import msgspec
import pytest

from flotilla.model.records import (
    Account,
    Bar,
    Fill,
    Order,
    Position,
    Quote,
    Record,
    RiskDecision,
    Signal,
    Trade,
    decision_id_of,
    fill_id_of,
    order_id_of,
    signal_id_of,
)

ALL = [
    Bar("AAPL", 0, 60, 1.0, 2.0, 0.5, 1.5, math.inf),
    Quote("AAPL", 1, 1, 1.0, 1.25, 100.0, 0.0),
    Trade("AAPL", 1, 2, 1.0, 3.0, "buy"),
    Signal("cross-00000007-AAPL", "cross", "AAPL", 7, 7, 1.0),
    RiskDecision("var-00000007-*", "var", "cross-*", "*", 7, 7, 0.5, 1.0, "var"),
    Order("p-00000007-AAPL-0", "p", "AAPL", 7, 7, 10.0, 0.05, "decision", ("s",), ("d",)),
    Fill("p-00000007-AAPL-0-f0", "p-00000007-AAPL-0", "p", "AAPL", 8, 8, 1.5, 10.0, 0.015),
    Position("p", "AAPL", 8, 8, 10.0, 1.5),
    Account("p", 8, 8, 1.0, 16.0, 16.0, 0.015),
]
Any = Bar | Quote | Trade | Signal | RiskDecision | Order | Fill | Position | Account


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
        ALL[0].close = 2.0


def test_ids_say_what_the_thing_is_so_making_one_twice_gives_the_same():
    order = order_id_of("p-3", 42, "AAPL", 1)

    assert order == "p-3-00000042-AAPL-1"
    assert fill_id_of(order, 0) == "p-3-00000042-AAPL-1-f0"
    assert signal_id_of("cross", 42, "AAPL") == "cross-00000042-AAPL"
    assert decision_id_of("var", 42, "*") == "var-00000042-*"

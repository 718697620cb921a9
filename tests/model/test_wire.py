import msgspec
import pytest

from flotilla.model.wire import Acked, Bar, Closing, Decided, Fills, Signals

ALL = [
    Bar(7, 1, 2, b"\0" * 8),
    Closing(8),
    Signals("cross", 7, b"\0" * 8),
    Decided("p", 7, 1, ()),
    Fills("p", 8, 2, ()),
    Acked("p", 7, 1_000),
]


@pytest.mark.parametrize("record", ALL, ids=lambda record: type(record).__name__)
def test_one_decoder_reads_any_of_them_by_its_type(record):
    wire = msgspec.msgpack.encode(record)

    assert msgspec.msgpack.decode(wire, type=Bar | Closing | Signals | Decided | Fills | Acked) == record

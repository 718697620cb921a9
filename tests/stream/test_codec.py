"""Rows on the wire: what goes in comes out, bit for bit, and nothing else is taken."""

import math
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.errors import DataError
from flotilla.model.records import Account, Fill, Order
from flotilla.stream.codec import Codec, LogRow, pack, unpack

RECORDS: Codec[Account | Fill | Order] = Codec(Account | Fill | Order)
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
NANOSECONDS = st.integers(0, 2**63 - 1)
ACCOUNTS = st.builds(
    Account,
    portfolio_id=st.text(max_size=20),
    ts_event=NANOSECONDS,
    bar=st.integers(0, 2**40),
    cash=ANY_FLOAT,
    equity=ANY_FLOAT,
    peak=ANY_FLOAT,
    fees=ANY_FLOAT,
)
FILLS = st.builds(
    Fill,
    fill_id=st.text(max_size=20),
    order_id=st.text(max_size=20),
    portfolio_id=st.text(max_size=20),
    instrument=st.text(max_size=20),
    ts_event=NANOSECONDS,
    bar=st.integers(0, 2**40),
    price=ANY_FLOAT,
    quantity=ANY_FLOAT,
    fee=ANY_FLOAT,
)


def bits(value: object) -> object:
    """Return `value` in a form in which NaN equals NaN, and 0.0 is not -0.0."""
    if isinstance(value, float):
        return value.hex() if not math.isnan(value) else "nan"
    if isinstance(value, msgspec.Struct):
        return [bits(field) for field in msgspec.structs.astuple(value)]
    return value


@given(st.one_of(ACCOUNTS, FILLS))
def test_a_record_comes_back_bit_for_bit(record):
    again = RECORDS.decode(RECORDS.encode(record))

    assert type(again) is type(record)
    assert bits(again) == bits(record)


ENTRIES = st.lists(st.tuples(NANOSECONDS, st.binary(max_size=50)))


@given(st.text(min_size=1, max_size=20), st.integers(1, 2**62), ENTRIES)
def test_a_packet_comes_back_as_it_was(stream, first, entries):
    rows = [LogRow(first + i, ts, payload) for i, (ts, payload) in enumerate(entries)]

    packet = unpack(pack(stream, first, rows))

    assert packet == (stream, first, rows)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_and_never_more(noise):
    for read in (unpack, RECORDS.decode):
        with suppress(DataError):
            read(noise)


@given(st.data())
def test_a_frame_with_a_bit_flipped_is_read_or_refused(data):
    frame = bytearray(pack("bars", 7, [LogRow(7, 1, b"seven"), LogRow(8, 2, b"eight")]))
    frame[data.draw(st.integers(0, len(frame) - 1))] ^= 1 << data.draw(st.integers(0, 7))

    with suppress(DataError):
        unpack(bytes(frame))


def test_another_version_is_refused():
    payload = RECORDS.encode(Account("p", 1, 0, 1.0, 1.0, 1.0, 0.0))

    with pytest.raises(DataError, match="version"):
        RECORDS.decode(b"\x02" + payload[1:])


def test_a_record_of_another_kind_than_expected_is_refused():
    foreign = b"\x01" + msgspec.msgpack.encode({"type": "virus", "payload": "x"})

    with pytest.raises(DataError, match="no record"):
        RECORDS.decode(foreign)


def test_an_order_keeps_its_ids_as_tuples():
    order = Order("o", "p", "A", 1, 0, 1.0, 0.5, "decision", ("s1", "s2"), ())

    assert RECORDS.decode(RECORDS.encode(order)) == order

"""What a row looks like on the wire and in a log: bytes that say their version.

    record  --Codec.encode-->  payload  --log-->  Row(seq, ts, payload)  --pack-->  frame

1. `Codec` turns a record into a payload: one byte of version, then msgpack. The same
   payload is stored in the log and sent on the socket, so it is encoded once.
2. `pack` turns some rows of one stream, with seqs that follow each other, into the one
   frame of a message; no rows is a heartbeat, which says only which seq comes next.

Bytes that cannot be read raise `DataError`, whoever sent them. There is no pickle: reading
bytes never runs code. (What a stage remembers is more than records: see arrays.py.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from flotilla.errors import DataError
from flotilla.model.records import Record

VERSION = 1
_MARK = bytes([VERSION])

R = TypeVar("R", bound=Record)


class LogRow(NamedTuple):
    """One row of a stream."""

    seq: int  # counts the rows of the stream, gapless, from 1
    ts: int  # ns since 1970, UTC: when the writer wrote it, or what else it says
    payload: bytes


class Packet(NamedTuple):
    """Rows that came, or were announced, together."""

    stream: str
    next_seq: int  # of the first row here; of a row yet to come where there is none
    rows: list[LogRow]


class _Frame(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int
    stream: str
    first_seq: int
    ts: list[int]
    payloads: list[bytes]


class Codec(Generic[R]):
    """Records to payloads and back. `kinds` is the union of the record types that it reads."""

    def __init__(self, kinds: Any) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(kinds).decode

    def encode(self, record: R) -> bytes:
        """Return the payload of `record`."""
        return _MARK + self._encode(record)

    def decode(self, payload: bytes) -> R:
        """Return the record in `payload`; `DataError` where it is none that we know."""
        if payload[:1] != _MARK:
            raise DataError(f"payload of version {payload[:1]!r}, and this reads {_MARK!r}")
        try:
            record: R = self._decode(memoryview(payload)[1:])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DataError(f"payload that is no record: {error}") from error
        return record


_encode_frame = msgspec.msgpack.Encoder().encode
_decode_frame = msgspec.msgpack.Decoder(_Frame).decode


def pack(stream: str, next_seq: int, rows: Sequence[LogRow]) -> bytes:
    """Return the frame of `rows`, which start at `next_seq` and follow each other."""
    return _encode_frame(
        _Frame(VERSION, stream, next_seq, [row.ts for row in rows], [row.payload for row in rows])
    )


def unpack(frame: bytes) -> Packet:
    """Return what `pack` was given; `DataError` where the frame is not one of ours."""
    try:
        found = _decode_frame(frame)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DataError(f"frame that is not ours: {error}") from error
    if found.version != VERSION:
        raise DataError(f"frame of version {found.version}, and this reads {VERSION}")
    if found.first_seq < 1 or len(found.ts) != len(found.payloads):
        raise DataError(f"frame of {found.stream!r} contradicts itself")
    rows = [
        LogRow(seq, ts, payload)
        for seq, (ts, payload) in enumerate(zip(found.ts, found.payloads, strict=True), found.first_seq)
    ]
    return Packet(found.stream, found.first_seq, rows)

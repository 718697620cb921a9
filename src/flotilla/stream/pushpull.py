"""One writer's rows to one reader, acknowledged: at least once on the wire, once in effect.

Plain PUSH deals rows out in turn and forgets them with the peer that had them. Here each
pusher talks to the one puller that its rows are for (`shard_of` picks it by key), over
DEALER/ROUTER, and its outbox is its log:

1. `push` sends rows that are in the log already; where the puller is away, or more than
   `window` rows behind, it does not, and `service` sends them from the log later.
2. The puller takes a row only if it is the next of its source: earlier ones are duplicates,
   and at a hole it says once from where it wants the rows again (`rewind`).
3. `done` acknowledges rows, cumulatively, once their effects are safe at the reader.
4. An idle pusher says which seq comes next, several times a second. A puller that misses
   something answers with where it stands: so a restart on either side, and a lost
   acknowledgement, mend themselves, and no timer ever sends rows blindly a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec
import zmq

from flotilla.clock import monotonic_ns
from flotilla.errors import DataError, SequenceGap
from flotilla.stream.codec import VERSION, LogRow, Packet, pack, unpack
from flotilla.stream.endpoint import HWM, bound, connected, first_of, milliseconds, received, sent
from flotilla.stream.log import Replay
from flotilla.stream.pubsub import HEARTBEAT_S

_PACKET_ROWS = 256
_NOWHERE = -1  # `rewind` of an acknowledgement that asks for nothing


class _Ack(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int
    source: str
    done: int  # rows up to this one are safe at the reader
    rewind: int  # send again what follows this one; _NOWHERE: no need


_encode_ack = msgspec.msgpack.Encoder().encode
_decode_ack = msgspec.msgpack.Decoder(_Ack).decode


def shard_of(key: str, shards: int) -> int:
    """Return which of `shards` readers has `key`, the same in every process and on every day."""
    return crc32(key.encode()) % shards


class ZmqPusher:
    """Sends the rows of one source to one puller, and knows which of them are done."""

    def __init__(
        self,
        endpoint: str,
        source: str,
        outbox: Replay,
        *,
        window: int = 4_096,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        """`window`: most rows under way; more than the puller takes between two acknowledgements."""
        self.source, self.done, self.refused = source, 0, 0
        self._outbox, self._window = outbox, window
        self._end = self._sent = outbox.last_seq()  # the puller says if it lacks something before
        self._every_ns = int(heartbeat_s * 1e9)
        self._spoke_ns = 0
        self.socket = connected(zmq.DEALER, endpoint)

    @property
    def unacknowledged(self) -> int:
        """How many rows are not known to be done."""
        return self._end - self.done

    def push(self, rows: Sequence[LogRow]) -> None:
        """Send rows that the outbox has already; they must go on where the last ones ended."""
        if not rows:
            return
        if rows[0].seq != self._end + 1:
            raise SequenceGap(self._end + 1, rows[0].seq)
        straight = self._sent == self._end and len(rows) <= _PACKET_ROWS
        self._end = rows[-1].seq
        if straight and self._room() >= len(rows):
            self._send(rows)
        else:
            self.service()

    def service(self) -> None:
        """Hear acknowledgements, send what is due, say that we are here. Call it whenever idle."""
        while parts := received(self.socket):
            self._hear(parts[-1])
        while self._sent < self._end and (room := self._room()) > 0:
            rows = self._outbox.read(self._sent, min(room, _PACKET_ROWS))
            if not rows or not self._send(rows):  # they may be pushed before they are written
                break
        if monotonic_ns() - self._spoke_ns >= self._every_ns:
            self._send(())

    def flush(self, timeout_s: float) -> bool:
        """Return whether all rows were done within `timeout_s`."""
        deadline = monotonic_ns() + int(timeout_s * 1e9)
        while True:
            self.service()
            left_s = (deadline - monotonic_ns()) / 1e9
            if self.unacknowledged <= 0 or left_s <= 0:
                return self.unacknowledged <= 0
            self.socket.poll(milliseconds(min(left_s, self._every_ns / 1e9)))

    def close(self) -> None:
        """Close the socket; the outbox is its giver's to close."""
        self.socket.close()

    def _room(self) -> int:
        return self._window - (self._sent - self.done)

    def _send(self, rows: Sequence[LogRow]) -> bool:
        next_seq = rows[0].seq if rows else self._sent + 1
        if not sent(self.socket, pack(self.source, next_seq, rows)):
            return False
        self._sent += len(rows)
        self._spoke_ns = monotonic_ns()
        return True

    def _hear(self, frame: bytes) -> None:
        try:
            ack = _decode_ack(frame)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.refused += 1
            return
        if (ack.version, ack.source) != (VERSION, self.source) or max(ack.done, ack.rewind) > self._end:
            self.refused += 1
            return
        self.done = ack.done  # may go back: a reader that died stands where it last was safe
        if ack.rewind != _NOWHERE:
            self._sent = min(self._sent, ack.rewind)


class Pulled(NamedTuple):
    """A row, and who sent it."""

    source: str
    row: LogRow


class ZmqPuller:
    """Reads the rows of several sources, each source's once and in order."""

    def __init__(self, endpoint: str, cursors: Mapping[str, int], *, hwm: int = HWM) -> None:
        """`cursors`: each source that may send -> the last of its rows whose effects are safe."""
        self.cursors = dict(cursors)  # what `drain` has returned
        self.refused = self.duplicates = 0
        self._done = dict(cursors)
        self._routes: dict[str, bytes] = {}
        self._asked: dict[str, int] = {}  # source -> where we asked it to go back to, till it does
        self.socket = bound(zmq.ROUTER, endpoint, hwm=hwm)

    def drain(self, limit: int = 1_024) -> list[Pulled]:
        """Return the rows that have come, about `limit` at most; do not wait."""
        rows: list[Pulled] = []
        while len(rows) < limit and (parts := received(self.socket)):
            try:
                packet = unpack(parts[-1])
            except DataError:
                self.refused += 1
                continue
            if len(parts) != 2 or packet.stream not in self.cursors:
                self.refused += 1
                continue
            self._routes[packet.stream] = parts[0]
            rows += self._take(packet)
        return rows

    def receive(self, timeout_s: float, limit: int = 1_024) -> list[Pulled]:
        """Return the next rows; wait up to `timeout_s` for the first, and return none after that."""
        return first_of(lambda: self.drain(limit), self.socket, timeout_s)

    def acknowledge(self, source: str, seq: int) -> None:
        """Tell `source` that the effects of its rows up to `seq` are safe."""
        self._done[source] = seq
        self._answer(source, _NOWHERE)

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _take(self, packet: Packet) -> list[Pulled]:
        source, cursor = packet.stream, self.cursors[packet.stream]
        seen = cursor + 1 - packet.next_seq
        if seen < 0:
            # Ask once for each place: the rows that were under way behind the hole would each
            # ask again. A heartbeat does, in case the asking was lost.
            if not packet.rows or self._asked.get(source) != cursor:
                self._asked[source] = cursor
                self._answer(source, cursor)
            return []
        if not packet.rows:
            self._answer(source, _NOWHERE)
        self.duplicates += min(seen, len(packet.rows))
        fresh = packet.rows[seen:]
        if fresh:
            self.cursors[source] = fresh[-1].seq
            self._asked.pop(source, None)
        return [Pulled(source, row) for row in fresh]

    def _answer(self, source: str, rewind: int) -> None:
        if route := self._routes.get(source):
            sent(self.socket, route, _encode_ack(_Ack(VERSION, source, self._done[source], rewind)))

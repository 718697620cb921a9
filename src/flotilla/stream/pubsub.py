"""One writer's rows to any number of readers: each sees every row once, in order.

The publisher sends rows that are in its log already, and a heartbeat with the next seq when
there was nothing to send. The subscriber holds a cursor and reads in one of two ways:

    following   packets that go on where the cursor stands are handed through
    behind      rows are read from the log, a slice at a time, up to the last one that was
                announced; packets only say how far that is

It starts behind (what came before it is in the log), falls behind at a hole in `seq`, and
after a silence looks into the log by itself: a publisher that died between writing and
sending cost nothing. A subscriber too slow for the socket's high-water mark falls behind
in the same way, so memory is bounded on both sides. Nothing is conflated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import zmq

from flotilla.clock import monotonic_ns
from flotilla.errors import DataError, SequenceGap, StreamError
from flotilla.stream.codec import LogRow, Packet, pack, unpack
from flotilla.stream.endpoint import HWM, bound, connected, first_of, received
from flotilla.stream.log import Replay

HEARTBEAT_S = 0.1
_PACKET_ROWS = 256  # most rows in one message


class ZmqPublisher:
    """Sends the rows of one stream to whoever listens."""

    def __init__(
        self,
        endpoint: str,
        stream: str,
        next_seq: int = 1,
        *,
        heartbeat_s: float = HEARTBEAT_S,
        hwm: int = HWM,
    ) -> None:
        self.stream, self.next_seq = stream, next_seq
        self._topic = _topic(stream)
        self._every_ns = int(heartbeat_s * 1e9)
        self._spoke_ns = 0
        self.socket = bound(zmq.PUB, endpoint, hwm=hwm)

    def publish(self, rows: Sequence[LogRow]) -> None:
        """Send rows that the log has already; they must go on where the last ones ended."""
        if rows and rows[0].seq != self.next_seq:
            raise SequenceGap(self.next_seq, rows[0].seq)
        for start in range(0, len(rows), _PACKET_ROWS):
            self._send(rows[start : start + _PACKET_ROWS])

    def heartbeat(self) -> None:
        """Say which seq comes next, if nothing was said for a while. Call it whenever idle."""
        if monotonic_ns() - self._spoke_ns >= self._every_ns:
            self._send(())

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _send(self, rows: Sequence[LogRow]) -> None:
        self.socket.send_multipart((self._topic, pack(self.stream, self.next_seq, rows)))
        self.next_seq += len(rows)
        self._spoke_ns = monotonic_ns()


class ZmqSubscriber:
    """Reads the rows of one stream after `after_seq`: each once, in order, none missed."""

    def __init__(
        self,
        endpoint: str,
        stream: str,
        log: Replay,
        after_seq: int = 0,
        *,
        silence_s: float = 3 * HEARTBEAT_S,
        hwm: int = HWM,
    ) -> None:
        self.stream, self.cursor = stream, after_seq
        self.refused = self.duplicates = self.replayed = 0
        self._log = log
        self._announced = after_seq  # the last seq known to be in the log
        self._silence_ns = int(silence_s * 1e9)
        self._look()
        self.socket = connected(zmq.SUB, endpoint, hwm=hwm)
        self.socket.subscribe(_topic(stream))

    @property
    def behind(self) -> bool:
        """Whether rows can be had now although the socket may have none."""
        return self._announced > self.cursor

    def drain(self, limit: int = 1_024) -> list[LogRow]:
        """Return the next rows that are there, about `limit` at most; do not wait."""
        rows: list[LogRow] = []
        while len(rows) < limit and (packet := self._packet()):
            self._take(packet, rows)
        if monotonic_ns() - self._heard_ns > self._silence_ns:
            self._look()
        if self.behind and len(rows) < limit:
            rows += self._replay(limit - len(rows))
        return rows

    def receive(self, timeout_s: float, limit: int = 1_024) -> list[LogRow]:
        """Return the next rows; wait up to `timeout_s` for the first, and return none after that."""
        return first_of(lambda: self.drain(limit), self.socket, timeout_s, self._silence_ns / 1e9)

    def __iter__(self) -> Iterator[LogRow]:
        """Yield row after row, without end."""
        while True:
            yield from self.receive(1.0)

    def close(self) -> None:
        """Close the socket; the log is its giver's to close."""
        self.socket.close()

    def _packet(self) -> Packet | None:
        """Return the next packet of ours that has come."""
        while parts := received(self.socket):
            try:
                packet = unpack(parts[-1])
            except DataError:
                self.refused += 1
                continue
            if packet.stream == self.stream:
                self._heard_ns = monotonic_ns()
                return packet
            self.refused += 1
        return None

    def _take(self, packet: Packet, rows: list[LogRow]) -> None:
        last = packet.next_seq + len(packet.rows) - 1
        seen = self.cursor + 1 - packet.next_seq  # how many of the packet's rows we have had
        if self.behind or seen < 0:
            self._announced = max(self._announced, last)
        elif last > self.cursor:
            rows += packet.rows[seen:]
            self.duplicates += seen
            self.cursor = self._announced = last
        else:
            self.duplicates += len(packet.rows)

    def _look(self) -> None:
        last = self._log.last_seq()
        if last < self.cursor:
            raise StreamError(f"the log of {self.stream} ends at {last}; row {self.cursor} was read before")
        self._announced = max(self._announced, last)
        self._heard_ns = monotonic_ns()

    def _replay(self, limit: int) -> list[LogRow]:
        rows = self._log.read(self.cursor, min(limit, self._announced - self.cursor))
        if not rows:
            raise SequenceGap(self.cursor + 1, self._announced)  # announced, and yet not in the log
        self.replayed += len(rows)
        self.cursor = rows[-1].seq
        return rows


def _topic(stream: str) -> bytes:
    return stream.encode() + b"\0"  # an end, since ZeroMQ compares prefixes: "bars" is not "bars2"

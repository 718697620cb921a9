"""Requests with ids and deadlines, and three outcomes: a reply, a refusal, or unknown.

A bare REQ socket hangs for ever after one lost reply. Over DEALER/ROUTER:

1. A client submits any number of requests, each under an id of its own that the caller may
   choose (deterministic, so that a caller that died asks again under the same one).
2. `Unknown` is an outcome, not an exception: the deadline passed, and the server may or may
   not have done it. Only `query` resolves it; sending anew under another id would risk
   doing it twice. What comes after the deadline is dropped by its id, never taken for the
   next answer.
3. A server answers when it likes, in any order (`reply`, `refuse`), and remembers the last
   answers: the same id again gets the same answer, and is not handed out a second time. The
   memory is bounded and goes with the process; a server whose effects outlive it (an order
   journal) must know repeated ids by itself, and may answer a query from there (`resolve`).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple
from uuid import uuid4
from zlib import crc32

import msgspec
import zmq

from flotilla.clock import monotonic_ns
from flotilla.errors import DataError
from flotilla.stream.codec import VERSION
from flotilla.stream.endpoint import HWM, bound, connected, first_of, milliseconds, received, sent

Kind = Literal["request", "query"]
Status = Literal["replied", "refused", "pending", "unseen"]


class Replied(NamedTuple):
    """The server did it, and says this."""

    request_id: str
    payload: bytes


class RequestRefused(NamedTuple):
    """The server did not do it, and says why."""

    request_id: str
    reason: str


class Unknown(NamedTuple):
    """No answer in time: it may have been done, or not. Ask with `query`."""

    request_id: str
    reason: str


class Pending(NamedTuple):
    """Answer to a query: the server has the request and is not done."""

    request_id: str


class Unseen(NamedTuple):
    """Answer to a query: the server does not know of such a request (any more)."""

    request_id: str


Outcome = Replied | RequestRefused | Unknown | Pending | Unseen  # the last two of a query alone


class _Ask(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int
    kind: Kind
    request_id: str
    payload: bytes


class _Answer(msgspec.Struct, array_like=True, frozen=True, gc=False):
    version: int
    request_id: str
    status: Status
    payload: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode_ask = msgspec.msgpack.Decoder(_Ask).decode
_decode_answer = msgspec.msgpack.Decoder(_Answer).decode


class _Open(msgspec.Struct):
    frame: bytes  # to be sent still; empty once it is
    deadline_ns: int
    query: bool


class ZmqClient:
    """Asks one server."""

    def __init__(self, endpoint: str, *, hwm: int = HWM) -> None:
        self.late = self.refused = 0
        self._open: dict[str, _Open] = {}
        self._unsent: list[str] = []
        self._ready: list[Outcome] = []  # came while somebody waited for another
        self.socket = connected(zmq.DEALER, endpoint, hwm=hwm)

    def submit(self, payload: bytes, deadline_s: float, request_id: str | None = None) -> str:
        """Send a request and return its id; its outcome comes out of `collect`."""
        return self._ask("request", request_id or uuid4().hex, payload, deadline_s)

    def inquire(self, request_id: str, deadline_s: float) -> None:
        """Ask what became of a request; what the server knows of it comes out of `collect`."""
        self._ask("query", request_id, b"", deadline_s)

    def collect(self, timeout_s: float = 0.0) -> list[Outcome]:
        """Return the outcomes that are there; wait up to `timeout_s` for the first."""
        end = monotonic_ns() + int(timeout_s * 1e9)
        ready, self._ready = self._ready, []
        while True:
            found = ready + self._step()
            now = monotonic_ns()
            if found or now >= end:
                return found
            wake = min([end, *(request.deadline_ns for request in self._open.values())])
            events = zmq.POLLIN | (zmq.POLLOUT if self._unsent else 0)
            self.socket.poll(milliseconds(max(wake - now, 0) / 1e9), events)

    def request(self, payload: bytes, deadline_s: float, request_id: str | None = None) -> Outcome:
        """Send a request and wait for its outcome."""
        return self._wait(self.submit(payload, deadline_s, request_id))

    def query(self, request_id: str, deadline_s: float) -> Outcome:
        """Ask what became of a request, and wait for what the server knows of it."""
        self.inquire(request_id, deadline_s)
        return self._wait(request_id)

    def close(self) -> None:
        """Close the socket; what is open stays unknown."""
        self.socket.close()

    def _wait(self, request_id: str) -> Outcome:
        others, self._ready = self._ready, []
        while True:
            found = self.collect(1.0)
            mine = [outcome for outcome in found if outcome.request_id == request_id]
            others += [outcome for outcome in found if outcome.request_id != request_id]
            if mine:
                self._ready = others
                return mine[0]

    def _ask(self, kind: Kind, request_id: str, payload: bytes, deadline_s: float) -> str:
        frame = _encode(_Ask(VERSION, kind, request_id, payload))
        gone = sent(self.socket, frame)
        deadline_ns = monotonic_ns() + int(deadline_s * 1e9)
        self._open[request_id] = _Open(b"" if gone else frame, deadline_ns, kind == "query")
        if not gone:
            self._unsent.append(request_id)
        return request_id

    def _step(self) -> list[Outcome]:
        while self._unsent:
            request = self._open.get(self._unsent[0])
            if request is not None and request.frame:
                if not sent(self.socket, request.frame):
                    break
                request.frame = b""
            self._unsent.pop(0)
        found = []
        while parts := received(self.socket):
            if (answer := self._read(parts[-1])) is not None:
                found.append(answer)
        now = monotonic_ns()
        for request_id in [key for key, request in self._open.items() if request.deadline_ns <= now]:
            request = self._open.pop(request_id)
            found.append(Unknown(request_id, "no server took it" if request.frame else "no answer in time"))
        return found

    def _read(self, frame: bytes) -> Outcome | None:
        try:
            answer = _decode_answer(frame)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self.refused += 1
            return None
        if answer.version != VERSION:
            self.refused += 1
            return None
        request = self._open.get(answer.request_id)
        if request is None or (not request.query and answer.status in ("pending", "unseen")):
            self.late += 1
            return None
        del self._open[answer.request_id]
        match answer.status:
            case "replied":
                return Replied(answer.request_id, answer.payload)
            case "refused":
                return RequestRefused(answer.request_id, answer.payload.decode("utf-8", "replace"))
            case "pending":
                return Pending(answer.request_id)
            case "unseen":
                return Unseen(answer.request_id)


class Asked(NamedTuple):
    """A request that wants an answer."""

    request_id: str
    payload: bytes


class _Waiting(NamedTuple):
    route: bytes
    crc: int


class _Answered(NamedTuple):
    status: Status
    payload: bytes
    crc: int  # of the request


class ZmqServer:
    """Is asked by any number of clients."""

    def __init__(
        self,
        endpoint: str,
        *,
        remembered: int = 10_000,
        resolve: Callable[[str], bytes | None] | None = None,
        hwm: int = HWM,
    ) -> None:
        """`remembered`: how many answers are kept; `resolve`: request id -> its reply, for older queries."""
        self.refused = self.repeated = 0
        self._remembered = remembered
        self._resolve = resolve
        self._waiting: dict[str, _Waiting] = {}
        self._answered: OrderedDict[str, _Answered] = OrderedDict()
        self.socket = bound(zmq.ROUTER, endpoint, hwm=hwm)

    def drain(self, limit: int = 1_024) -> list[Asked]:
        """Return the new requests that have come, `limit` at most; do not wait."""
        asked: list[Asked] = []
        while len(asked) < limit and (parts := received(self.socket)):
            try:
                ask = _decode_ask(parts[-1])
            except (msgspec.DecodeError, UnicodeDecodeError):
                self.refused += 1
                continue
            if len(parts) != 2 or ask.version != VERSION:
                self.refused += 1
            elif ask.kind == "query":
                self._find(parts[0], ask.request_id)
            elif self._is_new(parts[0], ask):
                asked.append(Asked(ask.request_id, ask.payload))
        return asked

    def receive(self, timeout_s: float, limit: int = 1_024) -> list[Asked]:
        """Return new requests; wait up to `timeout_s` for the first, and return none after that."""
        return first_of(lambda: self.drain(limit), self.socket, timeout_s)

    def reply(self, request_id: str, payload: bytes) -> None:
        """Answer a request that was drained: it is done."""
        self._answer(request_id, "replied", payload)

    def refuse(self, request_id: str, reason: str) -> None:
        """Answer a request that was drained: it is not done, and why."""
        self._answer(request_id, "refused", reason.encode())

    def close(self) -> None:
        """Close the socket; who waits for an answer does not know."""
        self.socket.close()

    def _is_new(self, route: bytes, ask: _Ask) -> bool:
        crc = crc32(ask.payload)
        known = self._waiting.get(ask.request_id) or self._answered.get(ask.request_id)
        if known is None:
            self._waiting[ask.request_id] = _Waiting(route, crc)
            return True
        self.repeated += 1
        if known.crc != crc:
            self._send(route, ask.request_id, "refused", b"another request had this id")
        elif isinstance(known, _Answered):
            self._send(route, ask.request_id, known.status, known.payload)
        else:
            self._waiting[ask.request_id] = _Waiting(route, crc)  # its asker came back under another name
        return False

    def _find(self, route: bytes, request_id: str) -> None:
        if known := self._answered.get(request_id):
            self._send(route, request_id, known.status, known.payload)
        elif request_id in self._waiting:
            self._send(route, request_id, "pending", b"")
        elif self._resolve and (payload := self._resolve(request_id)) is not None:
            self._send(route, request_id, "replied", payload)
        else:
            self._send(route, request_id, "unseen", b"")

    def _answer(self, request_id: str, status: Status, payload: bytes) -> None:
        if request_id not in self._waiting:
            raise DataError(f"no request {request_id} waits for an answer")
        waiting = self._waiting.pop(request_id)
        self._answered[request_id] = _Answered(status, payload, waiting.crc)
        if len(self._answered) > self._remembered:
            self._answered.popitem(last=False)
        self._send(waiting.route, request_id, status, payload)

    def _send(self, route: bytes, request_id: str, status: Status, payload: bytes) -> None:
        # A client that is gone, or does not read, asks again: its answer is remembered.
        sent(self.socket, route, _encode(_Answer(VERSION, request_id, status, payload)))

"""Events as they happen, as server-sent events: `EventSource` in a browser, `curl -N` in a terminal.

A client is a cursor into the store (events.py), so it costs the same whether it reads or not; one that has
not taken what it was sent for half a minute is dropped, and goes on with Last-Event-ID. Where what it asks
for is no longer kept, it is told so first: `event: gap`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from flotilla.fleet.history.events import Event, EventReader

ALIVE_S = 15.0  # a stream that has nothing to say says so
STALLED_S = 30.0
LOOK_S = 0.1  # between looks for news
_BATCH = 200
_encode = msgspec.json.Encoder().encode


class Stream(Response):
    """The events from `from_seq` on. still: may who asked look on? ended: called once."""

    media_type = "text/event-stream"

    def __init__(
        self, reader: EventReader, from_seq: int, still: Callable[[], bool], ended: Callable[[], None]
    ) -> None:
        super().__init__(None)
        del self.headers["content-length"]
        self._reader, self._cursor, self._still, self._ended = reader, from_seq, still, ended

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send until the other side goes, stops reading, or may no longer look."""
        sending = asyncio.ensure_future(self._send_all(send))
        leaving = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            results = await asyncio.gather(sending, leaving, return_exceptions=True)
            self._ended()
        if isinstance(results[0], Exception) and not isinstance(results[0], OSError | TimeoutError):
            raise results[0]

    async def _send_all(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        first = self._reader.first_seq()
        await self._say(send, b": events\n\n" if self._cursor >= first else _gap(self._cursor, first))
        idle = 0.0
        while self._still():
            events = self._reader.read(self._cursor, _BATCH)
            if events:
                await self._say(send, b"".join(map(_written, events)))
                self._cursor, idle = events[-1].seq + 1, 0.0
                continue
            if idle >= ALIVE_S:
                await self._say(send, b": nothing new\n\n")
                idle = 0.0
            await asyncio.sleep(LOOK_S)
            idle += LOOK_S
        await send({"type": "http.response.body", "body": b"event: end\ndata: {}\n\n"})

    @staticmethod
    async def _say(send: Send, content: bytes) -> None:
        message = {"type": "http.response.body", "body": content, "more_body": True}
        await asyncio.wait_for(send(message), STALLED_S)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _written(event: Event) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, _word(event.kind), _encode(event))


def _word(kind: str) -> bytes:
    return "".join(letter for letter in kind if letter.isprintable()).encode() or b"event"


def _gap(asked: int, first: int) -> bytes:
    return b"event: gap\ndata: %s\n\n" % _encode({"asked": asked, "first": first})

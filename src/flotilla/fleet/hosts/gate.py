"""Where an agent listens for its head: TLS, a hello, the fence, then orders in and news out.

Who has no certificate of the fleet's authority, or one that is not the head's, does not get past the
handshake. Who is past it and is no head of this fleet, or an older one, is told so and shown the door. There
is one head: when it comes again, by a new connection, the one before is closed: nobody is there any more.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.hosts import credentials
from flotilla.fleet.hosts.ledger import Ledger
from flotilla.fleet.hosts.wire import (
    FORMAT,
    LONGEST_LINE,
    Do,
    Done,
    Got,
    Hello,
    Ping,
    Pong,
    Refused,
    WrongWords,
    encoded,
    from_head,
)
from flotilla.fleet.spec import Host
from flotilla.fleet.spec.addresses import host_and_port

_HANDSHAKE_S = 5.0
_SILENT_S = 30.0  # a head pings each second
_MOST = 16  # connections that have shown a certificate; a head has one
_BEHIND = 4 << 20  # bytes that a head has not read: it hangs, and may ask what runs when it does not
_GONE = (OSError, EOFError, TimeoutError, WrongWords)  # ssl.SSLError is an OSError


class HostGate:
    """The server of the agent of `host` in `fleet`.

    act: carries out an order. anew: a new head commands from now on. heard: takes what is odd.
    """

    def __init__(
        self,
        fleet: str,
        host: str,
        ledger: Ledger,
        act: Callable[[Do], None],
        anew: Callable[[], None],
        heard: Callable[[str], None],
    ) -> None:
        self._fleet, self._host, self._ledger = fleet, host, ledger
        self._act, self._anew, self._heard = act, anew, heard
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    async def open(self, host: Host) -> None:
        """Listen at the host's address. ConfigError where its keys, or the address, cannot be used."""
        where, port = host_and_port(host.address)
        context = credentials.agent(Path(host.keys), self._host)
        try:
            self._server = await asyncio.start_server(
                self._accept,
                where,
                port,
                ssl=context,
                limit=LONGEST_LINE,
                ssl_handshake_timeout=_HANDSHAKE_S,
                ssl_shutdown_timeout=1.0,
            )
        except OSError as error:
            raise ConfigError(
                f"an agent cannot listen at {host.address}: {error.strerror or error}"
            ) from error

    def say(self, line: Struct) -> None:
        """Tell the head, if one is connected."""
        if self._writer is None or self._writer.is_closing():
            return
        self._writer.write(encoded(line))
        if self._writer.transport.get_write_buffer_size() > _BEHIND:
            self._writer.transport.abort()

    def end(self) -> None:
        """Take no more orders: what is not done stays so, until an agent is here again."""
        self._closing = True

    async def close(self) -> None:
        """Stop listening, and hang up."""
        self._closing = True
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._open):
            writer.close()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=2.0)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve in a task of ours: asyncio's own logs an error when one that came last is cancelled."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if len(self._open) <= _MOST and not self._closing:
                await self._attend(reader, writer)
        except _GONE as error:
            if isinstance(error, WrongWords):
                self._heard(f"hung up on {_name(writer)}: {error}")
        finally:
            self._open.discard(writer)
            if self._writer is writer:
                self._writer = None
            with suppress(OSError, ssl.SSLError):
                writer.close()

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await from_head(reader, _HANDSHAKE_S)
        if not isinstance(hello, Hello):
            raise WrongWords("a head says hello first")
        try:
            self._admit(hello)
        except ProcessError as error:
            self._heard(f"refused {_name(writer)}: {error}")
            writer.write(encoded(Refused(str(error))))
            async with asyncio.timeout(_HANDSHAKE_S):
                await writer.drain()
            return
        if self._writer is not None:
            self._writer.transport.abort()
        self._writer = writer
        self.say(self._ledger.welcome(self._host, hello))
        while self._writer is writer:
            line = await from_head(reader, _SILENT_S)
            if self._writer is writer:
                self._take(line)

    def _admit(self, hello: Hello) -> None:
        if (hello.fleet, hello.host) != (self._fleet, self._host):
            raise ProcessError(
                f"this is {self._host} of the fleet {self._fleet}, not {hello.host} of {hello.fleet}"
            )
        if hello.format != FORMAT:
            raise ProcessError(
                f"the head speaks format {hello.format}, and this agent {FORMAT}: install the same version"
            )
        if self._ledger.admit(hello):
            self._anew()

    def _take(self, line: Hello | Do | Got | Ping) -> None:
        match line:
            case Do():
                if self._closing:
                    return
                if self._ledger.commanded(line):
                    self._act(line)
                self.say(Done(self._ledger.done))
            case Got():
                self._ledger.got(line.seq)
                self._ledger.keep()
            case Ping():
                self.say(Pong())
            case Hello():
                raise WrongWords("a head says hello once")


def _name(writer: asyncio.StreamWriter) -> str:
    peer = writer.get_extra_info("peername")
    return f"{peer[0]}:{peer[1]}" if peer else "somebody"

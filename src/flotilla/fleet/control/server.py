"""The control socket: an operator's commands come in, the supervisor's answers and events go out.

1. `open` binds a unix socket that only its owner can reach; who connects is looked up in the kernel and must
   be the same user, or root (`_peer`). Where somebody removed its file, `look` puts it back.
2. A line of JSON is a request, at most 64 KiB; what is longer, or no request, is told so and shown the door.
3. `answer`, the supervisor's own coroutine, is called with it. A command that acts carries a key: the same
   key again has the same reply, also while the first is still at work (`_once`, idempotency.py).
4. `events` with `follow` is a stream. Each follower has a cursor into the event store and is woken by
   `published`: nothing is queued for it here, so one that does not read holds up nobody, costs a full socket
   buffer, and is dropped after `STALLED_S`. Where it stopped reading, it may go on.

All of it runs in the supervisor's loop. It needs nothing of the supervisor but `answer` and `read_events`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from flotilla.errors import ConfigError, FlotillaError, ProcessError
from flotilla.fleet.control.idempotency import UNKNOWN, IdempotencyKeys
from flotilla.fleet.control.status import ACTS, Reply, Request, Wrong

LONGEST = 64 * 1024  # bytes of a request
MOST_CLIENTS = 64
IN_FLIGHT = 16  # requests of one client at a time; more are not read until one is answered
STALLED_S = 30.0  # how long a client may not read
ALIVE_S = 15.0  # a stream that has nothing to say says so
_BATCH = 256  # events read from the store at once
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid, as the kernel tells them


class Peer(NamedTuple):
    """Whose process is at the other end, as the kernel says."""

    pid: int
    uid: int


Answer = Callable[[Request, Peer], Awaitable[Any]]  # what it returns is encoded; FlotillaErrors are told
ReadEvents = Callable[[int, int], Sequence[Any]]  # (first number, most) -> events, each with a `seq`


class _Client:
    """One connection."""

    def __init__(self, writer: asyncio.StreamWriter, peer: Peer) -> None:
        self.peer = peer
        self.free = asyncio.Semaphore(IN_FLIGHT)
        self.streams: set[asyncio.Task[None]] = set()
        self._writer = writer

    async def say(self, *values: Any) -> None:
        """Write lines; wait while its buffer is full; drop it when that takes too long."""
        if self._writer.is_closing():
            return
        self._writer.write(b"".join(msgspec.json.encode(value) + b"\n" for value in values))
        try:
            await asyncio.wait_for(self._writer.drain(), STALLED_S)
        except (TimeoutError, ConnectionError):
            self._writer.transport.abort()

    @property
    def gone(self) -> bool:
        """Return whether nobody is there to read."""
        return self._writer.is_closing()

    def leave(self) -> None:
        for stream in self.streams:
            stream.cancel()
        self._writer.close()


class Control:
    """The server. asked: where keys are kept, so that a later supervisor knows them."""

    def __init__(self, answer: Answer, read_events: ReadEvents, asked: Path | None = None) -> None:
        self._answer, self._read_events = answer, read_events
        self._asked = IdempotencyKeys(asked)
        self._at_work: dict[str, asyncio.Future[None]] = {}
        self._clients: set[_Client] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self._news = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._path: Path | None = None

    async def open(self, path: Path) -> None:
        """Listen at `path`, in place of a socket that an earlier supervisor left there."""
        with suppress(FileNotFoundError):
            path.unlink()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        except OSError as error:
            listener.close()
            raise ProcessError(f"{path} cannot be listened at: {error.strerror or error}") from error
        finally:
            os.umask(before)
        self._server = await asyncio.start_unix_server(self._accept, sock=listener, limit=LONGEST)
        self._path = path

    def look(self) -> None:
        """Listen anew where the socket's file is gone: nobody who asks from now on would find us."""
        path = self._path
        if path is None or path.exists() or not path.parent.is_dir():
            return
        self._path = None  # until it is done, there is nothing to look for
        task = asyncio.get_running_loop().create_task(self._reopen(path))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _reopen(self, path: Path) -> None:
        before = self._server
        try:
            await self.open(path)
        except ProcessError:  # the disk is full, perhaps: the next look tries again
            self._path = path
            return
        if before is not None:
            before.close()  # who is connected stays so

    async def close(self) -> None:
        """Stop listening, end the streams, and give requests that are being answered a moment."""
        self._path = None
        if self._server is not None:
            self._server.close()
        for client in self._clients:
            for stream in client.streams:
                stream.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1.0)
        for client in tuple(self._clients):
            client.leave()
        if self._serving:
            await asyncio.wait(self._serving, timeout=1.0)

    def published(self) -> None:
        """Say that there are new events in the store."""
        self._news.set()
        self._news = asyncio.Event()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve in a task of ours: asyncio's own logs an error when one that came last is cancelled."""
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        client = _Client(writer, _peer(writer))
        self._clients.add(client)
        try:
            if refusal := self._refused(client):
                await client.say(refusal)
            else:
                await self._listen(reader, client)
        except ConnectionError:
            pass  # it went away; what it asked for is done all the same
        finally:
            self._clients.discard(client)
            client.leave()

    def _refused(self, client: _Client) -> Reply | None:
        if client.peer.uid not in (os.geteuid(), 0):
            return _no(0, "Denied", f"user {client.peer.uid} does not own this fleet")
        if len(self._clients) > MOST_CLIENTS:
            return _no(0, "Busy", f"{MOST_CLIENTS} clients are connected already")
        return None

    async def _listen(self, reader: asyncio.StreamReader, client: _Client) -> None:
        while not client.gone:
            try:
                line = await reader.readuntil(b"\n")
            except asyncio.IncompleteReadError:
                return
            except asyncio.LimitOverrunError:
                await client.say(_no(0, "ConfigError", f"a request is at most {LONGEST} bytes"))
                return
            try:
                request = msgspec.json.decode(line, type=Request)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                await client.say(_no(_id_of(line), "ConfigError", f"no request: {error}"))
                continue
            await client.free.acquire()
            task = asyncio.get_running_loop().create_task(self._handled(request, client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            if request.follow and request.command == "events":
                client.streams.add(task)
                task.add_done_callback(client.streams.discard)

    async def _handled(self, request: Request, client: _Client) -> None:
        try:
            if request.command == "events" and request.follow:
                await self._follow(request, client)
            else:
                await client.say(await self._once(request, client.peer))
        except FlotillaError as error:  # the events cannot be read
            await client.say(_no(request.id, type(error).__name__, str(error)))
            client.leave()
        finally:
            client.free.release()

    async def _once(self, request: Request, peer: Peer) -> Reply:
        """Return the reply; a command with a key is acted on once, however often it is asked."""
        if not request.key or request.command not in ACTS:
            return await self._replied(request, peer)
        try:
            if first := self._at_work.get(request.key):
                await asyncio.shield(first)
            if known := self._asked.find(request):
                return known
        except ConfigError as error:
            return _no(request.id, type(error).__name__, str(error))
        self._asked.begin(request)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._at_work[request.key] = done
        try:
            reply = await self._replied(request, peer)
            self._asked.end(request, reply)
        finally:
            del self._at_work[request.key]
            done.set_result(None)
        return reply

    async def _replied(self, request: Request, peer: Peer) -> Reply:
        work = asyncio.ensure_future(self._answer(request, peer))
        await asyncio.wait({work})
        error = work.exception()
        if error is None:
            return Reply(request.id, ok=True, result=work.result())
        if isinstance(error, FlotillaError):
            return _no(request.id, type(error).__name__, str(error))
        # A mistake of ours: told to whoever asked and to the log, and no reason to stop supervising.
        context = {"message": f"{request.command} failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
        return _no(request.id, UNKNOWN, f"{request.command} failed inside the supervisor: {error!r}")

    async def _follow(self, request: Request, client: _Client) -> None:
        at = request.from_
        await client.say(Reply(request.id, ok=True, result={"follow": True}))
        while not client.gone:
            news = self._news  # taken before reading: what is published in between wakes us
            batch = self._read_events(at, _BATCH)
            if batch:
                at = batch[-1].seq + 1
                await client.say(*({"id": request.id, "event": event} for event in batch))
                continue
            try:
                await asyncio.wait_for(news.wait(), ALIVE_S)
            except TimeoutError:
                await client.say({"id": request.id, "next": at})


def _no(id_: int, kind: str, text: str) -> Reply:
    return Reply(id_, ok=False, error=Wrong(kind, text))


def _id_of(line: bytes) -> int:
    """Return the id of what is no request, if it has one: 0 otherwise."""
    try:
        return msgspec.json.decode(line, type=_HasId).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0


class _HasId(msgspec.Struct):
    id: int = 0


def _peer(writer: asyncio.StreamWriter) -> Peer:
    speaker = writer.get_extra_info("socket")
    pid, uid, _ = _CREDENTIALS.unpack(
        speaker.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    )
    return Peer(pid, uid)

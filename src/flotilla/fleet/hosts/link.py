"""A head's connection to the agent of one host: made again whenever it breaks, and watched for silence.

1. `run` connects, says hello, and hands on what the agent says. What goes wrong is kept in `why`, and it is
   tried again within a second.
2. Orders have numbers, and stay in `pending` until the agent says that they are done.
3. An agent is pinged. One that has not been heard from for `lost_after` is lost; that is all that is known.
   It is found when it has said who runs.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import FlotillaError, ProcessError
from flotilla.fleet.hosts import credentials
from flotilla.fleet.hosts.wire import (
    LONGEST_LINE,
    Act,
    Do,
    Done,
    FromAgent,
    Got,
    Hello,
    Ping,
    Pong,
    Refused,
    Welcome,
    encoded,
    from_agent,
)
from flotilla.fleet.spec import Host
from flotilla.fleet.spec.addresses import host_and_port
from flotilla.fleet.spec.parts import Level

_SOONEST_S, _LATEST_S = 0.1, 1.0  # between two tries to connect
_CONNECT_S = 5.0
_PING_S = 1.0
_LATE_NS = 1_000_000_000  # so late, and it was us who did not run: nobody's silence counts
Sight = Literal["awaited", "seen", "lost"]


class HostLink:
    """A link to the host `name`, for the head `hello` describes. take: hears what its agent says."""

    def __init__(
        self,
        name: str,
        host: Host,
        hello: Hello,
        take: Callable[[HostLink, FromAgent], None],
        lost: Callable[[HostLink], None],
    ) -> None:
        self.name, self.host = name, host
        self.sight: Sight = "awaited"
        self.since_ns = now_ns()
        self.why = "not connected yet"
        self.pending: list[Do] = []
        self.epoch, self.got = "", 0
        self._hello, self._take, self._lost = hello, take, lost
        self._n = 0
        self._writer: asyncio.StreamWriter | None = None
        self._heard_ns = monotonic_ns()
        self._tasks = [asyncio.create_task(self._run()), asyncio.create_task(self._watch())]
        for task in self._tasks:
            task.add_done_callback(self._ended)

    def order(
        self,
        what: Act,
        name: str,
        run: str,
        digest: str = "",
        log_level: Level | None = None,
        health_check_interval: float | None = None,
    ) -> None:
        """Order something; it goes out when it can, in order, and once."""
        last = self.pending[-1] if self.pending else None
        if last is not None and (last.what, last.name, last.run) == (what, name, run):
            return
        self._n += 1
        generation = self._hello.generation
        do = Do(self._n, generation, what, name, run, digest, log_level, health_check_interval)
        self.pending.append(do)
        if self._writer is not None:
            self._writer.write(encoded(do))

    def found(self) -> None:
        """Say that what runs there is known again."""
        self._see("seen", "")

    async def close(self) -> None:
        """Hang up, after a moment for what is on its way."""
        for _ in range(50):
            if self._writer is None or not self.pending:
                break
            await asyncio.sleep(0.01)
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    def _see(self, sight: Sight, why: str) -> None:
        if sight != self.sight:
            self.sight, self.since_ns = sight, now_ns()
        self.why = why

    async def _run(self) -> None:
        pause = _SOONEST_S
        while True:
            began_ns = monotonic_ns()
            try:
                await self._session()
            except (OSError, EOFError, TimeoutError, FlotillaError) as error:
                self.why = _words(error)
            finally:
                self._hang_up()
            pause = _SOONEST_S if monotonic_ns() - began_ns > 10e9 else min(pause * 1.5, _LATEST_S)
            await asyncio.sleep(pause * random.uniform(0.7, 1.0))  # noqa: S311 only to be out of step

    async def _session(self) -> None:
        where, port = host_and_port(self.host.address)
        context = credentials.head(Path(self.host.keys))  # anew each time: they may have been renewed
        wait_s = min(_CONNECT_S, max(self.host.lost_after, 1.0))
        async with asyncio.timeout(wait_s):
            reader, writer = await asyncio.open_connection(
                where, port, ssl=context, server_hostname=self.name, limit=LONGEST_LINE
            )
        try:
            writer.write(encoded(replace(self._hello, epoch=self.epoch, got=self.got)))
            welcome = await from_agent(reader, wait_s)
            if isinstance(welcome, Refused):
                raise ProcessError(f"the agent refuses: {welcome.text}")
            if not isinstance(welcome, Welcome) or welcome.host != self.name:
                raise ProcessError("the agent did not welcome us")
            self._heard_ns = monotonic_ns()
            self._take(self, welcome)
            self._writer = writer
            writer.write(b"".join(encoded(do) for do in self.pending))
            await self._listen(reader, writer)
        finally:
            writer.transport.abort()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ping = asyncio.create_task(self._ping(writer))
        try:
            while True:
                line = await from_agent(reader, max(self.host.lost_after, _PING_S))
                if self.sight == "lost":  # who runs there is told at the beginning only
                    raise ProcessError("it was silent for too long")
                self._heard_ns = monotonic_ns()
                if isinstance(line, Done):
                    self.pending = [do for do in self.pending if do.n > line.n]
                elif not isinstance(line, Pong):
                    before = self.got
                    self._take(self, line)
                    if self.got != before:
                        writer.write(encoded(Got(self.got)))
        finally:
            ping.cancel()

    async def _ping(self, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(encoded(Ping()))
            await asyncio.sleep(min(_PING_S, self.host.lost_after / 4))

    def _hang_up(self) -> None:
        self._writer = None

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Say so when a mistake of ours ends the link: the host is out of sight for good."""
        if task.cancelled() or (error := task.exception()) is None:
            return
        context = {"message": f"the link to {self.name} failed", "exception": error}
        asyncio.get_running_loop().call_exception_handler(context)
        self._see("lost", f"the link failed inside the supervisor: {error!r}")
        self._lost(self)

    async def _watch(self) -> None:
        """Say that the host is lost when it was silent for too long."""
        lost_ns = int(self.host.lost_after * 1e9)
        self._heard_ns = monotonic_ns()
        while True:
            due_ns = self._heard_ns + lost_ns
            wait_s = (due_ns - monotonic_ns()) / 1e9 if self.sight != "lost" else self.host.lost_after
            await asyncio.sleep(max(wait_s, 0.01))
            now = monotonic_ns()
            if self.sight == "lost" or self._heard_ns + lost_ns > now:
                continue
            if now - due_ns > _LATE_NS:
                self._heard_ns = now - lost_ns // 2
                continue
            silent = (now - self._heard_ns) / 1e9
            self._see("lost", self.why or f"not heard from for {silent:.1f} s")
            with suppress(FlotillaError):
                self._lost(self)


def _words(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, EOFError):
        return "its agent hung up"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)

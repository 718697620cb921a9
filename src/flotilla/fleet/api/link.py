"""The way from the API to the supervisor: one connection to the control socket, many requests at a time.

The third outcome is said aloud, as client.py says it to a person: done, refused, *unknown*. Where the line
breaks, it is asked again until the deadline; a command's key makes that the same command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError, FlotillaError
from flotilla.fleet.control.client import DEADLINE_S, NoSupervisor, OutcomeUnknown, result
from flotilla.fleet.control.status import ACTS, FleetStatus, Plain, Reply, Request

_AGAIN_S = 0.1  # between looks for a supervisor that is being replaced
_LONGEST = 64 * 1024 * 1024  # bytes of an answer
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Reply).decode


class ApiLink:
    """The control socket at `path`. deadline_s: how long an answer may take."""

    def __init__(self, path: Path, deadline_s: float = DEADLINE_S) -> None:
        self._path, self._deadline_s = path, deadline_s
        self._ids = 0
        self._waiting: dict[int, asyncio.Future[Reply]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()

    async def ask(
        self,
        command: str,
        platforms: Sequence[str] = (),
        *,
        who: str = "api",
        why: str = "",
        overrides: Mapping[str, Plain] | None = None,
        data: Mapping[str, Any] | None = None,
        key: str = "",
    ) -> Any:
        """Return the answer, as plain values.

        Raises what the supervisor raised; NoSupervisor if there is none; OutcomeUnknown if it is not known
        whether a command was done.
        """
        self._ids += 1
        asked = {"id": self._ids, "command": command, "platforms": tuple(platforms), "who": who, "why": why}
        asked |= {"overrides": dict(overrides or {}), "data": dict(data or {}), "key": key}
        try:
            request = msgspec.convert(asked, Request)
        except msgspec.ValidationError as error:
            raise ConfigError(str(error)) from error
        return result(await self._until_answered(request), request.command in ACTS)

    async def status(self) -> FleetStatus:
        """Return the state of the fleet."""
        return msgspec.convert(await self.ask("status"), FleetStatus)

    async def close(self) -> None:
        """Hang up."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _until_answered(self, request: Request) -> Reply:
        deadline_ns = monotonic_ns() + int(self._deadline_s * 1e9)
        acts, sent = request.command in ACTS, False
        repeatable = bool(request.key) or not acts
        while True:
            left_s = (deadline_ns - monotonic_ns()) / 1e9
            try:
                writer = await self._connected()
                sent = True
                return await asyncio.wait_for(self._exchanged(writer, request), max(left_s, 0.001))
            except TimeoutError as error:
                raise self._silence(request, acts) from error
            except (ConnectionError, NoSupervisor) as error:
                if not sent:
                    raise
                if left_s <= _AGAIN_S or not repeatable:
                    raise self._silence(request, acts) from error
            await asyncio.sleep(_AGAIN_S)

    async def _exchanged(self, writer: asyncio.StreamWriter, request: Request) -> Reply:
        waiting: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._waiting[request.id] = waiting
        try:
            writer.write(_encode(request) + b"\n")
            await writer.drain()
            return await waiting
        finally:
            self._waiting.pop(request.id, None)

    async def _connected(self) -> asyncio.StreamWriter:
        async with self._connecting:
            if self._writer is not None and not self._writer.is_closing():
                return self._writer
            try:
                reader, writer = await asyncio.open_unix_connection(str(self._path), limit=_LONGEST)
            except OSError as error:
                raise NoSupervisor(f"no supervisor answers: {error.strerror or error}") from error
            self._writer = writer
            self._reading = asyncio.create_task(self._read(reader, writer))
            return writer

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hand each answer to who waits for it; when the line breaks, tell all."""
        try:
            while True:
                reply = _decode(await reader.readuntil(b"\n"))
                waiting = self._waiting.get(reply.id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(reply)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, msgspec.MsgspecError):
            pass
        finally:
            writer.close()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ConnectionResetError("the supervisor hung up"))

    def _silence(self, request: Request, acts: bool) -> FlotillaError:
        what = f"{request.command} was sent, and no answer came within {self._deadline_s:g} s"
        if acts:
            return OutcomeUnknown(
                f"{what}: it is unknown whether it was done. The status tells; then ask again"
            )
        return NoSupervisor(f"{what}: the supervisor is very busy, or stopped")

"""Ask a running fleet, and wait for the answer: for the command line, and whoever else may block.

There are three outcomes of a command, and the third is said aloud: done, refused, and *unknown*, where it was
sent and no answer came. A command carries a key. Where the supervisor dies with the answer, the next one is
asked with the same key, until the deadline: that is one command, however often it is sent.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ConfigError, FlotillaError, ProcessError
from flotilla.fleet.control.idempotency import UNKNOWN
from flotilla.fleet.control.status import ACTS, FleetStatus, Plain, Reply, Request
from flotilla.fleet.history.events import Event

DEADLINE_S = 10.0
_AGAIN_S = 0.1  # between looks for a supervisor that is being replaced
_LONGEST = 64 * 1024 * 1024  # bytes of an answer; more is nobody's fleet


class NoSupervisor(ProcessError):
    """Nobody listens at the control socket."""

    retry = True


class NotHeard(NoSupervisor):
    """Somebody supervises, and does not listen: it begins just now, or its socket was removed."""

    def __init__(self, holder: int, path: Path) -> None:
        self.holder = holder
        super().__init__(
            f"process {holder} supervises, and does not listen at {path}: it begins just now, or the socket "
            f"was removed, and it puts it back within seconds. If it stays so: `kill {holder}` takes the "
            "fleet down in order"
        )


class OutcomeUnknown(ProcessError):
    """The command was sent, and no answer came: it was done, or it was not. The status tells."""


class _Stream(msgspec.Struct, frozen=True):
    event: Event | None = None


class Client:
    """The control socket at `path`, as `who` asks it. deadline_s: how long an answer may take.

    holder: tells which process supervises, so that one that does not listen is not taken for none.
    """

    def __init__(
        self,
        path: Path,
        who: str,
        deadline_s: float = DEADLINE_S,
        holder: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._path, self._who, self._deadline_s, self._holder = path, who, deadline_s, holder

    def ask(
        self,
        command: str,
        platforms: Sequence[str] = (),
        *,
        why: str = "",
        overrides: Mapping[str, Plain] | None = None,
        data: Mapping[str, Any] | None = None,
        key: str | None = None,
    ) -> Any:
        """Return the answer to a command or a question, as plain values.

        key: names the command; the same key is the same command. None: a new one. Raises what the supervisor
        raised; NoSupervisor if none listens; OutcomeUnknown if it is not known whether a command was done.
        """
        asked = {
            "id": 1,
            "command": command,
            "platforms": tuple(platforms),
            "overrides": dict(overrides or {}),
            "who": self._who,
            "why": why,
            "data": dict(data or {}),
            "key": (key or secrets.token_hex(8)) if command in ACTS else "",
        }
        try:
            request = msgspec.convert(asked, Request)
        except msgspec.ValidationError as error:
            raise ConfigError(f"{command} cannot be asked for so: {error}") from error
        return self._until_answered(request)

    def status(self) -> FleetStatus:
        """Return the state of the fleet."""
        return msgspec.convert(self.ask("status"), FleetStatus)

    def events(self, from_seq: int, quiet_s: float | None = None) -> Generator[Event | None, None, None]:
        """Yield events from number `from_seq` on, for as long as the supervisor lives; then return.

        quiet_s: yield None whenever nothing came for so long, so that a caller can look about; None: never.
        """
        request = Request(1, "events", who=self._who, from_=from_seq, follow=True)
        with self._connected() as stream:
            stream.sendall(msgspec.json.encode(request) + b"\n")
            lines = _Lines(stream)
            first = lines.next(self._deadline_s)
            if first is None:
                raise ProcessError(f"the supervisor did not answer within {self._deadline_s:g} s")
            result(msgspec.json.decode(first, type=Reply), acts=False)
            while True:
                try:
                    line = lines.next(quiet_s)
                except (ConnectionError, EOFError):
                    return
                if line is None:
                    yield None
                elif (event := msgspec.json.decode(line, type=_Stream).event) is not None:
                    yield event

    def _until_answered(self, request: Request) -> Any:
        """Return the answer. Where the line breaks, ask again: the key makes it the same command."""
        deadline_ns = monotonic_ns() + int(self._deadline_s * 1e9)
        acts, sent = request.command in ACTS, False
        while True:
            left_s = (deadline_ns - monotonic_ns()) / 1e9
            try:
                with self._connected() as stream:
                    stream.settimeout(max(left_s, 0.001))
                    stream.sendall(msgspec.json.encode(request) + b"\n")
                    sent = True
                    line = _Lines(stream).next(left_s)
                if line is None:
                    raise self._silence(request, acts)
                return result(msgspec.json.decode(line, type=Reply), acts)
            except (ConnectionError, EOFError, TimeoutError) as error:
                if left_s <= _AGAIN_S:
                    raise self._silence(request, acts) from error
            except NoSupervisor as error:
                if not sent or not acts:
                    raise
                if left_s <= _AGAIN_S:
                    raise self._silence(request, acts) from error
            sleep(_AGAIN_S)

    def _silence(self, request: Request, acts: bool) -> FlotillaError:
        what = f"{request.command} was sent, and no answer came within {self._deadline_s:g} s"
        if acts:
            return OutcomeUnknown(f"{what}: it is unknown whether it was done. See: flotilla fleet status")
        return ProcessError(f"{what}: the supervisor is very busy, or stopped (a debugger, SIGSTOP)")

    def _connected(self) -> socket.socket:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(self._deadline_s)
        try:
            stream.connect(str(self._path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            stream.close()
            if (holder := self._holder()) is not None:
                raise NotHeard(holder, self._path) from error
            raise NoSupervisor(f"no supervisor listens at {self._path}") from error
        except PermissionError as error:
            stream.close()
            raise ProcessError(
                f"{self._path} belongs to another user: ask as its owner, or as root"
            ) from error
        except OSError as error:
            stream.close()
            raise ProcessError(f"{self._path} cannot be asked: {error.strerror or error}") from error
        return stream


class _Lines:
    """The lines that come out of a socket."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream, self._rest = stream, bytearray()

    def next(self, timeout_s: float | None) -> bytes | None:
        """Return a line; None if none came within `timeout_s` (None: no limit); EOFError at the end."""
        deadline_ns = None if timeout_s is None else monotonic_ns() + int(timeout_s * 1e9)
        while (end := self._rest.find(b"\n")) < 0:
            left_s = None if deadline_ns is None else (deadline_ns - monotonic_ns()) / 1e9
            if left_s is not None and left_s <= 0:
                return None
            self._stream.settimeout(left_s)
            try:
                part = self._stream.recv(65536)
            except TimeoutError:
                return None
            if not part:
                raise EOFError("the supervisor hung up")
            self._rest += part
            if len(self._rest) > _LONGEST:
                raise ProcessError(f"an answer is longer than {_LONGEST} bytes")
        line = bytes(self._rest[:end])
        del self._rest[: end + 1]
        return line


def result(reply: Reply, acts: bool) -> Any:
    """Return what was answered; raise what was refused, as the family of errors that it was there."""
    if reply.ok:
        return reply.result
    kind, text = (reply.error.kind, reply.error.text) if reply.error else ("", "refused without a reason")
    if kind == UNKNOWN and acts:
        raise OutcomeUnknown(text)
    if kind in ("ConfigError", "UnknownName"):
        raise ConfigError(text)
    raise ProcessError(text)

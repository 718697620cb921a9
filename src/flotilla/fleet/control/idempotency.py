"""Commands that were asked under a key, so that asking twice does once, also over a supervisor's death.

A line is appended before a command is acted on, and another with its reply. A key whose command began and has
no reply was cut short by a death: nobody knows what became of it, and the reply says that: *unknown*.

The lines outlive this process, not the machine: when that goes, so do the processes that a command started.
Where the disk takes none, commands are carried out all the same, and a key is known until a death.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
from msgspec import Struct

from flotilla.errors import ConfigError
from flotilla.fleet.control.status import Reply, Request, Wrong

MOST = 1024  # keys that are remembered; the oldest is forgotten first
UNKNOWN = "Unknown"  # the kind of error: it may have been done, or not


class _Line(Struct, frozen=True, omit_defaults=True):
    key: str
    digest: str
    reply: Reply | None = None


class IdempotencyKeys:
    """The keys of the last commands, and what was replied. path: where they are kept; None: in memory."""

    def __init__(self, path: Path | None = None, most: int = MOST) -> None:
        self._path, self._most = path, most
        self._known: dict[str, _Line] = {}
        self._appended = 0
        self._torn = False
        if path is not None and path.exists():
            for line in path.read_bytes().splitlines():
                self._take(_decoded(line))
            self._rewrite()

    def find(self, request: Request) -> Reply | None:
        """Return what was replied to this key, None if it is new.

        ConfigError if the key was another command's. A reply of the kind *unknown* if a death cut it short.
        """
        line = self._known.get(request.key)
        if line is None:
            return None
        if line.digest != _digest(request):
            raise ConfigError(f"the key {request.key!r} was used for another command: take a new one")
        if line.reply is None:
            return Reply(request.id, ok=False, error=Wrong(UNKNOWN, _CUT_SHORT.format(request.command)))
        return msgspec.structs.replace(line.reply, id=request.id)

    def begin(self, request: Request) -> None:
        """Write down that this command is about to be acted on."""
        self._append(_Line(request.key, _digest(request)))

    def end(self, request: Request, reply: Reply) -> None:
        """Write down what was replied."""
        self._append(_Line(request.key, _digest(request), reply))

    def _append(self, line: _Line) -> None:
        self._take(line)
        if self._path is None:
            return
        # Behind what a full disk cut off, a line begins anew.
        written = (b"\n" if self._torn else b"") + msgspec.json.encode(line) + b"\n"
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                self._torn = os.write(descriptor, written) < len(written)
            finally:
                os.close(descriptor)
            self._appended += 1
            if self._appended > 4 * self._most:
                self._rewrite()
        except OSError:
            # Who asks for a stop while the disk is full shall have it: this supervisor knows the key,
            # and only the next one would not.
            self._torn = True

    def _take(self, line: _Line | None) -> None:
        if line is not None:
            self._known.pop(line.key, None)
            self._known[line.key] = line
            if len(self._known) > self._most:
                del self._known[next(iter(self._known))]

    def _rewrite(self) -> None:
        if self._path is None:
            return
        beside = self._path.with_name(f"{self._path.name}.new")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(msgspec.json.encode(line) + b"\n" for line in self._known.values())
        beside.replace(self._path)
        self._appended = 0


_CUT_SHORT = (
    "the supervisor died while it did this {}: it may be done or not; look at the status before asking again"
)


def _digest(request: Request) -> str:
    """Return what makes two requests the same command: all but the id and who says it."""
    same = msgspec.structs.replace(request, id=0, who="", why="")
    return hashlib.blake2b(msgspec.json.encode(same, order="sorted"), digest_size=16).hexdigest()


def _decoded(line: bytes) -> _Line | None:
    """Return a line, None for one that a death cut off."""
    try:
        return msgspec.json.decode(line, type=_Line)
    except msgspec.DecodeError:
        return None

"""Ask a process from outside whether it serves: HTTP, TCP, a line in its log, its control endpoint.

A probe says what was seen (`Seen`) and never raises: what does not answer is an answer.
A 2xx says that somebody answered, and no more: that a platform drained is believed of its
`health`, asked again until it says so or is gone (`drained`), and that it ended of its pidfd.

The control endpoint is the platform's own, for drain and health, and is reached without
leaving the machine: loopback, or a unix socket. HTTP/1.0 is spoken, by hand: nothing comes
in chunks, an answer ends where the connection does, and no library's memory is held.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

import msgspec

from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError
from flotilla.fleet.spec.addresses import Place, host_and_port, place
from flotilla.fleet.system.logs import LogFile

_MOST_BYTES = 64 * 1024  # of an answer; more is not read
_LOOK_BYTES = 4 * 1024 * 1024  # of a log at one look: the loop has others to serve
_BETWEEN_S = 0.1  # two questions whether it has drained


class Seen(NamedTuple):
    """What a probe saw."""

    ok: bool
    what: str  # for people
    data: Mapping[str, Any] = MappingProxyType({})  # what a control endpoint's answer holds


async def http(url: str, timeout_s: float) -> Seen:
    """Return whether a GET is answered with a 2xx within `timeout_s` seconds."""
    where = place(url)
    return await _within(timeout_s, _ask(where, "GET", where.path or "/"), url)


async def tcp(address: str, timeout_s: float) -> Seen:
    """Return whether "host:port" takes a connection within `timeout_s` seconds."""
    host, port = host_and_port(address)
    return await _within(timeout_s, _connect(host, port), address)


async def control(address: str, action: Literal["drain", "health", "shed"], timeout_s: float) -> Seen:
    """Return what a platform's own control endpoint answers, within `timeout_s` seconds.

    `data` is the JSON object that it answered with, empty if that was none.
    """
    where = place(address, local=True)
    method = "GET" if action == "health" else "POST"
    path = f"{where.path.rstrip('/')}/api/v1/control/{action}"
    return await _within(timeout_s, _ask(where, method, path), f"{action} of {address}")


async def drained(address: str, timeout_s: float) -> Seen:
    """Ask a platform to drain, and return whether it was seen to, within `timeout_s` seconds.

    It has drained once its health says {"drained": true}, or it no longer listens.
    """
    until_ns = monotonic_ns() + int(timeout_s * 1e9)
    asked = await control(address, "drain", timeout_s)
    if not asked.ok:
        return asked
    while (left_s := (until_ns - monotonic_ns()) / 1e9) > 0:
        seen = await control(address, "health", left_s)
        if seen.data.get("drained") is True:
            return Seen(True, "says that it has drained", seen.data)
        if not seen.ok and seen.data.get("gone"):
            return Seen(True, "no longer listens")
        await asyncio.sleep(min(_BETWEEN_S, left_s))
    return Seen(False, f"had not drained after {timeout_s:g} s")


class Line:
    """Looks for a text in a log that grows, reading each byte of it once."""

    def __init__(self, log: Path, text: str, offset: int = 0) -> None:
        """text: part of one line. offset: byte of the log to begin at: what is before is of another run."""
        if not text or "\n" in text:
            raise ConfigError(f"{text!r} is not part of one line")
        self.found = False
        self._log, self._text, self._at = LogFile(log), text.encode(), offset
        self._tail = b""  # the end of what was read: a text may come in two pieces

    def look(self) -> bool:
        """Return whether the text has been written by now."""
        try:
            return self.found or self._looked()
        except OSError:  # out of descriptors: the next look may see it
            return False

    def _looked(self) -> bool:
        left = _LOOK_BYTES
        if self._at > self._log.end():  # a new file under the name
            self._at, self._tail = 0, b""
        while left > 0:
            at, piece = self._log.read(self._at, min(left, _MOST_BYTES))
            if not piece:
                break
            seen = piece if at > self._at else self._tail + piece
            self.found = self._text in seen
            if self.found:
                break
            self._at = at + len(piece)
            left -= len(piece)
            self._tail = seen[-(len(self._text) - 1) :] if len(self._text) > 1 else b""
        return self.found


async def _within(timeout_s: float, question: Awaitable[Seen], whom: str) -> Seen:
    try:
        async with asyncio.timeout(timeout_s):
            return await question
    except TimeoutError:
        return Seen(False, f"{whom} did not answer within {timeout_s:g} s")
    except (ConnectionRefusedError, FileNotFoundError):
        return Seen(False, f"{whom}: nobody listens", {"gone": True})
    except (OSError, EOFError, ValueError) as error:  # a name that resolves to nothing, a line too long
        return Seen(False, f"{whom}: {str(error) or type(error).__name__}")


async def _connect(host: str, port: int) -> Seen:
    _, writer = await asyncio.open_connection(host, port)
    writer.close()
    return Seen(True, f"{host}:{port} takes connections")


async def _ask(where: Place, method: str, path: str) -> Seen:
    if where.socket:
        reader, writer = await asyncio.open_unix_connection(where.socket, limit=_MOST_BYTES)
    else:
        reader, writer = await asyncio.open_connection(where.host, where.port, limit=_MOST_BYTES)
    try:
        host = f"[{where.host}]" if ":" in where.host else where.host
        head = f"{method} {path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\nAccept: */*\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        return await _answer(reader)
    finally:
        writer.transport.abort()  # nothing is owed to it, and a deadline is not waited over


async def _answer(reader: asyncio.StreamReader) -> Seen:
    protocol, _, rest = (await reader.readline()).decode("latin-1").partition(" ")
    code = rest[:3]
    if not protocol.startswith("HTTP/") or not (code.isascii() and code.isdigit()):
        return Seen(False, "what answered is not HTTP")
    length = _MOST_BYTES
    while (line := await reader.readline()).strip():
        name, _, value = line.decode("latin-1").partition(":")
        if name.strip().lower() == "content-length" and value.strip().isdigit():
            length = min(int(value), _MOST_BYTES)
    body = await _body(reader, length)
    return Seen(code.startswith("2"), f"answered {rest.strip()}", _object(body))


async def _body(reader: asyncio.StreamReader, length: int) -> bytes:
    body = b""
    while len(body) < length and (piece := await reader.read(length - len(body))):
        body += piece
    return body


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):  # a page for people, or nothing
        return {}

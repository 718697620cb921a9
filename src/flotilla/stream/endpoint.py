"""Where a socket may be opened, and the options that all of ours share.

    ipc://<path>            the default: the file's folder must be ours and closed to others
                            (0700), so who may connect is who may enter
    tcp://127.0.0.1:<port>  loopback; every user of the machine may connect
    anything else           refused: it would need keys (CURVE), which are not built yet

Options: LINGER is short and explicit (what a dead peer did not take is in the log);
high-water marks bound the memory (what is dropped at one is found by its seq); an
oversized message is cut off before it is decoded; a lost peer is looked for often.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import zmq

from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError, StreamError

T = TypeVar("T")

MAX_MESSAGE = 16 << 20  # bytes
HWM = 1_000  # messages waiting for one peer
LINGER_MS = 200
_SUN_PATH = 107  # bytes that the kernel keeps of a unix socket's path


def check_endpoint(endpoint: str) -> None:
    """Raise `ConfigError` where a socket at `endpoint` would be open to strangers, or cannot be."""
    parts = urlsplit(endpoint)
    if parts.scheme == "ipc":
        _check_path(endpoint, Path(endpoint.removeprefix("ipc://")))
    elif parts.scheme != "tcp":
        raise ConfigError(f"{endpoint}: a socket is at ipc://<path> or tcp://127.0.0.1:<port>")
    elif not _is_loopback(parts.hostname or ""):
        raise ConfigError(
            f"{endpoint}: tcp beyond this machine needs CURVE keys, which are not supported yet; "
            "use ipc://<path> or tcp://127.0.0.1:<port>"
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:  # a name: what it means is decided elsewhere, and may change
        return False


def _check_path(endpoint: str, path: Path) -> None:
    if len(os.fsencode(path)) > _SUN_PATH:
        raise ConfigError(f"{endpoint}: longer than the {_SUN_PATH} bytes that a socket's path may have")
    try:
        folder = path.parent.stat()
    except OSError as error:
        raise ConfigError(f"{endpoint}: {error.strerror}") from error
    if folder.st_uid != os.geteuid() or stat.S_IMODE(folder.st_mode) & 0o077:
        raise ConfigError(f"{endpoint}: its folder must be yours and have mode 0700")


def bound(kind: int, endpoint: str, *, hwm: int = HWM) -> zmq.Socket[bytes]:
    """Return a socket that others connect to. `endpoint` with port * takes a free one."""
    socket = _socket(kind, endpoint, hwm)
    try:
        socket.bind(endpoint)
    except zmq.ZMQError as error:
        socket.close()
        raise StreamError(f"{endpoint} cannot be opened: {error}") from error
    return socket


def connected(kind: int, endpoint: str, *, hwm: int = HWM) -> zmq.Socket[bytes]:
    """Return a socket that looks for its peer, now and whenever it is lost."""
    socket = _socket(kind, endpoint, hwm)
    if kind == zmq.DEALER:
        socket.immediate = True  # nothing queues for a peer that is not there
    socket.connect(endpoint)
    return socket


def _socket(kind: int, endpoint: str, hwm: int) -> zmq.Socket[bytes]:
    check_endpoint(endpoint)
    socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
    socket.linger = LINGER_MS
    socket.sndtimeo = 0  # nobody waits for a slow peer: what was not sent is in the log
    socket.sndhwm = socket.rcvhwm = hwm
    socket.maxmsgsize = MAX_MESSAGE
    socket.reconnect_ivl, socket.reconnect_ivl_max = 10, 200
    # No heartbeats of ZeroMQ's own: a timer of theirs that fires where the peer died and our queue is full
    # aborts the process (libzmq issue 4364). The kernel tells of a dead peer, and streams have their own.
    return socket


def received(socket: zmq.Socket[bytes]) -> list[bytes] | None:
    """Return the parts of the next message that has come, None where none has."""
    try:
        return socket.recv_multipart(zmq.NOBLOCK)
    except zmq.Again:
        return None


def sent(socket: zmq.Socket[bytes], *parts: bytes) -> bool:
    """Send a message; return False where no peer can take it now."""
    try:
        socket.send_multipart(parts, zmq.NOBLOCK)
    except zmq.Again:
        return False
    return True


def first_of(
    drain: Callable[[], list[T]], socket: zmq.Socket[bytes], timeout_s: float, look_s: float = 60.0
) -> list[T]:
    """Return what `drain` gives once it is something, or nothing after `timeout_s`.

    It is asked when `socket` has a message, and at least every `look_s`.
    """
    deadline = monotonic_ns() + int(timeout_s * 1e9)
    while True:
        found = drain()
        left_s = (deadline - monotonic_ns()) / 1e9
        if found or left_s <= 0:
            return found
        socket.poll(milliseconds(min(left_s, look_s)))


def milliseconds(seconds: float) -> int:
    """Return a poll's timeout, rounded up: one that is rounded down to 0 would spin."""
    return int(seconds * 1e3) + 1

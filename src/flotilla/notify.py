"""What a process says to whoever started it: systemd's NOTIFY_SOCKET protocol, in a few lines.

Running is not ready: a role says `ready()` once it can serve, and only then is started
what depends on it. Ready is not alive: who is asked for a heartbeat (`beat_s`) says
`alive()` from the loop that does its work, so that a loop that hangs falls silent.
Started by hand, with nobody listening, they say it to nobody. The same role can be run by
systemd (Type=notify, WatchdogSec=) as it is.

Whoever listens may be away for a moment while its children run on. `ready` waits for it;
the rest is dropped, and each heartbeat tells a newcomer again that this process is ready.
"""

from __future__ import annotations

import atexit
import os
import socket
from functools import cache

from flotilla.clock import monotonic_ns, sleep

VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")  # tell one process who listens to it
_MOST_TEXT = 400  # characters of a status


class _Spoken:
    """What this process has said of itself."""

    beat = b"WATCHDOG=1"


def ready(patience_s: float = 5.0) -> None:
    """Say that this process can serve now.

    Whoever listens has `patience_s` seconds to be there; then OSError, since what waits
    for this process would wait for ever. A process that beats goes on: each beat says it again.
    """
    _Spoken.beat = b"READY=1\nWATCHDOG=1"
    until_ns = monotonic_ns() + int(patience_s * 1e9)
    while True:
        try:
            _say(b"READY=1")
            return
        except OSError:
            if monotonic_ns() >= until_ns:
                if beat_s():
                    return
                raise
            sleep(0.05)


def alive() -> None:
    """Say that the work goes on; call it every `beat_s()`. It takes microseconds and never waits."""
    _try(_Spoken.beat)


def stopping() -> None:
    """Say that this process was asked to end, and does so."""
    _Spoken.beat = b"WATCHDOG=1"
    _try(b"STOPPING=1")


def status(text: str) -> None:
    """Say in a line, for people, what this process is doing."""
    line = " ".join(text.split())[:_MOST_TEXT]
    _try(b"STATUS=" + line.encode())


def beat_s() -> float | None:
    """Return how often `alive` is to be said, in seconds; None where nobody asks for it.

    Half of the time after which whoever listens takes a silent process for hung.
    """
    asked, of = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not asked.isdigit() or int(asked) == 0 or (of and of != str(os.getpid())):
        return None
    return int(asked) / 2e6


@cache
def _speaker() -> socket.socket:
    # Never connected: a listener that was replaced has the same name. Never waits: a
    # listener that is stopped must not stop those who trade.
    speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    speaker.setblocking(False)
    atexit.register(speaker.close)
    return speaker


def _say(message: bytes) -> None:
    address = os.environ.get("NOTIFY_SOCKET")
    if address:
        _speaker().sendto(message, address.replace("@", "\0", 1) if address[0] == "@" else address)


def _try(message: bytes) -> None:
    try:
        _say(message)
    except OSError:  # it is away, or has too much to hear: there will be another beat
        return

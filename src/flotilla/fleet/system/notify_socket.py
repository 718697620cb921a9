"""Hear what children say of themselves: systemd's NOTIFY_SOCKET protocol, from the other end.

A child says READY=1, WATCHDOG=1, STATUS=..., STOPPING=1 in a datagram (`flotilla.notify`, or
any library of sd_notify). The kernel adds who it is. What a process of the platform says that is
not its first one counts as well, as systemd has it with NotifyAccess=all; `whose` finds out by
what the kernel knows: its parents, its session, its control group. The mark in its environment
is no proof, as any process of the user can write one: nobody speaks for another.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from flotilla.fleet.system import tree

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid, as the kernel tells them
_LONGEST = 4096  # bytes of one message
_AT_ONCE = 256  # messages that are heard before others get their turn


class Heard(NamedTuple):
    """One message: from which process of which user, and its lines, KEY=value, by key."""

    pid: int
    uid: int
    said: dict[str, str]


class NotifySocket:
    """The listening end, at a path. Register `fileno()` with the loop, and `hear()` when it is readable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.unlink(missing_ok=True)  # of one that died: whoever holds the fleet's lock is alone
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        # Before there is an address: each message is then from somebody.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            self._socket.bind(str(path))
            path.chmod(0o600)
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the file descriptor."""
        return self._socket.fileno()

    def hear(self) -> list[Heard]:
        """Return what was said since, oldest first; at most some hundreds at once."""
        heard: list[Heard] = []
        for _ in range(_AT_ONCE):
            try:
                # No room for more than the credentials: descriptors that are sent along are let go.
                data, notes, flags, _ = self._socket.recvmsg(
                    _LONGEST, socket.CMSG_SPACE(_CREDENTIALS.size), socket.MSG_CMSG_CLOEXEC
                )
            except BlockingIOError:
                break
            who = [
                _CREDENTIALS.unpack(note)
                for level, kind, note in notes
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS)
            ]
            if who and not flags & socket.MSG_TRUNC:
                heard.append(Heard(who[0][0], who[0][1], words(data)))
        return heard

    def drop(self) -> None:
        """Stop listening; the address is another's by now."""
        self._socket.close()

    def close(self) -> None:
        """Stop listening, and take the address away."""
        self._socket.close()
        self.path.unlink(missing_ok=True)


def words(data: bytes) -> dict[str, str]:
    """Return the lines KEY=value of a message by their key; what is no such line is left out."""
    lines = (line.partition("=") for line in data.decode("utf-8", "replace").split("\n"))
    return {key: value for key, sign, value in lines if sign and key}


def whose(pid: int, leaders: Mapping[int, str], grouped: Callable[[int], str | None]) -> str | None:
    """Return the platform that `pid` is of, None where it is of none of this fleet's.

    leaders: the platforms by the process id of their first process. grouped: the one in whose control
    group a process is (Cgroups.platform_of).
    """
    if pid in leaders:
        return leaders[pid]
    if (platform := grouped(pid)) is not None:
        return platform
    seen = {os.getpid(), 0, 1}
    while pid not in seen:
        seen.add(pid)
        process = tree.read(pid)
        if process is None:
            return None
        for number in (process.parent, process.session):
            if number in leaders:
                return leaders[number]
        pid = process.parent
    return None

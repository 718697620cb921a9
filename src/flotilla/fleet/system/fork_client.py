"""Have processes forked: the supervisor's end of the fork server (fork_server.py).

A child is told of by itself, through a pipe that closes when it becomes its command or ends: its number
first, then what kept it. So nothing is unknown where the server dies in between: what was forked is known,
and where nothing was, another server is started and asked again.
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import signal
import socket
import sys
from contextlib import suppress

from flotilla.clock import monotonic_ns
from flotilla.errors import ProcessError
from flotilla.fleet.system import bare, fork_server, tree
from flotilla.fleet.system.fork import Birth

_PATIENCE_S = 10.0  # until a fork has become its command: one that hangs in exec (a dead NFS) is given up
_TRIES = 3
_LOOK_MS = 50  # between two looks whether it stands still
_HIGH = 10  # above the numbers that the server's descriptors are to have


class ForkServer:
    """A fork server, started when it is needed. fence: the fleet's lock. All from one thread."""

    def __init__(self, fence: int | None = None) -> None:
        self._fence = fence
        self._socket: socket.socket | None = None
        self.pid = 0  # 0 where none runs

    def fork(self, birth: Birth) -> tuple[int, str]:
        """Fork; return the child and what kept it from becoming its command, if anything did.

        ProcessError where there can be no fork: too many processes, no memory.
        """
        message = packed(birth)
        why = ""
        for _ in range(_TRIES):
            try:
                told = self._asked(message, descriptors(birth))
            except OSError as error:
                why = error.strerror or str(error)
            else:
                number, _, trouble = told.partition("\n")
                if number:
                    return int(number), trouble
                if trouble:
                    raise ProcessError(trouble)
                why = "it died over it"
            self.close()
        raise ProcessError(f"the fork server: {why}")

    def close(self) -> None:
        """End the server, if one runs."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(self.pid, 0)
        self.pid = 0

    def _asked(self, message: bytes, fds: list[int]) -> str:
        """Return what was told by the pipe, once its last end is closed: by exec, or by a death."""
        there = self._socket or self._started()
        heard, said = os.pipe2(os.O_CLOEXEC)
        try:
            try:
                sent = socket.send_fds(there, [message], [said, *fds])
                if sent < len(message):
                    there.sendall(message[sent:])
            finally:
                os.close(said)
            return self._read(heard)
        finally:
            os.close(heard)

    def _read(self, pipe: int) -> str:
        told = b""
        end_ns = monotonic_ns() + int(_PATIENCE_S * 1e9)
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        while monotonic_ns() < end_ns:
            if not poll.poll(_LOOK_MS):
                # A guard that was killed while it ended us may have left either of them standing still.
                if _stands(self.pid) or _stands(_number(told) or _newborn(self.pid)):
                    break
            elif part := os.read(pipe, 4096):
                told += part
            else:
                return told.decode(errors="replace")
        number = _number(told) or _newborn(self.pid)
        if not number:
            raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
        os.kill(number, signal.SIGKILL)
        return f"{number}\nits command: it stood still, or took longer than {_PATIENCE_S:g} s"

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(_PATIENCE_S)
        given = {fork_server.SOCKET: theirs.fileno()}
        if self._fence is not None:
            given[fork_server.FENCE] = self._fence
        aside: dict[int, int] = {}
        try:
            # High up first, where there is room: neither may be overwritten before its turn.
            aside = {number: fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH) for number, fd in given.items()}
            self.pid = os.posix_spawn(
                sys.executable,
                bare.command("fork_server", str(os.getpid())),
                os.environ,
                file_actions=[(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in aside.items()],
                setpgroup=0,  # of its own: who strikes it as a group does not strike us
                setsigmask=(),
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
            for fd in aside.values():
                os.close(fd)
        self._socket = ours
        return ours


def packed(birth: Birth) -> bytes:
    """Return a birth as a message, without its descriptors. ProcessError where a word holds a zero byte."""
    env = [f"{key}={value}" for key, value in birth.env.items()]
    limits = [f"{kind}:{most}" for kind, most in birth.rlimits]
    counts = [len(words) for words in (birth.argv, env, limits, birth.doors)]
    numbers = (birth.parent, int(birth.bound), int(birth.inside is not None), *counts)
    words = [*map(str, numbers), birth.folder or "", *birth.argv, *env, *limits]
    text = "\0".join(words)
    if text.count("\0") >= len(words):
        raise ProcessError("there is a zero byte in its command, its environment or its folder")
    data = os.fsencode(text)
    return len(data).to_bytes(fork_server.HEAD, "big") + data


def descriptors(birth: Birth) -> list[int]:
    """Return a birth's descriptors, in the order in which they are sent."""
    groups = [] if birth.inside is None else [birth.inside]
    return [birth.log, birth.nothing, *groups, *birth.doors, *birth.fds]


def _number(told: bytes) -> int:
    """Return the child's process id, 0 where it has not told it yet."""
    number, newline, _ = told.partition(b"\n")
    return int(number) if newline and number.isdigit() else 0


def _newborn(server: int) -> int:
    """Return the child that runs what the server runs still, and has not told its number; 0 for none."""
    for pid in tree.children(os.getpid()):
        if pid != server and b"fork_server" in (tree.content(f"/proc/{pid}/cmdline") or b""):
            return pid
    return 0


def _stands(pid: int) -> bool:
    """Return whether a child of ours was stopped (SIGSTOP)."""
    try:
        return pid != 0 and os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False

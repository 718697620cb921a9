"""Fork for the supervisor, in a process so small that it is copied quickly: `bare.py fork_server <pid>`.

A fork copies its parent's page tables, and then each of the two copies every page that it writes to:
of the supervisor's 30 MB that is a millisecond of its time, at every restart. This process has 4.

1. Each message on the socket is a birth (fork_client.py), with the descriptors that it needs.
2. `fork` makes a child of the *supervisor's* of it, not of ours: its exit code, its pidfd, its orphans
   and its tie (PDEATHSIG) are as if the supervisor had forked itself.
3. The child tells by a pipe of the supervisor's what became of it; we do where there was no fork.

It holds the fence (folder.py) as every fork does, and the kernel kills it when the supervisor dies: none
can be forked after that, and nobody else supervises before it is gone.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import sys

from flotilla.fleet.system.fork import Birth, fork

SOCKET, FENCE = 3, 4  # our descriptors, as we are started with them
HEAD = 8  # bytes: how long the rest of a message is
_PR_SET_PDEATHSIG = 1
_MOST_FDS = 64


def main(parent: str) -> int:
    """Fork for the process `parent`, ours, until it closes its end of the socket."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it ended before the kernel knew of our wish
        return 1
    for fd in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208
        if fd > 2:
            try:
                os.set_inheritable(fd, False)
            except OSError:  # the list of them was read by one that is closed again
                continue
    asked = socket.socket(fileno=SOCKET)
    while message := received(asked):
        data, fds = message
        said, *rest = fds
        try:
            fork(unpacked(data, rest), said)
        except OSError as error:
            os.write(said, f"\n{error.strerror}".encode())
        finally:
            for fd in fds:
                os.close(fd)
    return 0


def received(asked: socket.socket) -> tuple[bytes, list[int]] | None:
    """Return the next message and its descriptors, which no child inherits; None where there is no more."""
    data, notes, _, _ = asked.recvmsg(1 << 16, socket.CMSG_SPACE(4 * _MOST_FDS), socket.MSG_CMSG_CLOEXEC)
    fds: list[int] = []
    for _, _, numbers in notes:
        fds += [int.from_bytes(numbers[k : k + 4], sys.byteorder) for k in range(0, len(numbers), 4)]
    length = int.from_bytes(data[:HEAD], "big") + HEAD
    while data and len(data) < length:
        part = asked.recv(length - len(data))
        if not part:
            return None
        data += part
    return (data[HEAD:], fds) if data else None


def unpacked(data: bytes, fds: list[int]) -> Birth:
    """Return the birth that `fork_client.packed` made `data` of."""
    words = os.fsdecode(data).split("\0")
    parent, bound, groups, argc, envc, limitc, doorc = map(int, words[:7])
    folder, words = words[7], words[8:]
    argv, env, limits = words[:argc], words[argc : argc + envc], words[argc + envc : argc + envc + limitc]
    log, nothing, *fds = fds
    return Birth(
        parent,
        argv,
        {key: value for key, _, value in (word.partition("=") for word in env)},
        folder or None,
        [(int(kind), int(most)) for kind, _, most in (word.partition(":") for word in limits)],
        bound=bool(bound),
        log=log,
        nothing=nothing,
        inside=fds[0] if groups else None,
        doors=fds[groups : groups + doorc],
        fds=fds[groups + doorc :],
    )

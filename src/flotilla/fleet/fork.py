"""Make one process: fork, make the fork ready, become the command.

1. `fork` holds the signals back, so that what is meant for us does not run our handlers in the
   fork, and forks straight into the control group of version 2 where the kernel can (clone3):
   to join one later takes it 10 ms, and a child would for that long be outside.
2. `_become` is the fork: a session, a tie to its parent if wanted, groups of version 1, limits,
   its log; then exec. What goes wrong is told through a pipe that exec closes.

The fork keeps every descriptor of its parent until exec, the fence among them (folder.py).
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
from collections.abc import Collection
from typing import NamedTuple, NoReturn

from flotilla.errors import ProcessError
from flotilla.fleet import tree

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_CLONE_INTO_CGROUP, _CLONE3 = 0x2_0000_0000, 435
_libc = ctypes.CDLL(None, use_errno=True)
_prctl = _libc.prctl
# Keeps the interpreter's lock over the call: the fork goes on where its parent stood, with it.
_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_syscall.restype, _syscall.argtypes = ctypes.c_long, (ctypes.c_long, ctypes.c_char_p, ctypes.c_size_t)
_TROUBLE = 4096  # bytes


class Birth(NamedTuple):
    """All that a fork needs, made before it: there it shall do little, and look nothing up."""

    parent: int
    argv: tuple[str, ...]
    env: dict[str, str]
    folder: str | None
    log: int
    nothing: int  # /dev/null
    inside: int | None  # the folder of its control group of version 2
    doors: list[int]  # of those of version 1
    fds: Collection[int]
    rlimits: list[tuple[int, int]]
    bound: bool


def fork(birth: Birth) -> tuple[int, str]:
    """Fork, and return the child and what kept it from becoming its command, if anything did.

    OSError where there can be no fork: too many processes, no memory.
    """
    heard, said = os.pipe2(os.O_CLOEXEC)
    held = signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals())
    try:
        pid = _clone(birth.inside) if birth.inside is not None else -1
        joined = pid >= 0
        pid = pid if joined else os.fork()
        if pid == 0:
            _become(birth, said, joined)
    except OSError:
        os.close(heard)
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        os.close(said)
    with os.fdopen(heard, "rb") as pipe:
        return pid, pipe.read(_TROUBLE).decode(
            errors="replace"
        )  # ends when the child's end is closed, by exec


def _clone(group: int) -> int:
    """Fork into the control group whose folder is open as `group`; return -1 where that cannot be done."""
    if len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208
        return -1  # os.fork sees to the locks that other threads may hold
    words = struct.pack("11Q", _CLONE_INTO_CGROUP, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, group)
    return int(_syscall(_CLONE3, words, len(words)))


def _become(birth: Birth, said: int, joined: bool) -> NoReturn:
    """Become the command; in the fork."""
    what = "its session"
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)  # it is our parent's loop that it would wake
        for handled in signal.valid_signals():
            if signal.getsignal(handled) not in (signal.SIG_DFL, None):
                signal.signal(handled, signal.SIG_DFL)
        if birth.bound:
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != birth.parent:  # it ended before the kernel knew of our wish
            os._exit(127)
        what = "its control group"
        if birth.inside is not None and not joined:
            os.write(os.open("cgroup.procs", os.O_WRONLY, dir_fd=birth.inside), b"0")
        for door in birth.doors:
            os.write(door, b"0")
        what = "its limits"
        for kind, most in birth.rlimits:
            hard = resource.getrlimit(kind)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, least))
        for fd, number in ((birth.nothing, 0), (birth.log, 1), (birth.log, 2)):
            os.dup2(fd, number)
        for fd in birth.fds:
            os.set_inheritable(fd, True)
        what = f"its folder {birth.folder}"
        if birth.folder is not None:
            os.chdir(birth.folder)
        what = f"its command {birth.argv[0]}"
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        birth.env[tree.FIRST] = str(os.getpid())
        os.execvpe(birth.argv[0], birth.argv, birth.env)  # noqa: S606 no shell is wanted
    except (OSError, ValueError) as error:
        os.write(said, f"{what}: {getattr(error, 'strerror', None) or error}".encode()[:_TROUBLE])
    finally:
        os._exit(127)


def adopt_orphans() -> None:
    """Become the one that falls heir to the orphans among our descendants."""
    if _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise ProcessError(f"the kernel gives us no orphans: {os.strerror(ctypes.get_errno())}")

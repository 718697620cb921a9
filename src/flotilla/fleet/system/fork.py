"""Make one process: fork, make the fork ready, become the command.

1. `fork` forks straight into the control group of version 2 where the kernel can (clone3): to join
   one later takes it 10 ms, and a child would for that long be outside. The child is that of *our
   parent* (CLONE_PARENT): who asked for it is told of its end, and we never are.
2. `_become` is the fork: a session, a tie to its parent if wanted, groups of version 1, limits,
   its log; then exec. First of all it writes its number into a pipe that exec closes, and then
   what goes wrong, so that who reads the pipe to its end knows all there is to know.

The fork keeps every descriptor of ours until exec, the fence among them (folder.py). This runs in the fork
server: it imports next to nothing, as every page that is there is copied.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import struct

from flotilla.fleet.system.marks import FIRST

_PR_SET_PDEATHSIG = 1
# VFORK: we stand still until it is a command. Each page that we wrote to before would have to be copied.
_CLONE_VFORK, _CLONE_PARENT, _CLONE_INTO_CGROUP = 0x4000, 0x8000, 0x2_0000_0000
_CLONE3 = 435
# The older call, whose number differs: it is for sandboxes that do not let clone3 through.
_CLONE = {"x86_64": 56, "ppc64le": 120}.get(os.uname().machine, 220)
_prctl = ctypes.CDLL(None, use_errno=True).prctl
# Keeps the interpreter's lock over the call: the fork goes on where its parent stood, with it.
_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long
_SIGNALS = signal.valid_signals()
_LONGEST = 4096  # bytes of what went wrong


class Birth:
    """All that a fork needs, made before it: there it shall do little, and look nothing up."""

    def __init__(
        self,
        parent: int,  # whose child it is to be: ours
        argv: list[str],
        env: dict[str, str],
        folder: str | None,
        rlimits: list[tuple[int, int]],
        *,
        bound: bool,  # it is killed when `parent` ends
        log: int,  # from here on descriptors
        nothing: int,  # /dev/null
        inside: int | None = None,  # the folder of its control group of version 2
        doors: list[int] | None = None,  # of those of version 1
        fds: list[int] | None = None,  # that it keeps: as 3, 4, ...
    ) -> None:
        self.parent, self.argv, self.env, self.folder, self.rlimits = parent, argv, env, folder, rlimits
        self.bound, self.log, self.nothing, self.inside = bound, log, nothing, inside
        self.doors, self.fds = doors or [], fds or []


def fork(birth: Birth, said: int) -> None:
    """Fork; what became of it is read from the other end of the pipe `said`.

    OSError where there can be no fork: too many processes, no memory.
    """
    pid = -1
    if birth.inside is not None:
        pid = _clone3(birth.inside)
    joined = pid >= 0
    if not joined:
        pid = _clone()
    if pid == 0:
        _become(birth, said, joined)


def _clone3(group: int) -> int:
    """Fork into the control group whose folder is open as `group`; return -1 where that cannot be done."""
    words = struct.pack("11Q", _CLONE_VFORK | _CLONE_PARENT | _CLONE_INTO_CGROUP, *[0] * 9, group)
    return int(_syscall(ctypes.c_long(_CLONE3), words, ctypes.c_size_t(len(words))))


def _clone() -> int:
    flags = ctypes.c_ulong(_CLONE_VFORK | _CLONE_PARENT)
    pid = int(_syscall(ctypes.c_long(_CLONE), flags, *[ctypes.c_ulong(0)] * 4))
    if pid < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return pid


def _become(birth: Birth, said: int, joined: bool) -> None:
    """Become the command; in the fork, and never to return."""
    what = "its session"
    try:
        os.write(said, b"%d\n" % os.getpid())
        os.setsid()
        for handled in _SIGNALS:
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
        what = "its descriptors"
        said = _arranged(birth, said)
        what = "its limits"
        for kind, most in birth.rlimits:
            hard = resource.getrlimit(kind)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (least, least))
        what = f"its folder {birth.folder}"
        if birth.folder is not None:
            os.chdir(birth.folder)
        what = f"its command {birth.argv[0]}"
        birth.env[FIRST] = str(os.getpid())
        os.execvpe(birth.argv[0], birth.argv, birth.env)  # noqa: S606 no shell is wanted
    except (OSError, ValueError) as error:
        os.write(said, f"{what}: {getattr(error, 'strerror', None) or error}".encode()[:_LONGEST])
    finally:
        os._exit(127)


def _arranged(birth: Birth, said: int) -> int:
    """Give the descriptors their numbers: 0, 1, 2, and from 3 on what it keeps; return the pipe's."""
    wanted = (birth.nothing, birth.log, birth.log, *birth.fds)
    # First out of the way, so that none is overwritten before its turn.
    said, *aside = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, len(wanted)) for fd in (said, *wanted))
    for number, fd in enumerate(aside):
        os.dup2(fd, number)
    return said

"""Guard a supervisor: `bare.py guard <run folder> <adopt|bound> -- <supervisor's command>`.

A supervisor that dies cannot clean up after itself. So a smaller process, which does next to
nothing and so has little to die of, holds its pidfd, and falls heir to all its orphans:

1. `_start` runs the supervisor in a session of its own, so that a terminal's Ctrl-C comes here
   alone, and `_serve` waits: for its death, for what it says, for a signal to us.
2. SIGTERM and SIGINT become one SIGTERM to the supervisor, an orderly stop, once it is ready
   for one. When it has ended with 0, what is left is killed, and we end.
3. It dies, or is silent for half a minute, and the mode is `adopt`: the platforms run on, and a
   new supervisor finds them. The first comes at once, then later and later (`pause_s`), but
   the guard never leaves platforms that nobody looks after. A supervisor that ends by itself
   before it was ever ready has said why, and is not started again; nor is one that says that
   the run folder was taken from it (`LEFT`), and then nobody is killed.
4. In the mode `bound`: all descendants are killed, within 100 ms, those too that forked twice,
   left their session and dropped their environment; and none is started. There the guard
   itself is watched by its own parent, a twin that does the same for it.
5. What the supervisor says of itself goes on to whom we were started by (systemd: READY=1,
   STOPPING=1, WATCHDOG=1), as from us.

Only the standard library, and no site-packages: it has a few megabytes, and starts in 10 ms.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import struct
import sys
from collections.abc import Callable, Sequence

from flotilla.clock import monotonic_ns
from flotilla.fleet.system.sweep import reap, sweep_processes

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_prctl = ctypes.CDLL(None, use_errno=True).prctl
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid, as the kernel tells them
_PASSED_ON = {"READY", "STOPPING", "STATUS", "WATCHDOG"}
_SILENT_S = 30.0  # of one that was ready, or has beaten before, until it is taken for hung
_HELD_S = 10.0  # that one has to become ready, before it is asked to stop in any case
_LOOK_S = 1.0  # between two looks at how long it has been silent
_AT_ONCE = 64  # messages that are heard before anything else has its turn
_TRIES = 3  # of a supervisor that was asked to stop, and dies over it
_RECENT_NS = 60_000_000_000
_LONGEST_S = 30.0
_LOST = 1  # our exit code where the supervisor was lost
LEFT = 75  # the supervisor's, where the fleet is not its own any more, and nobody's to end


def pause_s(deaths: Sequence[int], now_ns: int) -> float:
    """Return how long to wait before the next supervisor, after `deaths` (monotonic ns, the last included).

    None for a first one in a minute, then 0.1 s, doubling to half a minute.
    """
    recent = sum(now_ns - death < _RECENT_NS for death in deaths)
    return 0.0 if recent <= 1 else min(0.1 * 2.0 ** (recent - 2), _LONGEST_S)


class Guard:
    """Runs `run`, which becomes the supervisor in a fork and never returns, and guards it."""

    def __init__(self, fleet: str, *, again: bool, run: Callable[[Guard], None]) -> None:
        self._fleet, self._again, self._run = fleet, again, run
        self._asked = self._told = self._ready = self._was_ready = False
        self._pid, self._pidfd, self._code = 0, -1, 0
        self._silent_s: float | None = None  # since it spoke; None for one that is not ready
        self._held_s = 0.0  # since it was to be told to stop, and was not ready for it
        self._deaths: list[int] = []
        self.me = os.getpid()
        self._upward = os.environ.get("NOTIFY_SOCKET")
        # In the run folder, so that nobody else can fill its queue: what the supervisor says would not fit.
        self._place = os.open(fleet, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._name = f"guard-{self.me}.sock"
        self._forget()
        self._ears = self._opened()
        self._awoken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes stops nobody's trading
        for what in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(what, lambda number, frame: None)  # noqa: ARG005 Python's own form
        if _prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
            sys.exit(f"the kernel gives us no orphans: {os.strerror(ctypes.get_errno())}")

    @property
    def address(self) -> str:
        """Return the NOTIFY_SOCKET of what we guard: short, however long the path of the run folder is."""
        return f"/proc/{self.me}/fd/{self._place}/{self._name}"

    def _opened(self) -> socket.socket:
        """Return new ears, at our place in the run folder; for us alone."""
        ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        before = os.umask(0o177)
        try:
            ears.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            ears.bind(f"/proc/self/fd/{self._place}/{self._name}")
        except OSError:
            ears.close()
            raise
        finally:
            os.umask(before)
        return ears

    def _listen_anew(self, poll: select.poll) -> None:
        """Open new ears where somebody removed our file: whoever spoke meanwhile was not heard."""
        if self._silent_s is not None:
            self._silent_s = 0.0
        try:
            ears = self._opened()
        except OSError:  # the disk is full, or the run folder is gone: the next look tries again
            return
        poll.unregister(self._ears)
        self._ears.close()
        self._ears = ears
        poll.register(ears, select.POLLIN)

    def leave(self) -> int:
        """Let go of what is ours, in a fork that does not exec; return a pidfd of who forked."""
        self._ears.close()
        os.close(self._place)
        os.close(self._awoken)
        above = os.pidfd_open(self.me)
        if os.getppid() != self.me:  # it ended before: the number is somebody else's
            os._exit(_LOST)
        return above

    def guard(self, leash: int | None = None) -> int:
        """Start, and guard until the end; return our exit code. leash: a pidfd, at whose end all ends."""
        try:
            return self._guarded(leash)
        finally:
            self._forget()

    def _guarded(self, leash: int | None) -> int:
        while True:
            if self._started():
                if self._serve(leash):
                    sweep_processes(self._fleet, others=self._was_ready)
                    return _LOST
                if self._over():
                    return self._end()
            elif self._asked and len(self._deaths) >= _TRIES:
                return self._end()
            self._deaths.append(monotonic_ns())
            self._wait(pause_s(self._deaths, monotonic_ns()))

    def _started(self) -> bool:
        """Start a supervisor; return False where there can be none for now: processes, memory, descriptors.

        That is as good as one that died at once; only a first one is not tried again.
        """
        try:
            self._start()
        except OSError as error:
            why = f"no supervisor could be started: {error.strerror}"
            if not (self._again and self._was_ready):
                sys.exit(why)
            sys.stderr.write(f"{why}\n")
            return False
        return True

    def _start(self) -> None:
        self._ready, self._told, self._silent_s, self._held_s = False, False, None, 0.0
        held = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
        except OSError:
            signal.pthread_sigmask(signal.SIG_SETMASK, held)
            raise
        if pid == 0:
            try:
                for what in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP):
                    signal.signal(what, signal.SIG_DFL)
                signal.set_wakeup_fd(-1)  # it is our poll that it would wake
                signal.pthread_sigmask(signal.SIG_SETMASK, held)
                self._run(self)
            finally:
                os._exit(127)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        try:
            self._pid, self._pidfd = pid, os.pidfd_open(pid)
        except OSError:  # nobody could watch it
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise

    def _serve(self, leash: int | None) -> bool:
        """Wait until the supervisor is dead; return True where the leash was let go before."""
        poll = select.poll()
        for fd in (self._pidfd, self._ears.fileno(), self._awoken, *(() if leash is None else (leash,))):
            poll.register(fd, select.POLLIN)
        before_ns = monotonic_ns()
        while True:
            if not os.path.exists(self.address):  # noqa: PTH110
                self._listen_anew(poll)
            happened = {fd for fd, _ in poll.poll(_LOOK_S * 1000)}
            # By the clock, as anybody may wake us; no look counts for more than its time, since
            # while we stood still, as a machine may, nobody was silent.
            passed_s = min((monotonic_ns() - before_ns) / 1e9, _LOOK_S)
            before_ns = monotonic_ns()
            self._silent_s = None if self._silent_s is None else self._silent_s + passed_s
            self._held_s += passed_s if self._asked and not self._told else 0.0
            if leash in happened:
                return True
            if self._ears.fileno() in happened:
                self._hear()
            if self._awoken in happened:
                self._on_signals()
            if self._pidfd in happened:
                self._bury()
                return False
            if self._held_s >= _HELD_S:
                self._stop()
            if self._silent_s is not None and self._silent_s > _SILENT_S:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def _wait(self, seconds: float) -> None:
        """Let time pass before the next supervisor: reaping, and taking note of who asks us to stop."""
        poll = select.poll()
        poll.register(self._awoken, select.POLLIN)
        end_ns = monotonic_ns() + int(seconds * 1e9)
        while not self._asked and (left_ns := end_ns - monotonic_ns()) > 0:
            if poll.poll(min(left_ns / 1e6, 1000)):
                self._on_signals()
            self._tell(b"WATCHDOG=1")  # for us it is: we look after it

    def _on_signals(self) -> None:
        for number in os.read(self._awoken, 4096):
            if number == signal.SIGCHLD:
                continue
            # Held back until it has its handlers; who insists is obeyed.
            if self._ready or self._asked:
                self._stop()
            self._asked = True
        reap(self._pid)

    def _stop(self) -> None:
        if self._pidfd >= 0:
            self._told, self._held_s = True, 0.0
            signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)

    def _hear(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, notes, _, _ = self._ears.recvmsg(4096, socket.CMSG_SPACE(_CREDENTIALS.size))
            except BlockingIOError:
                return
            pids = [_CREDENTIALS.unpack(note)[0] for _, kind, note in notes if kind == socket.SCM_CREDENTIALS]
            if pids == [self._pid]:
                self._heard(data)

    def _heard(self, data: bytes) -> None:
        lines = [line for line in data.split(b"\n") if line.partition(b"=")[0].decode() in _PASSED_ON]
        if b"WATCHDOG=1" in lines or b"READY=1" in lines:
            self._silent_s = 0.0
        if b"READY=1" in lines:
            if self._asked and not self._told:
                self._stop()
            self._ready = self._was_ready = True
            lines.append(b"MAINPID=%d" % os.getpid())
        if lines:
            self._tell(b"\n".join(lines))

    def _tell(self, message: bytes) -> None:
        if not self._upward:
            return
        address = "\0" + self._upward[1:] if self._upward[0] == "@" else self._upward
        try:
            self._ears.sendto(message, address)
        except OSError:  # it is away, or has too much to hear: it will be told again
            return

    def _forget(self) -> None:
        """Remove our socket, and those of guards that were killed."""
        for name in os.listdir(self._place):  # noqa: PTH208
            of = name.removeprefix("guard-").removesuffix(".sock")
            if name == self._name or (name == f"guard-{of}.sock" and not os.path.exists(f"/proc/{of}")):  # noqa: PTH110
                try:
                    os.unlink(name, dir_fd=self._place)
                except FileNotFoundError:  # another guard tidies too
                    continue

    def _bury(self) -> None:
        _, status = os.waitpid(self._pid, 0)
        self._code = os.waitstatus_to_exitcode(status)
        os.close(self._pidfd)
        self._pid, self._pidfd = 0, -1

    def _over(self) -> bool:
        """Return whether this was the last supervisor."""
        if not self._again or self._code in (0, LEFT):
            return True
        obeyed = self._told and self._code == -signal.SIGTERM
        return obeyed or self._refused() or (self._asked and len(self._deaths) >= _TRIES)

    def _refused(self) -> bool:
        """Return whether it ended by itself, and was never ready: it will say the same the next time."""
        return self._code > 0 and not self._was_ready

    def _end(self) -> int:
        if not (self._again and (self._refused() or self._code == LEFT)):
            sweep_processes(self._fleet, others=self._was_ready, unless_held=self._again)
        return self._code if self._code >= 0 else _LOST


def _tie() -> None:
    """Stop in order when who started us ends, if it wishes so: FLOTILLA_TIED is its process id."""
    parent = os.environ.pop("FLOTILLA_TIED", None)
    if parent is None:
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # it ended before the kernel knew of our wish
        sys.exit("whoever started this is gone")


def main(fleet: str, mode: str, dashes: str, *command: str) -> int:
    """Guard the supervisor that is run by `command` over the run folder `fleet`; return the exit code."""
    if mode not in {"adopt", "bound"} or dashes != "--" or not command:
        sys.exit("usage: guard <run folder> <adopt|bound> -- <command...>")
    _tie()
    fleet = os.path.realpath(fleet)
    kept = "NOTIFY_SOCKET" in os.environ  # systemd waits for our word, and starts another of us if we die

    def supervise(guard: Guard) -> None:
        os.setsid()
        env = os.environ | {"FLOTILLA_GUARD": str(os.getppid()), "NOTIFY_SOCKET": guard.address}
        if kept:
            env["FLOTILLA_KEPT"] = "1"
        env.pop("WATCHDOG_PID", None)
        os.execvpe(command[0], command, env)  # noqa: S606 no shell is wanted

    def twin(guard: Guard) -> None:
        os.environ["NOTIFY_SOCKET"] = guard.address
        above = guard.leave()
        os.setsid()
        os._exit(Guard(fleet, again=False, run=supervise).guard(above))

    if mode == "adopt":
        return Guard(fleet, again=True, run=supervise).guard()
    return Guard(fleet, again=False, run=twin).guard()

"""Start commands in order, watch them, stop them in reverse.

1. `start` runs each command once those before it have said that they are ready (a datagram
   on $NOTIFY_SOCKET, `flotilla.notify`; the kernel says whose it is, so nobody else's counts).
   One that needs only what the command before it needs may start `beside` it.
2. `poll` and `wait` watch: a process that dies is known at once, by its pidfd. One that may
   not end, or ends badly, takes the rest down, and `ProcessError` names it with the last
   lines of its log.
3. `stop` goes back from the last to the first: SIGTERM, `stop_s` to drain, SIGKILL for it
   and its process group (`next_signal` decides). The same happens when this process is
   sent SIGTERM or SIGINT, and at the end of the `with`.

Every command has a session of its own, and a leash: when this process dies, however, so
do they (leash.py). What they started in their group dies with them at a stop, though not
with us; a grandchild that leaves the group (setsid) is its parent's to stop. Finding those
takes a control group, which a supervisor has.

The leash is held by the thread that started them, so all of it is for the main thread.
"""

from __future__ import annotations

import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType, MappingProxyType, TracebackType
from typing import Any, NamedTuple

from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError, ProcessError

_LEASH = Path(__file__).with_name("leash.py")
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid, as the kernel tells them
_LAST_LINES = 20
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")  # of a command, and of its log


class Command(NamedTuple):
    """What to run."""

    name: str
    argv: tuple[str, ...]
    beside: bool = False  # does not wait for the command before it
    ends: bool = False  # may end by itself, with exit code 0
    ready_s: float = 30.0  # how long it may take until it is ready
    env: Mapping[str, str] = MappingProxyType({})  # added to ours


class Watched(NamedTuple):
    """What the stop ladder looks at."""

    name: str
    alive: bool
    asked_ns: int | None = None  # when SIGTERM was sent
    killed: bool = False


class Send(NamedTuple):
    """A signal that is due."""

    name: str
    signal: signal.Signals


def next_signal(started: Sequence[Watched], now_ns: int, stop_ns: int) -> Send | None:
    """Return the signal that is due, None where there is only waiting to do.

    The last started that is alive is asked to stop; after `stop_ns` it is killed; the one
    before it is asked only when it is gone, since it may be needed until then.
    """
    for process in reversed(started):
        if not process.alive:
            continue
        if process.asked_ns is None:
            return Send(process.name, signal.SIGTERM)
        if now_ns - process.asked_ns >= stop_ns and not process.killed:
            return Send(process.name, signal.SIGKILL)
        return None
    return None


class _Child:
    """A process that was started."""

    def __init__(self, command: Command, process: subprocess.Popen[bytes], log: Path) -> None:
        self.command, self.process, self.log = command, process, log
        self.ready = False
        self.deadline_ns = monotonic_ns() + int(command.ready_s * 1e9)
        self.exit_code: int | None = None
        self.asked_ns: int | None = None
        self.killed = False
        self.pidfd = os.pidfd_open(process.pid)

    def watched(self) -> Watched:
        return Watched(self.command.name, self.exit_code is None, self.asked_ns, self.killed)

    def send(self, what: signal.Signals) -> None:
        if what is signal.SIGKILL:
            self.killed = True
            self.kill_group()
        else:
            self.asked_ns = monotonic_ns()
            signal.pidfd_send_signal(self.pidfd, what)

    def kill_group(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return

    def buried(self) -> None:
        """Take note of its end, and of its group with it."""
        self.kill_group()  # before wait(): until then the kernel gives the number to nobody else
        self.exit_code = self.process.wait()
        os.close(self.pidfd)

    def last_words(self) -> str:
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return "\n".join([f"the last lines of {self.log}:", *lines[-_LAST_LINES:]])


class Launcher:
    """Runs commands. `with Launcher(commands, logs) as fleet: fleet.start(); fleet.wait()`."""

    def __init__(self, commands: Sequence[Command], logs: Path, *, stop_s: float = 10.0) -> None:
        names = [command.name for command in commands]
        if strange := [name for name in names if not _NAME.fullmatch(name) or names.count(name) > 1]:
            raise ConfigError(f"commands have names of their own that match {_NAME.pattern}, not {strange}")
        self.stop_asked = False
        self._commands, self._logs = tuple(commands), logs
        self._stop_ns = int(stop_s * 1e9)
        self._children: list[_Child] = []
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Launcher:
        if threading.current_thread() is not threading.main_thread():
            raise ProcessError("processes are started by the main thread: they die with the one that does")
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._ears.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._ears.bind("")  # the kernel picks a name that is no file
        self._awoken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._wakeup = signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        for what in (signal.SIGTERM, signal.SIGINT):
            self._handlers[what] = signal.signal(what, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        for what, handler in self._handlers.items():
            signal.signal(what, handler)
        signal.set_wakeup_fd(self._wakeup)
        os.close(self._awoken)
        os.close(self._wake)
        self._ears.close()

    @property
    def exit_codes(self) -> dict[str, int]:
        """Return the exit codes of those that have ended; -9 is a SIGKILL."""
        ended = {child.command.name: child.exit_code for child in self._children}
        return {name: code for name, code in ended.items() if code is not None}

    @property
    def pids(self) -> dict[str, int]:
        """Return the process ids of those that run."""
        return {child.command.name: child.process.pid for child in self._children if child.exit_code is None}

    def start(self) -> None:
        """Start the commands, each once those before it are ready; stop early if asked to."""
        for command in self._commands:
            if not command.beside:
                self._await_ready()
            if self.stop_asked:
                return
            self._spawn(command)
        self._await_ready()

    def poll(self, timeout_s: float) -> bool:
        """Watch for up to `timeout_s`; return whether all have ended, or we were asked to stop."""
        if not self._over():
            self._look(timeout_s)
        return self._over()

    def wait(self) -> dict[str, int]:
        """Watch until all have ended, stopping them when asked to; return their exit codes."""
        while not self.poll(60.0):
            pass
        return self.stop()

    def stop(self) -> dict[str, int]:
        """Stop all that run, the last started first; return the exit codes."""
        self.stop_asked = True
        while any(child.exit_code is None for child in self._children):
            watched = [child.watched() for child in self._children]
            if due := next_signal(watched, monotonic_ns(), self._stop_ns):
                self._child(due.name).send(due.signal)
            else:
                self._watch(0.05)
        return self.exit_codes

    def _await_ready(self) -> None:
        """Watch until all that were started are ready."""
        while not self.stop_asked and (late := [child for child in self._children if not child.ready]):
            left_ns = min(child.deadline_ns for child in late) - monotonic_ns()
            if left_ns <= 0:
                self.stop()
                child = min(late, key=lambda child: child.deadline_ns)
                waited = f"{child.command.name} was not ready within {child.command.ready_s:g} s"
                raise ProcessError(f"{waited}; {child.last_words()}")
            self._look(left_ns / 1e9)

    def _over(self) -> bool:
        return self.stop_asked or all(child.exit_code is not None for child in self._children)

    def _spawn(self, command: Command) -> _Child:
        log = self._logs / f"{command.name}.log"
        leash = (sys.executable, "-I", "-S", str(_LEASH), str(os.getpid()))
        name = self._ears.getsockname()
        env = {**os.environ, **command.env, "NOTIFY_SOCKET": "@" + name[1:].decode()}
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as out:
            process = subprocess.Popen(
                [*leash, *command.argv],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(_Child(command, process, log))
        return self._children[-1]

    def _look(self, timeout_s: float) -> None:
        """Watch; a death that should not be stops the rest."""
        for child in self._watch(timeout_s):
            if child.command.ends and child.exit_code == 0:
                child.ready = True  # it is done: what comes after it may start
            elif not self.stop_asked:
                self.stop()
                raise ProcessError(f"{child.command.name} {_end(child)}; {child.last_words()}")

    def _watch(self, timeout_s: float) -> list[_Child]:
        """Wait for something to happen, take note of it, and return who died."""
        poll = select.poll()
        poll.register(self._ears, select.POLLIN)
        poll.register(self._awoken, select.POLLIN)
        running = {child.pidfd: child for child in self._children if child.exit_code is None}
        for pidfd in running:
            poll.register(pidfd, select.POLLIN)
        happened = {fd for fd, _ in poll.poll(max(timeout_s, 0.0) * 1e3)}
        if self._awoken in happened:
            os.read(self._awoken, 64)
        if self._ears.fileno() in happened:
            self._hear()
        dead = [child for pidfd, child in running.items() if pidfd in happened]
        for child in dead:
            child.buried()
        return dead

    def _hear(self) -> None:
        message, ancillary, _, _ = self._ears.recvmsg(256, socket.CMSG_SPACE(_CREDENTIALS.size))
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
                pid, _, _ = _CREDENTIALS.unpack(data)
                for child in self._children:
                    if child.process.pid == pid and b"READY=1" in message.split(b"\n"):
                        child.ready = True

    def _child(self, name: str) -> _Child:
        return next(child for child in self._children if child.command.name == name)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 Python's own form
        self.stop_asked = True


def _end(child: _Child) -> str:
    when = "" if child.ready else " before it was ready"
    if child.exit_code is not None and child.exit_code < 0:
        return f"was killed by {signal.Signals(-child.exit_code).name}{when}"
    return f"ended with exit code {child.exit_code}{when}"

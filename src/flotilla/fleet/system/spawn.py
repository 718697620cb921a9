"""Start, signal and end processes: with fork_server.py below it, the only file of the fleet that does.

1. `spawn` has the fork server fork, and the fork makes itself ready (fork.py): a session of its own,
   its control group, its limits, its log, its mark in the environment; then it becomes the command.
   What goes wrong on the way comes back as a `ProcessError`, as if it were here.
2. Who was spawned is watched by its pidfd: it is readable when all of it has ended, and it is
   never somebody else's. `bury` reads the exit code then. Every signal goes by pidfd too.
3. `kill_tree` ends a platform with all that it has started, and returns when none is left:
   at one word where the kernel knows the group, else by a walk (tree.py) that first stops
   whom it finds, so that none forks away, and then kills them.
4. This process is a subreaper: whom a dead child leaves behind falls to it, and is `reap`ed.

In `bound` mode the kernel kills a child when the thread that forked it ends: so everything
here is for one thread. What a child forked is not tied so; it is the guard's to end.
"""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import os
import resource
import signal
import struct
from collections.abc import Callable, Collection, Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from flotilla.clock import monotonic_ns
from flotilla.errors import ProcessError
from flotilla.fleet.folder import Folder
from flotilla.fleet.spec import Platform
from flotilla.fleet.system import kill, marks, tree
from flotilla.fleet.system.cgroup import Cgroups, ControlGroup, Limits
from flotilla.fleet.system.fork import Birth
from flotilla.fleet.system.fork_client import ForkServer
from flotilla.fleet.system.logs import open_log

# Of the supervisor itself, and nothing to its children. LISTEN_*: descriptors that they do not get.
_OURS = {
    *("FLOTILLA_GUARD", "FLOTILLA_KEPT", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PID"),
    *("WATCHDOG_PID", "WATCHDOG_USEC"),
}
_HEADROOM = 1.5  # of the kernel's limit on memory above the declared one: time to ask before it kills
_MB = 1 << 20
_DEADLINE_S = 10.0  # until what was killed must be gone
_PR_SET_CHILD_SUBREAPER = 36
# linux/pidfd.h: struct pidfd_info, of which we want the mask and the exit code.
_INFO = struct.Struct("=Q52xi")
_GET_INFO, _INFO_EXIT = 0xC040_FF0B, 1 << 3


class Child(NamedTuple):
    """The first process of a platform that runs. `ours`: we forked it; else we are not told its exit code."""

    name: str
    pid: int
    pidfd: int
    start_ticks: int
    generation: int
    ours: bool = True


class Spawner:
    """Starts and ends the platforms of the fleet in `folder`. One thread, and one of these, a process."""

    def __init__(
        self,
        folder: Folder,
        mode: str = "adopt",
        cgroups: Cgroups | None = None,
        *,
        fence: int | None = None,
    ) -> None:
        """fence: the descriptor of the fleet's lock, which every fork holds until it is a command."""
        self.fleet = str(folder.path)
        self.cgroups = Cgroups(folder.path) if cgroups is None else cgroups
        self._folder, self._bound = folder, mode == "bound"
        self._nothing = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._env = {key: value for key, value in os.environ.items() if key not in _OURS}
        self._server = ForkServer(fence)
        folder.groups.write_text("".join(f"{path}\n" for path in self.cgroups.folders()))
        self._children: dict[int, Child] = {}
        self._groups: dict[str, ControlGroup] = {}  # by platform
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # ignored, as nohup may leave it, exit codes are lost
        _adopt_orphans()

    def spawn(
        self,
        name: str,
        platform: Platform,
        generation: int,
        *,
        env: Mapping[str, str] = MappingProxyType({}),
        fds: Collection[int] = (),
    ) -> Child:
        """Start `platform`, and return when it has become its command; `ProcessError` where it cannot.

        env: added to what the fleet's file gives it. fds: descriptors that it keeps: as 3, 4, ...
        """
        limits, group = self._limits(platform), self._groups.get(name)
        try:
            if group is None or not group.serves_again(limits):
                group = self.cgroups.make(name, limits)
            inside, doors = group.inside(), group.doors()
            log = open_log(self._folder.log(name))
        except OSError as error:
            raise ProcessError(f"{name} cannot be started: {error}") from error
        birth = Birth(
            os.getpid(),
            list(platform.command),
            self._environment(name, platform, generation) | dict(env),
            platform.folder,
            self._rlimits(platform),
            bound=self._bound,
            log=log,
            nothing=self._nothing,
            inside=inside,
            doors=doors,
            fds=list(fds),
        )
        try:
            pid, trouble = self._server.fork(birth)
        except ProcessError as error:
            raise ProcessError(f"{name} cannot be started: {error}") from error
        finally:
            for fd in (log, *doors, *(() if inside is None else (inside,))):
                os.close(fd)
        if trouble:
            os.waitpid(pid, 0)
            raise ProcessError(f"{name} cannot be started: {trouble}")
        found = tree.read(pid)  # there until we bury it
        child = Child(name, pid, _watched(name, pid), found.start_ticks if found else 0, generation)
        self._children[pid], self._groups[name] = child, group
        return child

    def take(self, child: Child) -> None:
        """Look after `child`, which an earlier supervisor started (adopt.py)."""
        self._children[child.pid] = child
        self._groups[child.name] = self.cgroups.of(child.name, child.pid)

    def terminate(self, child: Child) -> None:
        """Ask `child` to end."""
        self.send(child, signal.SIGTERM)

    def send(self, child: Child, what: signal.Signals) -> None:
        """Send a signal to the first process of a platform; to one that has ended it does nothing.

        ProcessError where the kernel does not let us: it has become another user's.
        """
        try:
            signal.pidfd_send_signal(child.pidfd, what)
        except ProcessLookupError:
            return
        except PermissionError as error:
            text = f"it may not be sent {what.name}: process {child.pid} runs as another user than we do"
            raise ProcessError(text) from error

    def bury(self, child: Child) -> int | None:
        """Return the exit code of `child`, whose pidfd is readable, and forget it; -9 is a SIGKILL.

        None where it is not known: another process was its parent, and a kernel before 6.15 tells only that.
        """
        self._children.pop(child.pid, None)
        try:
            end = os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED) if child.ours else None
            if end is None:
                status = _status(child)
                return None if status is None else os.waitstatus_to_exitcode(status)
            return end.si_status if end.si_code == os.CLD_EXITED else -end.si_status
        except ChildProcessError:  # somebody else has waited for it
            return None
        finally:
            os.close(child.pidfd)

    def leftovers(self, child: Child) -> list[int]:
        """Return what `child`, which has ended, left running; quickly, as it stands in a restart's way.

        It misses who has no mark, another session and no control group: the guard ends those.
        """
        group = self._groups.get(child.name)
        if group is not None and group.tracks:
            return sorted(group.pids() - {child.pid})
        if not child.ours:
            return sorted(self._find(child))
        return [
            pid for pid in self._orphans() if self._whose(pid) == child.name or _session(pid) == child.pid
        ]

    async def kill_tree(self, child: Child, deadline_s: float = _DEADLINE_S) -> int:
        """Kill all of a platform, dead `child` or not; return how many were killed, when none is left.

        What does not go within `deadline_s` is named by a `ProcessError`.
        """
        group = self._groups.get(child.name) or ControlGroup({})
        if child.pid not in self._children and group.tracks and not group.pids():
            # All that it started was in it: a walk over the whole machine would find no more. What left its
            # group of its own accord, as root may, is found when the fleet goes down.
            self._groups.pop(child.name, None)
            group.remove()
            return 0
        killed = await self._end([group], lambda: self._find(child), deadline_s)
        if child.pid not in self._children or not tree.alive(child.pid, child.start_ticks):
            self._groups.pop(child.name, None)
            group.remove()
        return killed

    async def kill_all(self, deadline_s: float = _DEADLINE_S) -> int:
        """Kill all of the fleet, and whatever else has fallen to us; return how many, when none is left."""
        leaders = {child.pid: child.start_ticks for child in self._children.values()}

        def look() -> dict[int, tree.Process]:
            return tree.find(self.fleet, leaders=leaders, roots=[os.getpid()])

        self.close()
        killed = await self._end([*self._groups.values(), *self.cgroups.there()], look, deadline_s)
        self.cgroups.remove()
        return killed

    def close(self) -> None:
        """Start nothing any more. What runs goes on."""
        self._server.close()

    async def kill(self, processes: Iterable[tree.Process], deadline_s: float = _DEADLINE_S) -> int:
        """Kill `processes`, such as strays, and no other; return how many, when none is left."""
        some = {process.pid: process for process in processes}

        def look() -> dict[int, tree.Process]:
            return {pid: one for pid, one in some.items() if tree.alive(pid, one.start_ticks)}

        return await self._end([], look, deadline_s)

    def reap(self) -> list[int]:
        """Bury orphans that fell to us and have ended; return them. Platforms' exit codes are left alone."""
        buried = []
        for pid in tree.children(os.getpid()):
            if pid not in self._children and pid != self._server.pid:
                try:
                    if os.waitpid(pid, os.WNOHANG)[0]:
                        buried.append(pid)
                except ChildProcessError:
                    continue
        return buried

    def _environment(self, name: str, platform: Platform, generation: int) -> dict[str, str]:
        env = self._env | platform.env
        env |= {marks.FLEET: self.fleet, marks.PLATFORM: name, marks.GENERATION: str(generation)}
        env["NOTIFY_SOCKET"] = str(self._folder.socket("notify"))
        if platform.log.level is not None:
            env["FLOTILLA_LOG_LEVEL"] = platform.log.level
        if platform.health is not None and platform.health.heartbeat_s is not None:
            # sd_notify's rule: who is asked beats twice in that time.
            env["WATCHDOG_USEC"] = str(int(platform.health.heartbeat_s * 2e6))
        return env

    def _limits(self, platform: Platform) -> Limits:
        asked = platform.required_resources
        # Who holds positions is asked to settle, and never meets a kernel that kills.
        held = platform.holds_positions or asked.memory_mb is None
        memory = None if held else int((asked.memory_mb or 0) * _MB * _HEADROOM)
        return Limits(memory, asked.processes, asked.cpu_cores)

    def _rlimits(self, platform: Platform) -> list[tuple[int, int]]:
        """Return the limits of each process: of what no group limits, an approximation."""
        asked, limits = platform.required_resources, self._limits(platform)
        rlimits = [(resource.RLIMIT_CORE, 0)]
        if asked.open_files is not None:
            rlimits.append((resource.RLIMIT_NOFILE, asked.open_files))
        if limits.memory is not None and "memory" not in self.cgroups.limits:
            # DATA and not AS: numerical libraries reserve much more address space than they write to.
            rlimits.append((resource.RLIMIT_DATA, limits.memory))
        if limits.pids is not None and "pids" not in self.cgroups.limits:
            # The kernel counts all of the user's, so we count those that are there already.
            user = os.getuid()
            there = sum(p.threads for p in tree.table().values() if tree.user(p.pid) == user)
            rlimits.append((resource.RLIMIT_NPROC, there + limits.pids))
        return rlimits

    def _find(self, child: Child) -> dict[int, tree.Process]:
        leaders = {child.pid: child.start_ticks}
        found = tree.find(self.fleet, child.name, leaders=leaders)
        group = self._groups.get(child.name)
        for pid in group.pids() if group is not None else ():
            process = tree.read(pid)
            if process is not None and not process.ended:
                found[pid] = process
        return found

    def _orphans(self) -> list[int]:
        """Return what runs below us, and below no platform that we know."""
        stack, found = [os.getpid()], []
        while stack:
            below = [pid for pid in tree.children(stack.pop()) if pid not in self._children]
            below = [pid for pid in below if pid != self._server.pid]
            found += below
            stack += below
        return [pid for pid in found if (process := tree.read(pid)) is not None and not process.ended]

    def _whose(self, pid: int) -> str | None:
        mark = tree.mark_of(pid)
        return mark.platform if mark is not None and mark.fleet == self.fleet else None

    async def _end(
        self, groups: list[ControlGroup], look: Callable[[], dict[int, tree.Process]], deadline_s: float
    ) -> int:
        killed: set[int] = set()
        end_ns = monotonic_ns() + int(deadline_s * 1e9)
        wait_s, quiet = 0.001, 0
        # Twice: a process that becomes another program has for a moment no environment to be known by.
        while quiet < 2:
            for group in groups:
                killed |= group.pids()
                group.kill()
            left = look()
            quiet = quiet + 1 if not left else 0
            if left:
                if monotonic_ns() >= end_ns:
                    raise ProcessError(f"{sorted(left)} were killed, and have not gone in {deadline_s:g} s")
                killed |= left.keys()
                kill.sweep(left, look)
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, 0.02)
            self.reap()
        return len(killed)


def _status(child: Child) -> int | None:
    """Return the wait status of one that has ended and is not ours, before or after its parent looked."""
    if (status := tree.exit_status(child.pid, child.start_ticks)) is not None:
        return status
    info = bytearray(_INFO.size)
    _INFO.pack_into(info, 0, _INFO_EXIT, 0)
    try:
        fcntl.ioctl(child.pidfd, _GET_INFO, info)
    except OSError:  # the kernel knows no such question
        return None
    mask, status = _INFO.unpack(info)
    return int(status) if mask & _INFO_EXIT else None


def _watched(name: str, pid: int) -> int:
    """Return a pidfd of a child; where there is none to be had, nobody could watch it: it ends."""
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        os.killpg(pid, signal.SIGKILL)  # the group is its own, and it may have children by now
        os.waitpid(pid, 0)
        raise ProcessError(f"{name} cannot be watched: {error.strerror}") from error


def _adopt_orphans() -> None:
    """Become the one that falls heir to the orphans among our descendants."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise ProcessError(f"the kernel gives us no orphans: {os.strerror(ctypes.get_errno())}")


def _session(pid: int) -> int | None:
    process = tree.read(pid)
    return None if process is None else process.session

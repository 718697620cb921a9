"""Carry out what was decided: the supervisor's hands, with spawn.py's tools.

Every platform that runs has a `Child` here, watched by its pidfd in the loop; what happens to it is
told as an event. A process that is gone is buried, and what it left behind is killed, before the
next one of its platform may begin: a `Spawn` waits for that (`_sweep`).
"""

from __future__ import annotations

import asyncio
import random
import signal
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from flotilla.errors import ProcessError
from flotilla.fleet.rules.plan import birth
from flotilla.fleet.rules.states import (
    Alert,
    Drain,
    Drained,
    Exited,
    Instruction,
    Kill,
    PlatformEvent,
    Shed,
    Spawn,
    Spawned,
    SpawnFailed,
    Sweep,
    Terminate,
)
from flotilla.fleet.spec import Platform
from flotilla.fleet.system import logs, probe
from flotilla.fleet.system.spawn import Child, Spawner

_APART_S = 0.005  # two births: a storm of them starves nobody who asks
_ASK_S = 5.0  # to answer that it will use less
_RETIRE_S = 30.0  # to go, for one whose part of the fleet's file is no longer there to say how long


class Executor:
    """Acts on platforms. tell: takes the events. alert: takes what no event says. log: of a platform."""

    def __init__(
        self,
        spawner: Spawner,
        platform: Callable[[str], Platform],
        tell: Callable[[PlatformEvent], None],
        alert: Callable[[Alert], None],
        log: Callable[[str], Path],
    ) -> None:
        self.children: dict[str, Child] = {}
        self.begins: dict[str, int] = {}  # where in its log the run of a platform begins
        self.births: dict[str, str] = {}  # what it was started by (plan.birth),
        self._given: dict[str, Platform] = {}  # said at length
        self.parting: set[str] = set()  # those that say that they end
        self._log = log
        self._spawner, self._platform, self._tell, self._alert = spawner, platform, tell, alert
        self._loop = asyncio.get_running_loop()
        self._births: deque[Spawn] = deque()  # the first is being started, or is to be next
        self._free_at = 0.0  # when the next may be
        self._sweeping: dict[str, Spawn | None] = {}  # and who waits for it
        self._dead: dict[str, Child] = {}  # the latest that was buried
        self._tasks: set[asyncio.Task[None]] = set()
        self._random = random.SystemRandom()

    @property
    def leaders(self) -> dict[int, str]:
        """Return whose each first process is."""
        return {child.pid: name for name, child in self.children.items()}

    def do(self, order: Instruction) -> None:
        """Carry out an instruction about a process."""
        match order:
            case Spawn():
                self._spawn(order)
            case Sweep():
                self._sweep(order.name)
            case Drain():
                self._drain(order)
            case Terminate() if order.name in self.children:
                self._send(self.children[order.name], signal.SIGTERM)
            case Kill() if order.name in self.children and order.name not in self._sweeping:
                # The next one waits until this is over: it carries the same mark, and would be killed too.
                self._sweeping[order.name] = None
                self._begin(self._clear(self.children[order.name]))
            case Shed() if (address := self._platform(order.name).control) is not None:
                self._begin(self._shed(address))

    def take(self, child: Child) -> None:
        """Watch a child, spawned or adopted."""
        self.children[child.name] = child
        self._loop.add_reader(child.pidfd, self._on_exit, child)

    def clear(self, name: str) -> None:
        """Kill whatever there is still of a platform that rests: thoroughly, as nobody waits for it."""
        child = self._dead.get(name)
        if child is not None and name not in self.children and name not in self._sweeping:
            self._sweeping[name] = None
            self._begin(self._clear(child))

    def retire(self, child: Child) -> None:
        """Ask one that is of no platform any more to settle, and kill it when it has had its time.

        Should its platform come back meanwhile, that one waits: it carries the same mark.
        """
        self._spawner.take(child)
        self._sweeping[child.name] = None
        self._begin(self._sweep_by(self._retired(child), child.name))

    def call_off(self) -> None:
        """Start none of those that wait to be started: who ordered them orders no more."""
        self._births.clear()
        self._sweeping = dict.fromkeys(self._sweeping)

    async def settled(self) -> None:
        """Return when nothing is being killed any more."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _spawn(self, order: Spawn) -> None:
        """Start it: at once, or where others are being started, in turn: the loop has others to serve."""
        if order.name in self._sweeping:
            self._sweeping[order.name] = order
            return
        self._births.append(order)
        if len(self._births) > 1:
            return
        if self._loop.time() < self._free_at:
            self._loop.call_at(self._free_at, self._next)
        else:
            self._next()

    def _next(self) -> None:
        if not self._births:  # they were called off
            return
        self._free_at = self._loop.time() + _APART_S
        try:
            self._born(self._births[0])
        finally:
            self._births.popleft()
            if self._births:
                self._loop.call_at(self._free_at, self._next)

    def _born(self, order: Spawn) -> None:
        name = order.name
        platform = self._platform(name)
        if self._given.get(name) is not platform:
            self._given[name], self.births[name] = platform, birth(platform)
        # Before it is there, so that its own first line comes after ours, and ours is none that it says.
        self._mark(name, f"{logs.STARTING}{order.generation}")
        try:
            self.begins[name] = _size(self._log(name))
            child = self._spawner.spawn(name, platform, order.generation)
        except (ProcessError, OSError) as error:
            self._mark(name, str(error))
            self._tell(SpawnFailed(name, str(error), self._random.random()))
            return
        self.take(child)
        self._tell(Spawned(name, child.pid))

    def _on_exit(self, child: Child) -> None:
        self._loop.remove_reader(child.pidfd)
        code = self._spawner.bury(child)
        del self.children[child.name]
        if code is None and child.name in self.parting:
            code = 0  # it said that it ends in order, and nobody can tell us more
        self.parting.discard(child.name)
        self._dead[child.name] = child
        self._mark(child.name, f"ended: process {child.pid}, code {'unknown' if code is None else code}")
        self._tell(Exited(child.name, code, self._random.random()))

    def _mark(self, name: str, text: str) -> None:
        """Write a line of ours into a log; a full disk keeps nobody from learning of a birth or a death."""
        try:
            logs.mark(self._log(name), text)
        except OSError as error:
            self._alert(Alert("warning", name, f"its log cannot be written: {error.strerror}"))

    def _sweep(self, name: str) -> None:
        child = self._dead.get(name)
        if child is None:  # it ran elsewhere, where its agent sweeps
            return
        if name not in self._sweeping and self._spawner.leftovers(child):
            self._sweeping[name] = None
            self._begin(self._clear(child))

    async def _clear(self, child: Child) -> None:
        await self._sweep_by(self._kill(child), child.name)

    async def _sweep_by(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Do it, then start who waited for it."""
        try:
            await work
        finally:
            waiting = self._sweeping.pop(name)
            if waiting is not None:
                self._spawn(waiting)

    def _send(self, child: Child, what: signal.Signals) -> None:
        try:
            self._spawner.send(child, what)
        except ProcessError as error:
            self._alert(Alert("critical", child.name, str(error)))

    async def _kill(self, child: Child) -> None:
        try:
            await self._spawner.kill_tree(child)
        except ProcessError as error:
            self._alert(Alert("critical", child.name, str(error)))

    async def _retired(self, child: Child) -> None:
        gone = asyncio.Event()
        self._loop.add_reader(child.pidfd, gone.set)
        self._send(child, signal.SIGTERM)
        with suppress(TimeoutError):
            await asyncio.wait_for(gone.wait(), _RETIRE_S)
        self._loop.remove_reader(child.pidfd)
        if not gone.is_set():
            self._alert(Alert("critical", child.name, f"killed: not gone within {_RETIRE_S:g} s"))
        await self._kill(child)
        self._spawner.bury(child)

    def _drain(self, order: Drain) -> None:
        platform = self._platform(order.name)
        how = platform.drain
        child = self.children.get(order.name)
        if how is None or child is None:
            return
        if how.signal is not None:
            if not order.again:  # to many, a second one says: at once, whatever is lost
                self._send(child, signal.Signals[f"SIG{how.signal}"])
        elif platform.control is not None:
            self._begin(self._ask_to_drain(child, platform.control, how.timeout))

    async def _ask_to_drain(self, child: Child, address: str, timeout_s: float) -> None:
        seen = await probe.drained(address, timeout_s)
        if seen.ok and self.children.get(child.name) is child:
            self._loop.call_soon(self._tell, Drained(child.name))

    async def _shed(self, address: str) -> None:
        await probe.control(address, "shed", _ASK_S)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0

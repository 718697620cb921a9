"""Ask platforms how they are, each at its own pace: ready yet, well still, how much they use.

A platform that says READY=1 by itself is not asked; it is heard (notify_socket.py). Others are looked at
while they start (`_await_ready`), and all that have a probe while they serve (`_watch`). What is
seen is told as an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from flotilla.clock import monotonic_ns
from flotilla.fleet.rules.platform_state import SERVING, Life
from flotilla.fleet.rules.states import Event, Note, Over, Probed, Readied, State
from flotilla.fleet.system import probe, resources

_SOONEST_S, _LATEST_S = 0.02, 0.5  # between two looks at one that starts


class Monitor:
    """One task for each platform that is to be asked. log: its log, and where in it this run begins."""

    def __init__(self, tell: Callable[[Event], None], log: Callable[[str], tuple[Path, int]]) -> None:
        self._tell, self._log = tell, log
        self._tasks: dict[str, tuple[int, bool, asyncio.Task[None]]] = {}  # name: run, serving, task

    def follow(self, life: Life) -> None:
        """Begin to ask, go on, or stop asking, as its state has it. One with a host is asked by its agent."""
        if life.platform.host is not None:
            return
        serving = life.state in SERVING
        asked = serving or (life.state is State.STARTING and life.pid is not None)
        known = self._tasks.get(life.name)
        if known is not None and (not asked or known[:2] != (life.runs, serving)):
            known[2].cancel()
            del self._tasks[life.name]
            known = None
        if known is not None or not asked:
            return
        health = life.platform.health
        if serving and health is not None and health.probe is not None:
            work = self._watch(life)
        elif not serving and life.platform.readiness[0] in ("line", "tcp", "http"):
            work = self._await_ready(life)
        else:
            return
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[life.name] = (life.runs, serving, task)

    def forget(self, name: str) -> None:
        """Ask no more."""
        if name in self._tasks:
            self._tasks.pop(name)[2].cancel()

    async def _await_ready(self, life: Life) -> None:
        kind, what = life.platform.readiness
        log, offset = self._log(life.name)
        line = probe.Line(log, what, offset) if kind == "line" else None
        pause = _SOONEST_S
        while True:
            if line is not None:
                ok = line.look()
            elif kind == "tcp":
                ok = (await probe.tcp(what, 1.0)).ok
            else:
                ok = (await probe.http(what, 1.0)).ok
            if ok:
                self._tell(Readied(life.name))
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, _LATEST_S)

    async def _watch(self, life: Life) -> None:
        health = life.platform.health
        if health is None or health.probe is None:
            return
        while True:
            await asyncio.sleep(life.platform.health_check_interval)
            if health.probe.startswith("tcp:"):
                seen = await probe.tcp(health.probe.removeprefix("tcp:"), health.timeout)
            elif health.probe == "control":
                seen = await probe.control(life.platform.control or "", "health", health.timeout)
            else:
                seen = await probe.http(health.probe, health.timeout)
            self._tell(Probed(life.name, seen.ok, seen.what))


class Meter:
    """Samples what platforms use, and tells who uses too much."""

    def __init__(self, fleet: str, tell: Callable[[Event], None], note: Callable[[Note], None]) -> None:
        self.latest: dict[str, resources.Sample] = {}
        self._sampler = resources.Sampler(fleet)
        self._watched: dict[str, tuple[int, resources.Watch]] = {}  # by name: process id, and what was seen
        self._tell, self._note = tell, note

    def look(self, lives: dict[str, Life]) -> None:
        """Take one sample of all that run."""
        here = {name: life for name, life in lives.items() if life.platform.host is None}
        roots = {name: life.pid for name, life in here.items() if life.pid is not None}
        self.latest = self._sampler.sample(roots)
        now = monotonic_ns()
        for name, sample in self.latest.items():
            life = lives[name]
            pid, watch = self._watched.get(name, (0, resources.Watch()))
            if pid != roots[name]:
                watch = resources.Watch()
            limits = life.platform.required_resources
            watch, over = resources.follow(watch, sample, limits, life.platform.holds_positions, now)
            self._watched[name] = (roots[name], watch)
            if over is None:
                continue
            data = {"what": over.what, "used": over.used, "limit": over.limit, "tier": over.tier}
            text = f"{over.what} {over.used:.4g} of {over.limit:.4g}" if over.what else "within its limits"
            self._note(Note("resource", name, text, data))
            if over.tier in ("warn", "shed", "drain", "stop"):
                self._tell(Over(name, over.tier, text))  # type: ignore[arg-type]  # one of those

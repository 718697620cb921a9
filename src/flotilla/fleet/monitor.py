"""Ask platforms how they are, each at its own pace: ready yet, well still, how much they use.

A platform that says READY=1 by itself is not asked; it is heard (notify_socket.py). Others are looked at
while they start (`_await_ready`), and all that have a probe while they serve (`_watch`). What is
seen is told as an event.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from flotilla.clock import monotonic_ns
from flotilla.fleet.rules.platform_state import SERVING, Life
from flotilla.fleet.rules.states import Note, Over, PlatformEvent, Probed, Readied, State
from flotilla.fleet.system import probe, resources

_SOONEST_S, _LATEST_S = 0.02, 0.5  # between two looks at one that starts
_LOOKED_FOR = ("line", "tcp", "http")  # a readiness that it does not tell of by itself


class _Question(NamedTuple):
    """What one run of a platform is asked, and how often; another one is another task."""

    run: int
    what: str
    control: str | None
    timeout: float
    every: float


def _question(life: Life) -> _Question | None:
    """Return what is to be asked now; None: nothing. One with a host is asked by its agent."""
    platform, health = life.platform, life.platform.health
    if platform.host is not None:
        return None
    if life.state in SERVING and health is not None and health.probe is not None:
        every = platform.health_check_interval
        return _Question(life.runs, health.probe, platform.control, health.timeout, every)
    if life.state is State.STARTING and life.pid is not None and platform.readiness[0] in _LOOKED_FOR:
        return _Question(life.runs, platform.ready, None, 0.0, 0.0)
    return None


class Monitor:
    """One task for each platform that is to be asked. log: its log, and where in it this run begins."""

    def __init__(self, tell: Callable[[PlatformEvent], None], log: Callable[[str], tuple[Path, int]]) -> None:
        self._tell, self._log = tell, log
        self._tasks: dict[str, tuple[_Question, asyncio.Task[None]]] = {}  # by name

    def follow(self, life: Life) -> None:
        """Begin to ask, go on, or stop asking, as its state and its file have it."""
        question = _question(life)
        known = self._tasks.get(life.name)
        if known is not None and known[0] != question:
            self.forget(life.name)
        if question is None or life.name in self._tasks:
            return
        work = self._watch(life) if life.state in SERVING else self._await_ready(life)
        self._tasks[life.name] = (question, asyncio.get_running_loop().create_task(work))

    def forget(self, name: str) -> None:
        """Ask no more."""
        if name in self._tasks:
            self._tasks.pop(name)[1].cancel()

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

    def __init__(
        self, fleet: str, tell: Callable[[PlatformEvent], None], note: Callable[[Note], None]
    ) -> None:
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

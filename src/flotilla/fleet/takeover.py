"""How a supervisor begins: what runs already goes on, what should run starts.

1. Who is there is found and adopted (adopt.py), with what the supervisor before knew (checkpoint.py).
   Strays, of one that died unseen, are killed first: two generations never run at once.
2. Each platform goes on as it was: running, waiting, failed, done; to stop, or to start, after others.
3. What is new in the file starts; what runs by another file than today's starts again; what is no longer
   in it is asked to stop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from flotilla.fleet import adopt, checkpoint
from flotilla.fleet.executor import Executor
from flotilla.fleet.folder import FleetState, Folder, Kept
from flotilla.fleet.hosts.head import Hosts
from flotilla.fleet.rules.fleet_state import Fleet
from flotilla.fleet.rules.states import (
    Adopted,
    Alert,
    Ask,
    Instruction,
    Note,
    PlatformEvent,
    Restored,
    State,
)
from flotilla.fleet.schedule import SessionTimes
from flotilla.fleet.scheduler import Scheduler
from flotilla.fleet.spec import Platform, graph
from flotilla.fleet.system import logs, tree
from flotilla.fleet.system.spawn import Child, Spawner


class Takeover:
    """Takes a fleet over. tell: takes events, and may change the fleet. write: takes notes and alerts.

    ready: returns the processes, by platform, that the events say are ready.
    """

    def __init__(
        self,
        folder: Folder,
        spawner: Spawner,
        executor: Executor,
        hosts: Hosts,
        scheduler: Scheduler,
        tell: Callable[[PlatformEvent], None],
        write: Callable[[Instruction], None],
        ready: Callable[[], Mapping[str, int]],
    ) -> None:
        self._folder, self._spawner, self._executor = folder, spawner, executor
        self._hosts, self._scheduler = hosts, scheduler
        self._tell, self._write, self._ready = tell, write, ready

    async def begin(self, fleet: Callable[[], Fleet], times: SessionTimes | None) -> None:
        """Go on with what runs already, and start what should run. times: the platforms' hours, if known."""
        state, first = checkpoint.recall(self._folder, self._write)
        lives = fleet().lives
        found = adopt.adopt(self._folder, state, tuple(lives))
        for stray in found.strays:
            data = {"pid": stray.pid, "reason": "it bears the fleet's mark, and is of no platform"}
            self._write(Note("stray_killed", "", f"process {stray.pid}", data))
        if found.strays:
            await self._spawner.kill(found.strays)
        for name, child in found.former.items():
            text = "the fleet's file has it no more: what was found running of it is asked to stop"
            self._write(Alert("warning", name, text))
            self._executor.retire(child)
        self._hosts.open()  # what was decided before may have to go on there
        new = tuple(lives)
        if not first or found.children:
            ready = self._ready()
            known = [
                self._go_on_with(fleet(), name, found.children.get(name), state, times)
                for level in graph.levels(fleet().spec.needs)
                for name in level
            ]
            said = [_ready_if_said(about, ready) for about in known if about is not None]
            self._tell(checkpoint.resumed(state, said, found.children))
            new = tuple(name for name in lives if name not in state.platforms)
        if fleet().closing_ns is not None:  # it was going down, and goes on to
            return
        names = tuple(
            name for name in new if lives[name].platform.schedule is None and name not in found.children
        )
        if names:
            why = "the fleet starts" if first else "new in the fleet"
            self._tell(Ask("start", names, "supervisor", why, by_hours=True))
        if old := checkpoint.outgrown(state, found.children, fleet()):
            self._tell(Ask("restart", old, "supervisor", "its part of the fleet's file has changed"))

    def _go_on_with(
        self, fleet: Fleet, name: str, child: Child | None, state: FleetState, times: SessionTimes | None
    ) -> Adopted | Restored | None:
        """Take up one platform where the supervisor before left it; return what is known of it."""
        kept = state.platforms.get(name, Kept())
        more = kept.more
        pid = child.pid if child is not None else self._hosts.recall(name, state.platforms)
        event = checkpoint.begun(name, state, pid, child.generation if child is not None else 0)
        if child is not None:
            self._spawner.take(child)
            self._executor.take(child)
            self._executor.births[name] = kept.digest
            self._executor.begins[name] = int(more.get("log_at", 0))
            if not checkpoint.same(kept, child):
                self._executor.begins[name] = logs.start_of_run(self._folder.log(name))
                event = _another(event, child, fleet.lives[name].platform)
        if fleet.lives[name].platform.schedule is not None:
            inside = self._scheduler.inside(times, name)
            late = not inside and isinstance(event, Restored) and event.state is State.WAITING
            if "hours" in more and not (late and inside is None):
                self._scheduler.recall(name, bool(more["hours"]))
            if late:  # it died, and its hours are over: nobody starts it but they
                return None
        return event


def _another(about: Adopted | Restored | None, child: Child, platform: Platform) -> Adopted:
    """Return what one begins with whose process is another than the one that was kept, or of which none was.

    It is ready if it is older than its startup_timeout: else it would have been stopped by then.
    """
    served = tree.age_s(child.start_ticks) > platform.startup_timeout
    state = State.READY if served else State.STARTING
    fresh = Adopted(child.name, child.pid, state, generation=child.generation)
    if about is None:
        return fresh
    return replace(fresh, restarts=about.restarts, overrides=about.overrides)


def _ready_if_said(about: Adopted | Restored, ready: Mapping[str, int]) -> Adopted | Restored:
    """Return it ready, if it said so to the supervisor before: it does not say so again."""
    if isinstance(about, Adopted) and about.state is State.STARTING and ready.get(about.name) == about.pid:
        return replace(about, state=State.READY)
    return about

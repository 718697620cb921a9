"""What a supervisor leaves for the next one, in `state.json`, and what that one makes of it.

Restarts are kept as UTC, since monotonic times mean nothing after the machine has started anew.
A fleet that went down in order is not remembered: its next start is its first.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from msgspec import Struct, ValidationError, convert
from msgspec.structs import replace

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import ProcessError
from flotilla.fleet.folder import FleetState, Folder, Kept
from flotilla.fleet.rules.fleet_state import Fleet
from flotilla.fleet.rules.plan import birth
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import ALIVE, LEAVING, Adopted, Alert, Past, Restored, Resumed, State, Stop
from flotilla.fleet.spec import Overrides
from flotilla.fleet.system.spawn import Child

_SOON_S, _APART_S = 0.02, 0.2  # after a change, and between two writings in a storm of changes
_AGAIN_S = 5.0  # after the disk would not have it


class Keeper:
    """Writes `state.json`. state: returns what is to be kept, by whether the fleet is down."""

    def __init__(
        self, folder: Folder, state: Callable[[bool], FleetState], alert: Callable[[Alert], None]
    ) -> None:
        self._folder, self._state, self._alert = folder, state, alert
        self._waiting: asyncio.TimerHandle | None = None
        self._behind = self._over = False
        self._written_ns = 0

    def soon(self, seconds: float = _SOON_S) -> None:
        """Write it in a moment: a storm of changes is written now and then."""
        if self._waiting is None:
            since_s = (monotonic_ns() - self._written_ns) / 1e9
            wait_s = max(seconds, _APART_S - since_s)
            self._waiting = asyncio.get_running_loop().call_later(wait_s, self.write)

    def write(self, *, down: bool = False) -> None:
        """Write it; a full disk is told of once, and tried again.

        down: the fleet is. It waits for the disk, and nothing is written after it: the next start is a first.
        """
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        if self._over:
            return
        self._over = down
        self._written_ns = monotonic_ns()
        try:
            self._folder.write_state(self._state(down), durable=down)
        except OSError as error:
            if not self._behind:
                self._behind = True
                text = (
                    f"state.json cannot be written: {error.strerror}. "
                    "A supervisor that came now would know less than this one does"
                )
                self._alert(Alert("critical", "", text))
            if not down:
                self.soon(_AGAIN_S)
        else:
            self._behind = False


class Recalled(NamedTuple):
    """What was kept of a fleet. first: it was not running, as far as anybody knows."""

    state: FleetState
    first: bool


def keep(
    fleet: Fleet,
    children: Mapping[str, Child],
    begins: Mapping[str, int],
    births: Mapping[str, str] = MappingProxyType({}),
    *,
    down: bool,
    runs: Mapping[str, str] = MappingProxyType({}),
    hours: Mapping[str, bool] = MappingProxyType({}),
) -> FleetState:
    """Return what is to be kept of a fleet now.

    begins: where in its log each run begins. births: what it was started by. runs: elsewhere. hours: whether
    they have it run now.
    """
    ahead_ns = now_ns() - monotonic_ns()
    platforms = {name: _kept(life, children.get(name), ahead_ns) for name, life in fleet.lives.items()}
    for name, kept in platforms.items():
        kept.more["log_at"] = begins.get(name, 0)
        platforms[name] = replace(kept, digest=births.get(name, ""))
        if given := fleet.lives[name].overrides.given:
            kept.more["overrides"] = given
        if (stop := fleet.leaving.get(name)) is not None:
            kept.more["leaving"] = {"then": stop.then, "why": stop.why, "patient": stop.patient}
        for what, others in (("first", fleet.first), ("gone", fleet.gone)):
            if name in others:
                kept.more[what] = sorted(others[name])
    for name, run in runs.items():
        if name in platforms and fleet.lives[name].pid is not None and name not in children:
            platforms[name].more.update(run=run, far_pid=fleet.lives[name].pid)
    for name, open_ in hours.items():
        if name in platforms:
            platforms[name].more["hours"] = open_
    more = {"down": down, "closing": fleet.closing_ns is not None}
    return FleetState(fleet.generation, os.getpid(), platforms, more)


class _Leaving(Struct):
    """It is to stop, and was not told yet, as others need it still (Stop)."""

    then: Literal["stop", "again", "retry"] = "stop"
    why: str = ""
    patient: bool = False


class _KeptMore(Struct):
    """What `Kept.more` may hold; keys that are not known are for another version."""

    wanted: bool = True
    restarts: tuple[int, ...] = ()
    log_at: int = 0
    run: str = ""
    far_pid: int | None = None
    hours: bool = True
    leaving: _Leaving | None = None
    patient: bool = False  # it drains for as long as it takes
    then: Literal["stop", "again", "retry"] = "again"
    probing: bool = False
    begun: int | None = None  # its process, UTC ns
    since: int | None = None  # in its state, UTC ns
    reason: str = ""
    last_exit: int | None = None
    first: tuple[str, ...] = ()  # whom it waits for (Fleet)
    gone: tuple[str, ...] = ()


class _FleetMore(Struct):
    down: bool = False
    closing: bool = False


def recall(folder: Folder, alert: Callable[[Alert], None]) -> Recalled:
    """Return what the supervisor before this one kept; what cannot be read is told, and as good as none."""
    try:
        state = folder.state()
        convert(state.more, _FleetMore)
        for kept in state.platforms.values():
            convert(kept.more, _KeptMore)
    except (ProcessError, ValidationError) as error:
        text = f"what the supervisor before knew is lost: what runs goes on, and all is started: {error}"
        alert(Alert("critical", "", text))
        return Recalled(FleetState(), first=True)
    return Recalled(state, first=not state.platforms or bool(state.more.get("down")))


def give_up_closing(folder: Folder) -> None:
    """Have a fleet whose going down was cut short, with all who led it, begin anew: somebody brings it up."""
    try:
        state = folder.state()
    except ProcessError:  # its supervisor says so, and begins without it
        return
    if state.more.get("closing"):
        folder.write_state(replace(state, more={"down": True}))


def begun(name: str, state: FleetState, pid: int | None, generation: int = 0) -> Adopted | Restored | None:
    """Return what one platform begins with under a new supervisor; None: nothing is known.

    pid: its process, if it runs on, or did when its host was last heard from. generation: of who started it.
    """
    kept = state.platforms.get(name, Kept())
    more = convert(kept.more, _KeptMore)
    was = State(kept.state) if kept.state in set(State) else State.STOPPED
    behind_ns = now_ns() - monotonic_ns()
    restarts = tuple(at - behind_ns for at in more.restarts if at <= now_ns())
    past = Past(
        None if more.since is None else more.since - behind_ns,
        None if more.begun is None else more.begun - behind_ns,
        more.reason,
        more.last_exit,
        more.probing,
        more.patient,
        more.then,
    )
    if pid is not None:
        found = was if was in ALIVE else State.STARTING
        return Adopted(name, pid, found, restarts, more.wanted, _overrides(kept), generation, past)
    if was is State.STOPPED or (was in ALIVE and not more.wanted):
        return None
    rests = was if was in (State.FAILED, State.COMPLETED) else State.WAITING
    return Restored(name, rests, restarts, _overrides(kept), past)


def same(kept: Kept, child: Child) -> bool:
    """Return whether what was kept is of this process: the state is written a moment after what happens."""
    return (kept.pid, kept.start_ticks) == (child.pid, child.start_ticks)


def resumed(
    state: FleetState,
    lives: Iterable[Adopted | Restored],
    children: Mapping[str, Child] = MappingProxyType({}),
) -> Resumed:
    """Return the event that a whole fleet begins with. lives: what is known of each, by `begun`.

    children: who runs. One that has been started again since the state was written is not again to be.
    """
    again = {name for name, child in children.items() if not same(state.platforms.get(name, Kept()), child)}
    more = {name: convert(kept.more, _KeptMore) for name, kept in state.platforms.items()}
    return Resumed(
        tuple(lives),
        tuple(
            Stop(name, told.then, told.why, told.patient)
            for name, about in more.items()
            if (told := about.leaving) is not None and (told.then == "stop" or name not in again)
        ),
        {name: frozenset(about.first) for name, about in more.items() if about.first},
        {name: frozenset(about.gone) for name, about in more.items() if about.gone},
        convert(state.more, _FleetMore).closing,
    )


def outgrown(state: FleetState, children: Mapping[str, Child], fleet: Fleet) -> tuple[str, ...]:
    """Return those that run as another file had them started: the file has changed since."""
    return tuple(
        name
        for name, child in children.items()
        if (kept := state.platforms.get(name)) is not None
        and same(kept, child)
        and kept.digest not in ("", birth(fleet.lives[name].platform))
        and fleet.lives[name].wanted
        and fleet.leaving.get(name, Stop(name, "again")).then != "stop"
    )


def _overrides(kept: Kept) -> Overrides:
    try:
        return convert(kept.more.get("overrides", {}), Overrides)
    except ValidationError:
        return Overrides()


def _kept(life: Life, child: Child | None, ahead_ns: int) -> Kept:
    return Kept(
        pid=None if child is None else child.pid,
        start_ticks=None if child is None else child.start_ticks,
        generation=0 if child is None else child.generation,
        state=life.state.value,
        restarts=len(life.restarts),
        more={
            "wanted": life.wanted,
            "restarts": [at + ahead_ns for at in life.restarts],
            "patient": life.state is State.DRAINING and life.deadline_ns is None,
            "then": life.then if life.state in LEAVING else "again",
            "probing": life.probing,
            "begun": life.begun_ns + ahead_ns if life.begun_ns else None,
            "since": life.since_ns + ahead_ns if life.since_ns else None,
            "reason": life.reason,
            "last_exit": life.last_exit,
        },
    )

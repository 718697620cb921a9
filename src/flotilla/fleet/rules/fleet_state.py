"""What is known of a whole fleet: a frozen value, which `coordinate` makes the next of, and asks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from msgspec import Struct

from flotilla.errors import ConfigError, UnknownName
from flotilla.fleet.rules.platform_state import Life, due_ns
from flotilla.fleet.rules.states import ALIVE, AT_REST, RUNNING, State, Stop
from flotilla.fleet.spec import Condition, FleetSpec, Platform, graph


class Fleet(Struct, frozen=True):
    """All platforms, now. Times are monotonic ns."""

    spec: FleetSpec
    generation: int
    lives: dict[str, Life]
    needers: dict[str, tuple[str, ...]]  # name: those that need it themselves
    leaving: dict[str, Stop] = {}  # to be told to stop, once those that need it have left
    first: dict[str, frozenset[str]] = {}  # name: what must be ready before it starts, this time
    gone: dict[str, frozenset[str]] = {}  # name: what must have left before it starts, this time
    renewed: dict[str, Platform | None] = {}  # name: what it is once it has left; None is no more
    closing_ns: int | None = None  # the fleet goes down, and who is left then is killed
    away: frozenset[str] = frozenset()  # hosts out of sight: nothing is started there


@lru_cache(maxsize=8)
def _needers(needs: tuple[tuple[str, tuple[str, ...]], ...]) -> dict[str, tuple[str, ...]]:
    return graph.needed_by(dict(needs))


def made(spec: FleetSpec, generation: int) -> Fleet:
    """Return a fleet of which nothing runs yet. generation: of the supervisor."""
    lives = {name: Life(name, platform) for name, platform in spec.platforms.items()}
    return Fleet(spec, generation, lives, needers_in(lives), away=frozenset(spec.hosts))


def needers_in(lives: dict[str, Life]) -> dict[str, tuple[str, ...]]:
    """Return who needs whom, as the platforms are now."""
    return _needers(tuple((name, tuple(life.platform.needs)) for name, life in lives.items()))


def needs_in(lives: dict[str, Life]) -> dict[str, tuple[str, ...]]:
    """Return the graph of those platforms that there are."""
    return {
        name: tuple(need for need in life.platform.needs if need in lives) for name, life in lives.items()
    }


def fleet_due_ns(fleet: Fleet) -> int | None:
    """Return when a Tick has something to do; None if never."""
    times = [at for life in fleet.lives.values() if (at := due_ns(life)) is not None]
    if fleet.closing_ns is not None:
        times.append(fleet.closing_ns)
    return min(times, default=None)


def met(need: Life, condition: Condition) -> bool:
    """Return whether what somebody needs of a platform is there."""
    if condition == "completed" or need.state is State.COMPLETED:
        return need.state is State.COMPLETED
    if condition == "started":
        return need.state in RUNNING and need.pid is not None
    return need.state is State.READY


def awaited(life: Life | None) -> bool:
    """Return whether the next stage of a custom sequence waits for it: it is to come, or has failed."""
    if life is None or not (life.wanted or life.state is State.FAILED):
        return False
    return not met(life, "completed" if life.platform.kind == "job" else "ready")


def down(fleet: Fleet) -> bool:
    """Return whether the fleet was told to go down, and has."""
    return fleet.closing_ns is not None and not any(life.state in ALIVE for life in fleet.lives.values())


def known(fleet: Fleet, names: Iterable[str]) -> list[str]:
    """Return `names`, all if there are none; UnknownName for one that is no platform."""
    asked = list(dict.fromkeys(names)) or list(fleet.lives)
    for name in asked:
        if name not in fleet.lives:
            raise UnknownName("platform", name, fleet.lives)
    return asked


def taken_out(fleet: Fleet) -> set[str]:
    """Return those that are in the fleet's file no more, and run still."""
    return {name for name, platform in fleet.renewed.items() if platform is None}


def started_by(fleet: Fleet, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return what a start of `names` starts, in order, those that may go together in one.

    Of a sequence, if that is named alone: each stage after all of those before it.
    """
    asked = list(names)
    stages = fleet.spec.sequences.get(asked[0], ()) if len(asked) == 1 else ()
    wanted = _startable(fleet, [name for stage in stages for name in stage] or asked)
    needs, before = needs_in(fleet.lives), tuple[str, ...]()
    for stage in stages:
        needs |= {name: (*needs[name], *before) for name in stage}
        before += stage
    idle = {
        name
        for name in graph.needs_of(needs, wanted) - taken_out(fleet)
        if fleet.lives[name].state not in RUNNING
        and (name in wanted or fleet.lives[name].state is not State.COMPLETED)
    }
    return _only(_levels(needs), idle)


def stopped_by(fleet: Fleet, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return what a stop of `names` stops, in order, those that may go together in one."""
    wanted = known(fleet, names)
    needs = needs_in(fleet.lives)
    named = set(names)  # a stop of all leaves what failed, or is done, as it is
    going = {
        name
        for name in graph.needers_of(needs, wanted)
        if fleet.lives[name].state not in AT_REST
        or (name in named and fleet.lives[name].state is not State.STOPPED)
    }
    return _only(_levels(graph.needed_by(needs)), going)  # who is needed by nobody goes at once


def restarted_by(fleet: Fleet, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return what a restart of `names` starts again, in the order of the start."""
    wanted = _startable(fleet, names)
    with_it = {other for name in wanted for other in cycled_with(fleet, name)}
    again = {*wanted, *(name for name in with_it if fleet.lives[name].wanted)}
    return _only(_levels(needs_in(fleet.lives)), again - taken_out(fleet))


def restarted_with(fleet: Fleet, names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Return what a restart of `names` starts, in order: again, or because it is needed and does not run."""
    again = [name for level in restarted_by(fleet, names) for name in level]
    needed = [name for level in started_by(fleet, again) for name in level]
    return _only(_levels(needs_in(fleet.lives)), {*again, *needed})


def cycled_with(fleet: Fleet, name: str) -> set[str]:
    """Return those that start again with `name`, by its group's policy; itself not."""
    group = fleet.lives[name].platform.group
    policy = fleet.spec.groups[group].policy if group in fleet.spec.groups else "one_for_one"
    if policy == "one_for_one":
        return set()
    members = {other for other, life in fleet.lives.items() if life.platform.group == group}
    if policy == "rest_for_one":
        members &= graph.needers_of(needs_in(fleet.lives), [name])
    return members - {name}


def _startable(fleet: Fleet, names: Iterable[str]) -> list[str]:
    """Return `names`, all that are in the file if there are none; ConfigError for one that is no more."""
    asked, out = list(names), taken_out(fleet)
    for name in asked:
        if name in out:
            raise ConfigError(f"{name} is no longer in the fleet's file: it stops, and is forgotten")
    return [name for name in known(fleet, asked) if name not in out]


def _levels(needs: graph.Graph) -> tuple[tuple[str, ...], ...]:
    """Return the order of a start; last, together, what a circle of old and new needs keeps out of it."""
    levels = graph.levels(needs)
    placed = {name for level in levels for name in level}
    circle = tuple(name for name in needs if name not in placed)
    return (*levels, circle) if circle else levels


def _only(order: Iterable[Iterable[str]], names: set[str]) -> tuple[tuple[str, ...], ...]:
    kept = (tuple(name for name in level if name in names) for level in order)
    return tuple(level for level in kept if level)

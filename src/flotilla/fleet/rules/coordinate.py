"""Decide what becomes of a fleet: (fleet, event, now) -> (fleet, instructions). Pure.

1. An event of one platform is decided, with what follows of it for others (work.py).
2. What a person asks for becomes starts and stops of all that it concerns (`_asked`); a new file, too
   (reload.py).
3. Then whatever may happen does.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from msgspec.structs import replace

from flotilla.errors import ConfigError
from flotilla.fleet.rules.budget import ns
from flotilla.fleet.rules.decide import decide_platform
from flotilla.fleet.rules.fleet_state import Fleet, needs_in, restarted_by, started_by, stopped_by, taken_out
from flotilla.fleet.rules.platform_state import due_ns
from flotilla.fleet.rules.reload import reload
from flotilla.fleet.rules.states import (
    ALIVE,
    About,
    Adopted,
    Alert,
    Ask,
    Beat,
    HostFound,
    HostLost,
    Instruction,
    Note,
    PlatformEvent,
    Readied,
    Reload,
    Resumed,
    Start,
    State,
    Stop,
    Tick,
    TimeOver,
)
from flotilla.fleet.rules.work import Work
from flotilla.fleet.spec import Overrides, graph


def coordinate(fleet: Fleet, event: PlatformEvent, now_ns: int) -> tuple[Fleet, tuple[Instruction, ...]]:
    """Return the fleet after `event`, and what is to be done, in order. now_ns: monotonic.

    ConfigError for what is asked and cannot be: nothing has changed then.
    """
    if isinstance(event, Beat | Readied) and event.name in fleet.lives:  # most of what happens, by far
        life = fleet.lives[event.name]
        if life.state is not State.STARTING:
            after, _ = decide_platform(life, event, now_ns)
            return replace(fleet, lives={**fleet.lives, event.name: after}), ()
    work = Work(fleet, now_ns)
    _take(work, event)
    work.settle()
    return work.fleet(), tuple(work.orders)


def _take(work: Work, event: PlatformEvent) -> None:
    match event:
        case About() if event.name in work.lives:
            work.tell(event.name, event)
            if isinstance(event, Adopted):
                work.check_needs(event.name)
                work.check_host(event.name)
        case Tick():
            _tick(work)
        case Ask():
            _asked(work, event)
        case Resumed():
            _resumed(work, event)
        case Reload():
            reload(work, event.spec)
        case HostLost() | HostFound():
            _host(work, event)


def _resumed(work: Work, event: Resumed) -> None:
    """Take up all at once, before anything may happen: who is to wait for another does not start before."""
    for life in event.lives:
        _take(work, life)
    if event.closing:
        work.closing_ns = work.now_ns + ns(work.spec.shutdown_timeout)
    for stop in event.leaving:
        if stop.name in work.lives:
            work.leave(stop)
    for waits, known in ((work.first, event.first), (work.gone, event.gone)):
        waits |= {name: others for name, others in known.items() if name in work.lives}


def _tick(work: Work) -> None:
    for name, life in list(work.lives.items()):
        due = due_ns(life)
        if due is not None and due <= work.now_ns:
            work.tell(name, Tick())
    if work.closing_ns is not None and work.closing_ns <= work.now_ns:
        work.leaving.clear()
        for name in list(work.lives):
            work.tell(name, TimeOver(name))
        work.closing_ns = work.now_ns + ns(work.spec.shutdown_timeout)


def _host(work: Work, event: HostLost | HostFound) -> None:
    there = [name for name, life in work.lives.items() if life.platform.host == event.host]
    lost = isinstance(event, HostLost)
    policy = work.spec.hosts[event.host].on_lost if event.host in work.spec.hosts else "degrade"
    work.orders.append(Note("host_lost" if lost else "host_found", "", "", {"host": event.host}))
    if lost:
        work.orders.append(
            Alert("critical", "", f"host {event.host} is out of sight: what runs there may run on")
        )
    work.away = work.away | {event.host} if lost else work.away - {event.host}
    if isinstance(event, HostLost) and policy == "hold":
        event = HostLost(event.host, held=True)
    for name in there:
        work.tell(name, event)
    if lost and policy == "stop":
        for name in there:
            work.broken(name)


def _asked(work: Work, ask: Ask) -> None:
    if work.closing_ns is not None and ask.command != "down":
        raise ConfigError("the fleet is going down: nothing can be asked of it")
    given = ask.overrides.given
    if given:
        _check_overrides(work, ask)
    match ask.command:
        case "start":
            names = _started(work, ask)
        case "restart":
            names = _restarted(work, ask)
        case _:
            names = _stopped(work, ask)
    data: dict[str, Any] = {
        "command": ask.command,
        "names": names,
        "who": ask.who,
        "why": ask.why,
        "outcome": "accepted",
    }
    text = ask.why
    if given:
        data["overrides"] = given
        words = f"with {', '.join(f'{key} {value}' for key, value in sorted(given.items()))}"
        text = f"{ask.why} ({words})" if ask.why else words
    work.orders.insert(0, Note("command", "", text, data))


def _check_overrides(work: Work, ask: Ask) -> None:
    if ask.command not in ("start", "restart"):
        raise ConfigError(f"{ask.command} takes no overrides")
    if len(ask.names) != 1 or ask.names[0] in work.spec.sequences:
        raise ConfigError("overrides are for one platform: name it")


def _override(work: Work, ask: Ask, names: Iterable[str]) -> None:
    """Have `names` go by the overrides of this command from their next start on, and by no older ones."""
    for name in names:
        overrides = ask.overrides if ask.names == (name,) else Overrides()
        work.lives[name] = replace(work.lives[name], overrides=overrides)


def _started(work: Work, ask: Ask) -> tuple[str, ...]:
    stages = work.spec.sequences.get(ask.names[0], ()) if len(ask.names) == 1 else ()
    asked = [name for stage in stages for name in stage] or list(ask.names)
    names = [name for level in started_by(work.fleet(), asked) for name in level]
    if ask.by_hours:
        names = [name for name in names if name in asked or work.lives[name].platform.schedule is None]
    for name in asked:  # by its own name it waits for no stage
        work.first.pop(name, None)
    before: frozenset[str] = frozenset()
    for stage in stages:
        work.first |= {name: before for name in stage if name in names}
        before |= set(stage)
    why = ask.why or "asked for"
    _override(work, ask, {*asked, *names})
    kept = graph.needs_of(needs_in(work.lives), asked or work.lives) & work.leaving.keys()
    for name in dict.fromkeys([*names, *sorted(kept - taken_out(work.fleet()))]):
        work.stay(name)
        work.tell(name, Start(name, why))
    return tuple(names)


def _stopped(work: Work, ask: Ask) -> tuple[str, ...]:
    if ask.command == "down":
        work.closing_ns = work.closing_ns or work.now_ns + ns(work.spec.shutdown_timeout)
    names = [
        name
        for level in stopped_by(work.fleet(), ask.names if ask.command != "down" else ())
        for name in level
    ]
    why = ask.why or ("the fleet goes down" if ask.command == "down" else "asked for")
    for name in names:
        work.first.pop(name, None)
        work.gone.pop(name, None)
        then: Literal["stop", "again"] = "again" if ask.by_hours and name not in ask.names else "stop"
        work.leave(Stop(name, then, why, ask.command == "drain"))
    return tuple(names)


def _restarted(work: Work, ask: Ask) -> tuple[str, ...]:
    fleet = work.fleet()
    names = {name for level in restarted_by(fleet, ask.names) for name in level}
    there = frozenset(name for name in names if work.lives[name].state in ALIVE)
    _override(work, ask, names)
    why = ask.why or "asked for"
    for name in sorted(graph.needs_of(needs_in(work.lives), names) - there - taken_out(fleet)):
        work.stay(name)
        if name in names or work.lives[name].state is not State.COMPLETED:
            work.tell(name, Start(name, why))
    for name in there:
        work.lives[name] = replace(work.lives[name], wanted=True)
        work.leaving.pop(name, None)
    work.cycle(names, there, ask.why or "asked to start again")
    return tuple(sorted(names))

"""What a platform that waits is waiting for, in words; and what of that does not come by itself.

1. Each that waits has its links: those whom it awaits now, and the words for it (`_awaited`).
2. What has failed for good, or is stopped and is not to run, comes when a person starts it, or its hours do.
   From there the links are followed back to all that wait for it, through others (`_blocked`).

Asked with every status: it is looked at only where somebody waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flotilla.fleet.rules.fleet_state import Fleet, awaited, met
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import LEAVING, State
from flotilla.fleet.spec import graph


class Wait(NamedTuple):
    """Why one waits. blocked_by: those that have failed or are stopped, without which it never starts."""

    why: str
    blocked_by: tuple[str, ...]


def waits(fleet: Fleet) -> dict[str, Wait]:
    """Return for each that waits what it waits for; none of those that may start this moment."""
    waiting = [name for name, life in fleet.lives.items() if life.state is State.WAITING]
    if not waiting:
        return {}
    links = {name: dict(_awaited(fleet, life)) for name, life in fleet.lives.items()}
    blocked = _blocked(fleet, links)
    found = {}
    for name in waiting:
        hopeless = [why for other, why in links[name].items() if other in blocked]
        why = "; ".join(hopeless or links[name].values())  # of many, what a person can do something about
        if why:
            found[name] = Wait(why, blocked.get(name, ()))
    return found


def _awaited(fleet: Fleet, life: Life) -> Iterator[tuple[str, str]]:
    """Yield whom a platform awaits, each with the words for it: one that waits, or that has lost a need."""
    if life.state not in (State.WAITING, State.DEGRADED):
        return
    for need, condition in life.platform.needs.items():
        other = fleet.lives.get(need)
        if life.state is State.DEGRADED and condition == "completed":  # which counts at the start alone
            continue
        if other is None:
            yield need, f"needs {need}, which is no longer in the fleet's file"
        elif not met(other, condition):
            yield need, f"needs {need}, which {_is(other)}"
    if life.state is State.DEGRADED:
        return
    for name in sorted(fleet.first.get(life.name, ())):
        other = fleet.lives.get(name)
        if awaited(other) and other is not None and name not in life.platform.needs:
            yield name, f"waits for {name}, of a stage before, which {_is(other)}"
    for name in sorted(fleet.gone.get(life.name, ())):
        if name in fleet.leaving or (name in fleet.lives and fleet.lives[name].state in LEAVING):
            yield name, f"waits until {name} has stopped"


def _blocked(fleet: Fleet, links: Mapping[str, Mapping[str, str]]) -> dict[str, tuple[str, ...]]:
    """Return for each that cannot go on, and for each cause itself, by which causes."""
    waited_by = graph.needed_by({**{name: () for each in links.values() for name in each}, **links})
    found: dict[str, list[str]] = {}
    for cause, waiters in waited_by.items():
        life = fleet.lives.get(cause)
        if waiters and (life is None or _stays(life)):
            for name in graph.needs_of(waited_by, [cause]):
                found.setdefault(name, []).append(cause)
    return {name: tuple(causes) for name, causes in found.items()}


def _stays(life: Life) -> bool:
    """Return whether it stays as it is until somebody does something."""
    if life.state is State.FAILED:
        return life.deadline_ns is None  # else it is started once more then, to see (probe_after)
    return life.state is State.STOPPED and not life.wanted


def _is(life: Life) -> str:
    return "has failed" if life.state is State.FAILED else f"is {life.state.value}"

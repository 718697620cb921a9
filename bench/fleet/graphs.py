"""Ten thousand generated graphs: refused with their path, or started and stopped in an order that is right.

What starts and stops here is the pure part of the supervisor (coordinate.py): processes answer at
once, and in any order.
"""

from __future__ import annotations

import random
from itertools import pairwise
from time import perf_counter

from bench.records import Job, Measured, WrongValue
from flotilla.errors import ConfigError
from flotilla.fleet.rules.coordinate import coordinate
from flotilla.fleet.rules.fleet_state import Fleet, made
from flotilla.fleet.rules.states import (
    Ask,
    Exited,
    Instruction,
    Kill,
    PlatformEvent,
    Readied,
    Spawn,
    Spawned,
    State,
    Terminate,
)
from flotilla.fleet.spec import FleetSpec, decode_fleet

Graph = dict[str, list[str]]


def measure(job: Job) -> Measured:
    """Return how many graphs a second are refused, or started and stopped; one that is wrong fails."""
    count = 500 if job.quick else 10_000
    chance = random.Random(11)
    refused, began = 0, perf_counter()
    for _ in range(count):
        graph = _generated(chance)
        platforms = {name: {"command": ["x"], "needs": needs} for name, needs in graph.items()}
        try:
            spec = decode_fleet({"name": "bench", "platforms": platforms})
        except ConfigError as error:
            refused += 1
            _check_refusal(graph, str(error))
        else:
            if _is_wrong(graph):
                raise WrongValue(f"{graph} was not refused")
            _check_life(graph, spec, chance)
    return Measured(
        value=count / (perf_counter() - began),
        unit="graphs/s",
        size=f"{count:,} graphs",
        calls=count,
        note=f"{refused:,} refused with the path, {count - refused:,} up and down in order, each once",
    )


def _generated(chance: random.Random) -> Graph:
    names = [f"p{number}" for number in range(chance.randint(1, 16))]
    density = chance.choice((0.1, 0.3, 0.6))
    made_ = {
        name: [need for need in names[:place] if chance.random() < density]
        for place, name in enumerate(names)
    }
    trouble = chance.choice(("none", "none", "back", "self", "unknown", "twice"))
    name, other = chance.choice(names), chance.choice(names)
    if trouble == "back":
        made_[name] = [*dict.fromkeys([*made_[name], other])]  # a circle, or a shorter way
    elif trouble == "self":
        made_[name] = [*made_[name], name]
    elif trouble == "unknown":
        made_[name] = [*made_[name], "nobody"]
    elif trouble == "twice" and made_[name]:
        made_[name] = [*made_[name], made_[name][0]]
    shuffled = [*made_]
    chance.shuffle(shuffled)
    return {name: made_[name] for name in shuffled}


def _is_wrong(graph: Graph) -> bool:
    """Return whether it cannot be started: taking away what needs nothing that is left leaves some."""
    if any(need not in graph or needs.count(need) > 1 for needs in graph.values() for need in needs):
        return True
    left = dict(graph)
    while free := [name for name, needs in left.items() if not any(need in left for need in needs)]:
        for name in free:
            del left[name]
    return bool(left)


def _check_refusal(graph: Graph, text: str) -> None:
    """Look whether every path that is named is one, and one is."""
    named = 0
    for line in text.splitlines():
        where, found, what = line.partition(".needs: ")
        if not found:
            continue
        named += 1
        name = where.rpartition("$.platforms.")[2]
        circle = what.split(" -> ")
        if "no platform is called" in what:
            right = any(need not in graph for need in graph[name])
        elif "comes twice" in what:
            right = len(set(graph[name])) < len(graph[name])
        else:
            right = circle[0] == circle[-1] == name and all(
                need in graph[one] for one, need in pairwise(circle)
            )
        if not right:
            raise WrongValue(f"{graph}: {line}")
    if not named:
        raise WrongValue(f"{graph}: {text}")


def _check_life(graph: Graph, spec: FleetSpec, chance: random.Random) -> None:
    fleet, spawned = _played(made(spec, 1), Ask("start"), chance)
    if any(life.state is not State.READY for life in fleet.lives.values()):
        raise WrongValue(f"{graph}: not all came up: {spawned}")
    _check_order(graph, spawned, graph)
    fleet, stopped = _played(fleet, Ask("down"), chance)
    if any(life.state is not State.STOPPED for life in fleet.lives.values()):
        raise WrongValue(f"{graph}: not all went down: {stopped}")
    _check_order(graph, stopped, {name: [one for one in graph if name in graph[one]] for name in graph})


def _played(
    fleet: Fleet, event: PlatformEvent, chance: random.Random
) -> tuple[Fleet, list[tuple[str, set[str]]]]:
    """Return what becomes of it, and each start or stop with those that had been ready, or gone, by then."""
    waiting: list[PlatformEvent] = [event]
    done: set[str] = set()
    told: list[tuple[str, set[str]]] = []
    now_ns = 0
    while waiting:
        event = waiting.pop(chance.randrange(len(waiting)))
        if isinstance(event, Readied | Exited):
            done.add(event.name)
        now_ns += 1000
        fleet, orders = coordinate(fleet, event, now_ns)
        if isinstance(event, Spawned):
            waiting.append(Readied(event.name))
        for order in orders:
            if isinstance(order, Spawn | Terminate | Kill):
                told.append((order.name, set(done)))
                waiting.append(_answer(order))
    return fleet, told


def _answer(order: Instruction) -> PlatformEvent:
    if isinstance(order, Spawn):
        return Spawned(order.name, 1)
    if isinstance(order, Terminate | Kill):
        return Exited(order.name, -15)
    raise WrongValue(f"{order}")


def _check_order(graph: Graph, told: list[tuple[str, set[str]]], first: Graph) -> None:
    """Look whether each was told once, after all of `first` of it were done."""
    if sorted(name for name, _ in told) != sorted(graph):
        raise WrongValue(f"{graph}: not each once: {[name for name, _ in told]}")
    for name, done in told:
        if not done.issuperset(first[name]):
            raise WrongValue(f"{graph}: {name} when only {sorted(done)} were done")

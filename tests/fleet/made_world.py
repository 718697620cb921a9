"""A world of made processes for the pure coordinate: they start, get ready, die and leave as a seed says."""

import random

import msgspec

from flotilla.fleet import checkpoint, spec
from flotilla.fleet.folder import FleetState
from flotilla.fleet.rules.coordinate import coordinate
from flotilla.fleet.rules.fleet_state import down, fleet_due_ns, made, met
from flotilla.fleet.rules.states import (
    ALIVE,
    Adopted,
    Ask,
    Beat,
    Drain,
    Drained,
    Exited,
    Kill,
    Note,
    Over,
    Probed,
    Readied,
    Spawn,
    Spawned,
    SpawnFailed,
    State,
    Terminate,
    Tick,
)
from flotilla.fleet.spec import graph
from flotilla.fleet.system.spawn import Child

SECOND = 1_000_000_000


def fleet_of(needs, **platforms):
    """Return a FleetSpec of a graph {name: needs}; platforms: changes to all ("every") or one."""
    every = platforms.pop("every", {})
    fleet = platforms.pop("fleet", {})
    raw = {
        name: {"command": ["x"], "needs": there if isinstance(there, dict) else list(there)}
        | every
        | platforms.get(name.replace("-", "_"), {})
        for name, there in needs.items()
    }
    return spec.decode_fleet({"name": "made", "platforms": raw} | fleet)


class World:
    """Carries out what a fleet wants, in made processes, and checks that nothing is done that may not be."""

    def __init__(self, fleet_spec, seed=0):
        self.random = random.Random(seed)
        self.now = SECOND
        self.fleet = made(fleet_spec, 1)
        self.running = {}  # name: pid
        self.pending = []  # events that will come: what processes do next
        self.begun, self.left = [], []  # names, in order
        self.orders = []
        self.pids = 0
        self.arrows = set()

    def tell(self, event):
        before = {name: life.state for name, life in self.fleet.lives.items()}
        self.fleet, orders = coordinate(self.fleet, event, self.now)
        self.orders += orders
        for order in orders:
            self.do(order)
        for name, life in self.fleet.lives.items():
            assert (life.pid is not None) <= (life.state in ALIVE), life
            if life.pid is not None:
                assert self.running.get(name) == life.pid
        return before

    def do(self, order):
        match order:
            case Spawn():
                assert order.name not in self.running, f"two processes of {order.name}"
                for need, condition in self.fleet.spec.platforms[order.name].needs.items():
                    assert met(self.fleet.lives[need], condition), f"{order.name} before {need}"
                self.pids += 1
                self.running[order.name] = self.pids
                self.begun.append(order.name)
                self.pending.append(Spawned(order.name, self.pids))
            case Terminate() | Kill():
                self.pending.append(("end", order.name, self.running.get(order.name)))
            case Drain():
                self.pending.append(Drained(order.name))
            case Note(kind="state"):
                old, new = State(order.data["old"]), State(order.data["new"])
                self.arrows.add((old, new))

    def exit(self, name, code=0, jitter=None):
        if name in self.running:
            born = Spawned(name, self.running[name])
            if born in self.pending:  # whoever starts a process knows it before it can end
                self.pending.remove(born)
                self.tell(born)
            del self.running[name]
            self.left.append(name)
            self.tell(Exited(name, code, self.random.random() if jitter is None else jitter))

    def step(self):
        """Let one thing happen that was to happen; return whether there was one."""
        if not self.pending:
            return False
        event = self.pending.pop(self.random.randrange(len(self.pending)))
        if isinstance(event, tuple):
            _, name, pid = event
            if self.running.get(name) == pid:
                self.exit(name, -15)
        else:
            self.tell(event)
            if isinstance(event, Spawned):
                self.pending.append(Readied(event.name))
        return True

    def rest(self, most=100_000):
        """Let happen all that was to happen, but no time pass."""
        while most and self.step():
            most -= 1
        assert most, "it never comes to rest"

    def pass_until(self, seconds):
        """Let time pass, tick by tick."""
        end = self.now + int(seconds * SECOND)
        while (due := fleet_due_ns(self.fleet)) is not None and due <= end:
            self.now = max(self.now, due)
            self.tell(Tick())
            self.rest()
        self.now = end

    def succeed(self):
        """Have the supervisor die, and the next begin with what it left behind and with who runs."""
        children = {name: Child(name, pid, -1, pid, 1) for name, pid in self.running.items()}
        state = checkpoint.keep(self.fleet, children, {}, down=False)
        state = msgspec.json.decode(msgspec.json.encode(state), type=FleetState)
        self.fleet = made(self.fleet.spec, self.fleet.generation + 1)
        lost = Spawned | Drained | Readied  # the last is said again, and the others are found out
        self.pending = [event for event in self.pending if not isinstance(event, lost)]
        self.pending += [Readied(name) for name in self.running]
        levels = graph.levels(self.fleet.spec.needs)
        known = [checkpoint.begun(name, state, self.running.get(name)) for level in levels for name in level]
        self.tell(checkpoint.resumed(state, [about for about in known if about is not None]))

    def states(self):
        return {name: life.state.value for name, life in self.fleet.lives.items()}

    def start(self, *names):
        self.tell(Ask("start", names))
        self.rest()

    def down(self):
        self.tell(Ask("down"))
        self.rest()
        return down(self.fleet)


__all__ = ["SECOND", "Adopted", "Beat", "Over", "Probed", "SpawnFailed", "World", "fleet_of"]

"""Whatever is asked, reloaded and dies: once it has settled, the fleet is as it was asked."""

import heapq
import random
from contextlib import suppress

import pytest
from tests.campaign import trials
from tests.fleet.made_world import SECOND

from flotilla.errors import ConfigError
from flotilla.fleet import spec
from flotilla.fleet.rules.coordinate import coordinate
from flotilla.fleet.rules.fleet_state import down, fleet_due_ns, made, met
from flotilla.fleet.rules.states import (
    ALIVE,
    AT_REST,
    RUNNING,
    TABLE,
    Ask,
    Beat,
    Drain,
    Drained,
    Exited,
    Forget,
    Kill,
    Note,
    Readied,
    Reload,
    Spawn,
    Spawned,
    SpawnFailed,
    State,
    Terminate,
    Tick,
)
from flotilla.fleet.spec import Overrides

SEEDS = trials(60, 3_000)
ARROWS = {(row.before.value, row.after.value) for row in TABLE}
NAMES = tuple(f"p{number}" for number in range(6))
LOUD = Overrides(log_level="DEBUG", max_restart_attempts=2)
STOP_S = 0.2  # each takes at most that long to drain, and that long to stop


def made_file(chance):
    """Return a file of some platforms, in a graph without a circle."""
    order = chance.sample(NAMES, chance.randint(2, len(NAMES)))
    kinds = {name: "job" if chance.random() < 0.2 else "service" for name in order}
    platforms = {}
    for place, name in enumerate(order):
        needs = chance.sample(order[:place], min(place, chance.randint(0, 2)))
        platforms[name] = {
            "command": ["x", str(chance.randint(0, 1))],
            "kind": kinds[name],
            "needs": {
                need: chance.choice(
                    ["started", "completed"] if kinds[need] == "job" else ["started", "ready"]
                )
                for need in needs
            },
            "ready": chance.choice(["notify", "started"]),
            "startup_timeout": chance.choice([0.2, 1.0]),
            "shutdown_timeout": STOP_S,
            "on_need_lost": chance.choice(["stop", "degrade"]),
            "max_restart_attempts": chance.randint(0, 3),
            "restart_window": chance.choice([1.0, 60.0]),
            "backoff": {"first": 0.05, "most": 0.4, "healthy_after": 1.0},
            "group": chance.choice(["all", "rest", None]),
            "drain": chance.choice([{"signal": "USR1", "timeout": STOP_S}, None]),
            "health": chance.choice([{"heartbeat_s": 0.1}, None]),
            "probe_after": chance.choice([1.0, None]),
        }
    groups = {"all": {"policy": "one_for_all"}, "rest": {"policy": "rest_for_one"}}
    return spec.decode_fleet({"name": "made", "groups": groups, "platforms": platforms})


class Machine:
    """Made processes, which take their time, and misbehave as long as it is `rough`."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.now = SECOND
        self.rough = True
        self.fleet = made(made_file(self.chance), 1)
        self.running = {}  # name: pid
        self.asked = set()  # (what, pid)
        self.births = set()
        self.coming = []  # a heap of (when, number, what)
        self.count = 0

    def later(self, seconds, what):
        self.count += 1
        heapq.heappush(self.coming, (self.now + int(seconds * SECOND), self.count, what))

    def tell(self, event):
        self.fleet, orders = coordinate(self.fleet, event, self.now)
        for order in orders:
            self.do(order)

    def do(self, order):
        match order:
            case Spawn(name):
                assert name not in self.running, f"two processes of {name}"
                assert name not in self.births, f"{name} is asked twice to start"
                self.births.add(name)
                self.later(self.chance.choice([0, 0.005, 0.04]), lambda: self.born(name))
            case Terminate(name) | Drain(name):
                pid = self.running[name]
                assert (type(order), pid) not in self.asked, f"{name} is asked twice: {order}"
                self.asked.add((type(order), pid))
                if self.rough and self.chance.random() < 0.3:
                    return
                if isinstance(order, Terminate):
                    code = self.chance.choice([0, -15])
                    self.later(self.chance.choice([0.001, 0.05, 0.15]), lambda: self.ends(name, pid, code))
                else:
                    self.later(self.chance.choice([0.01, 0.15]), lambda: self.says(Drained(name), pid))
            case Kill(name):
                pid = self.running[name]
                self.later(self.chance.choice([0.001, 0.02]), lambda: self.ends(name, pid, -9))
            case Forget(name):
                assert name not in self.running, f"{name} is forgotten, and runs"
            case Note(kind="state", data=data):
                assert (data["old"], data["new"]) in ARROWS or data["old"] == data["new"]

    def born(self, name):
        self.births.discard(name)
        if self.rough and self.chance.random() < 0.1:
            self.tell(SpawnFailed(name, "no", self.chance.random()))
            return
        self.count += 1
        pid = self.running[name] = self.count
        self.tell(Spawned(name, pid))
        if not (self.rough and self.chance.random() < 0.15):
            self.later(self.chance.choice([0.001, 0.03]), lambda: self.says(Readied(name), pid))
        if self.fleet.lives[name].platform.kind == "job":
            code = 1 if self.rough and self.chance.random() < 0.3 else 0
            self.later(self.chance.choice([0.02, 0.3]), lambda: self.ends(name, pid, code))
        elif self.rough and self.chance.random() < 0.4:
            code = self.chance.choice([1, 0, -9])
            self.later(self.chance.choice([0.001, 0.06, 0.7]), lambda: self.ends(name, pid, code))
        self.later(0.04, lambda: self.beats(name, pid))

    def says(self, event, pid):
        if self.running.get(event.name) == pid:
            self.tell(event)

    def beats(self, name, pid):
        if self.running.get(name) == pid and not (self.rough and self.chance.random() < 0.02):
            self.tell(Beat(name))
            self.later(0.04, lambda: self.beats(name, pid))

    def ends(self, name, pid, code):
        if self.running.get(name) == pid:
            del self.running[name]
            self.tell(Exited(name, code, self.chance.random()))

    def go_on(self, seconds):
        """Let that much time pass, and happen what comes in it."""
        until = self.now + int(seconds * SECOND)
        while True:
            due = fleet_due_ns(self.fleet)
            comes = self.coming[0][0] if self.coming else None
            at = min((when for when in (due, comes) if when is not None), default=None)
            if at is None or at > until:
                self.now = until
                return
            self.now = max(self.now, at)
            if comes is not None and comes <= self.now:
                heapq.heappop(self.coming)[2]()
            else:
                self.tell(Tick())

    def disturb(self):
        """Do one thing that a person, or bad luck, does."""
        chance, names = self.chance, sorted(self.fleet.lives)
        dice = chance.random()
        if dice < 0.6:
            command = chance.choice(["start", "start", "stop", "restart", "drain"])
            fewest = 0 if command in ("start", "stop") else 1
            asked = tuple(chance.sample(names, chance.randint(fewest, min(2, len(names)))))
            loud = len(asked) == 1 and command in ("start", "restart") and chance.random() < 0.2
            ask = Ask(command, asked, overrides=LOUD if loud else Overrides())
            with suppress(ConfigError):  # of one that is being taken out
                self.tell(ask)
        elif dice < 0.8:
            self.tell(Reload(made_file(chance)))
        elif self.running:
            name = chance.choice(sorted(self.running))
            self.ends(name, self.running[name], chance.choice([1, -9, 0]))


def is_settled(fleet):
    """Assert that each platform is what it should be, by what it needs."""
    assert not fleet.leaving
    assert not fleet.renewed
    assert list(fleet.lives) == [name for name in fleet.lives if name in fleet.spec.platforms]
    assert fleet.lives.keys() == fleet.spec.platforms.keys()
    for name, life in fleet.lives.items():
        platform = fleet.spec.platforms[name]  # overrides that are taken back hold until its next start
        assert life.platform in (platform, LOUD.on(platform)), name
        unmet = {need: c for need, c in life.platform.needs.items() if not met(fleet.lives[need], c)}
        lost = {need for need, c in unmet.items() if c != "completed"}
        assert life.state in AT_REST | {State.WAITING, State.READY, State.DEGRADED}, life
        assert life.wanted == (life.state not in AT_REST), life
        assert life.state is not State.WAITING or unmet, f"{name} waits for nothing"
        assert life.state is not State.READY or not lost, f"{name} is ready without {lost}"
        assert life.state is not State.DEGRADED or lost, f"{name} is degraded for nothing: {life.troubles}"


def rough_times(seed):
    machine = Machine(seed)
    machine.tell(Ask("start"))
    for _ in range(machine.chance.randint(5, 40)):
        machine.go_on(machine.chance.choice([0.001, 0.01, 0.05, 0.3]))
        machine.disturb()
    machine.rough = False
    return machine


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEEDS))
def test_once_it_has_settled_the_fleet_is_as_it_was_asked(seed):
    machine = rough_times(seed)

    machine.go_on(30)
    for name, life in list(machine.fleet.lives.items()):
        if life.state is State.DRAINING:  # without a deadline, and it would not hear
            machine.tell(Drained(name))
    machine.go_on(30)

    is_settled(machine.fleet)
    alive = {name: life.pid for name, life in machine.fleet.lives.items() if life.state in ALIVE}
    assert alive == machine.running
    assert all(machine.fleet.lives[name].state in RUNNING for name in alive)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEEDS))
def test_down_takes_no_longer_than_the_stops_of_those_that_are_up(seed):
    machine = rough_times(seed)
    began = machine.now

    machine.tell(Ask("down"))
    while not down(machine.fleet):
        machine.go_on(0.1)
        assert (machine.now - began) / SECOND < len(NAMES) * 4 * STOP_S + 1, "it waits for nothing"

    assert machine.running == {}

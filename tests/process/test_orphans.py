"""However a fleet ends, by a stop or by kill -9 of those who watch it, nothing of it is left.

Its platforms ignore SIGTERM, fork, leave their session, lose their parents, and hide their marks.
"""

import signal
import sys
from random import Random

import pytest
from tests.campaign import trials
from tests.process.fleets import Fleet, kill, wait

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.system import tree
from flotilla.fleet.system.cgroup import Cgroups

TRIALS = trials(4, 50)
pytestmark = [pytest.mark.slow, pytest.mark.campaign(TRIALS)]
ROGUE = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
how = sys.argv[1]
if how != "plain" and os.fork() == 0:
    if how != "fork":
        os.setsid()
    if how in ("daemon", "hidden") and os.fork() != 0:
        os._exit(0)
    if how == "hidden":
        os.execve(sys.executable, [sys.executable, "-I", "-S", *sys.orig_argv[3:4], "plain", sys.argv[2]], {})
    while True:
        signal.pause()
while True:
    signal.pause()
"""
WAYS = ("plain", "fork", "setsid", "daemon", "hidden")


@pytest.fixture
def fleet(tmp_path):
    """Return a function that makes a fleet of rogues in a mode."""
    made = []

    def make(mode, ways=WAYS):
        (tmp_path / "rogue.py").write_text(ROGUE)
        python = [sys.executable, "-I", "-S", str(tmp_path / "rogue.py")]
        path = tmp_path / str(len(made))
        path.mkdir()
        word = f"--of={path}"
        platforms = {way: {"command": [*python, way, word], "shutdown_timeout": 0.2} for way in ways}
        made.append(one := Fleet(path, platforms, mode))
        return one

    yield make
    for one in made:
        one.clean()


def left_after(fleet, seconds):
    """Return what of the fleet still lives once nothing does, or `seconds` have passed."""
    end_ns = monotonic_ns() + int(seconds * 1e9)
    while (left := fleet.started()) and monotonic_ns() < end_ns:
        sleep(0.005)
    return left


def supervisor_of(fleet):
    return wait(fleet.folder.holder, 20.0, f"supervised: {fleet.said()}")


def begun(fleet, chance):
    """Start it, and let pass some time after its first platform was started: it may still start others."""
    guard = fleet.up()
    supervisor = supervisor_of(fleet)
    wait(fleet.started, 20.0, f"started: {fleet.said()}")
    sleep(chance.choice([0.0, 0.01, 0.05, 0.3]) * chance.random())
    return guard, supervisor


@pytest.mark.parametrize("mode", ["adopt", "bound"])
def test_after_a_stop_nothing_is_left(fleet, mode):
    chance = Random(1)
    for _ in range(TRIALS):
        one = fleet(mode)
        guard, _ = begun(one, chance)

        guard.terminate()

        assert guard.wait(30) == 0, one.said()
        assert one.started() == set()


@pytest.mark.parametrize("who", ["supervisor", "guard", "twin", "guard and twin"])
def test_bound_to_each_other_all_end_when_one_is_killed(fleet, who):
    chance = Random(2)
    for _ in range(TRIALS):
        one = fleet("bound")
        guard, supervisor = begun(one, chance)
        twin = tree.read(supervisor).parent

        kill(*{"supervisor": [supervisor], "guard": [guard.pid], "twin": [twin]}.get(who, [guard.pid, twin]))

        wait(lambda o=one: not o.managers(), 20.0, "ended")
        assert left_after(one, 10.0) == set()
        assert guard.wait(10) != 0


@pytest.mark.parametrize("who", ["supervisor", "guard", "both"])
def test_after_adoption_a_stop_leaves_nothing_either(fleet, who, tmp_path):
    if who == "guard" or who == "both":
        groups = Cgroups(tmp_path)
        # Nobody falls heir to what hid when the guard was dead: only its control group tells.
        ways = WAYS if groups.make("probe").kills else WAYS[:-1]
        groups.remove()
    else:
        ways = WAYS
    chance = Random(3)
    for _ in range(TRIALS):
        one = fleet("adopt", ways)
        guard, supervisor = begun(one, chance)

        # The guard first: it would begin another supervisor in between.
        kill(*{"supervisor": [supervisor], "guard": [guard.pid]}.get(who, [guard.pid, supervisor]))
        sleep(0.1 * chance.random())

        if who != "supervisor":
            guard.wait()
        if who == "guard":
            wait(one.status, 20.0, one.said())
            kill(supervisor, what=signal.SIGTERM)
            wait(lambda o=one: not o.managers(), 30.0, "down")
        else:
            last = one.up() if who == "both" else guard
            one.ready(generation=2)
            last.terminate()
            assert last.wait(30) == 0, one.said()
        assert one.started() == set()

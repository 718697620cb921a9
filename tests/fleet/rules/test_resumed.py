"""One supervisor dies in the middle of something, and the next goes on with it."""

import random

import pytest
from tests.fleet.made_world import SECOND, World, fleet_of

from flotilla.clock import monotonic_ns
from flotilla.fleet.rules.fleet_state import down
from flotilla.fleet.rules.states import Ask, Drain, Readied, Tick

SEQUENCE = {"fleet": {"sequences": {"morning": [["a"], ["b"], ["c"]]}}}


def world_of(*given, **more):
    world = World(fleet_of(*given, **more))
    world.now = monotonic_ns()
    return world


def test_a_stage_of_a_sequence_still_waits_for_those_before_it():
    world = world_of({"c": [], "b": [], "a": []}, **SEQUENCE)
    world.tell(Ask("start", ("morning",)))
    assert world.begun == ["a"]

    world.succeed()
    assert world.begun == ["a"]
    world.tell(Readied("a"))
    world.succeed()

    world.rest()
    assert world.begun == ["a", "b", "c"]


@pytest.mark.parametrize("needs", [{"a": [], "b": []}, {"a": [], "b": ["a"]}])
def test_a_group_still_starts_again_once_all_of_it_have_left(needs):
    group = {"every": {"group": "g"}, "fleet": {"groups": {"g": {"policy": "one_for_all"}}}}
    world = world_of(needs, **group)
    world.start()
    world.exit("a", 1)
    assert world.states()["b"] == "stopping"

    world.succeed()

    assert world.begun == ["a", "b"]
    world.rest()
    assert world.begun[:3] == ["a", "b", "a"]
    assert world.states() == {"a": "ready", "b": "ready"}


def test_a_restart_still_comes_to_those_that_were_not_told_yet():
    group = {"every": {"group": "g"}, "fleet": {"groups": {"g": {"policy": "rest_for_one"}}}}
    world = world_of({"feed": [], "app": ["feed"]}, **group)
    world.start()
    world.tell(Ask("restart", ("feed",)))
    assert world.states() == {"feed": "ready", "app": "stopping"}

    world.succeed()
    world.rest()

    assert world.left == ["app", "feed"]
    assert world.begun == ["feed", "app", "feed", "app"]
    assert world.states() == {"feed": "ready", "app": "ready"}


def test_a_stop_still_comes_to_those_that_were_not_told_yet():
    world = world_of({"feed": [], "app": ["feed"]})
    world.start()
    world.tell(Ask("stop", ("feed",), "ann", "for the night"))

    world.succeed()
    world.rest()

    assert world.left == ["app", "feed"]
    assert world.states() == {"feed": "stopped", "app": "stopped"}
    assert world.fleet.lives["feed"].reason == "for the night"


def test_one_that_was_to_be_drained_patiently_still_is():
    drains = {"drain": {"signal": "USR1", "timeout": 2.0}, "shutdown_timeout": 1.0}
    world = world_of({"feed": [], "app": ["feed"]}, feed=drains, app=drains)
    world.start()
    world.tell(Ask("drain", ("feed",)))
    told = [order for order in world.orders if isinstance(order, Drain)]
    assert told == [Drain("app")]

    world.succeed()  # while the one settles, and the other is not told yet
    assert world.fleet.lives["app"].deadline_ns is None
    assert [order for order in world.orders if isinstance(order, Drain)] == [*told, Drain("app", again=True)]
    world.pending.clear()
    world.pass_until(600)
    assert world.states() == {"feed": "ready", "app": "draining"}
    world.exit("app")
    assert world.states() == {"feed": "draining", "app": "stopped"}
    assert world.fleet.lives["feed"].deadline_ns is None


def test_a_fleet_that_was_going_down_goes_down():
    world = world_of({"feed": [], "app": ["feed"], "late": ["app"]})
    world.start("app")
    world.tell(Ask("down"))

    world.succeed()
    world.rest()

    assert world.left == ["app", "feed"]
    assert world.begun == ["feed", "app"]
    assert down(world.fleet)


def test_a_stop_for_a_fault_still_costs_budget():
    health = {"health": {"heartbeat_s": 1.0}, "max_restart_attempts": 0}
    world = world_of({"feed": []}, feed=health)
    world.start()
    world.pending.clear()
    while world.states()["feed"] != "killing":
        world.now += SECOND // 10
        world.tell(Tick())

    world.succeed()
    world.exit("feed", -9)

    assert world.states() == {"feed": "failed"}


def test_the_one_start_after_a_failure_is_still_one():
    half_open = {"max_restart_attempts": 1, "probe_after": 5.0, "backoff": {"first": 0.01, "most": 0.01}}
    world = world_of({"feed": []}, feed=half_open)
    world.start()
    for _ in range(2):
        world.exit("feed", 1)
        world.pass_until(1)
    assert world.states() == {"feed": "failed"}
    world.pass_until(60)  # its window is over, and it was started once, to see
    begun = len(world.begun)

    world.succeed()
    world.exit("feed", 1)

    assert world.states() == {"feed": "failed"}
    assert len(world.begun) == begun


def test_one_that_had_a_deadline_to_settle_has_a_new_one():
    world = world_of({"feed": []}, feed={"drain": {"signal": "USR1", "timeout": 2.0}})
    world.start()
    world.tell(Ask("stop", ("feed",)))

    world.succeed()

    assert world.fleet.lives["feed"].deadline_ns == world.now + 2 * SECOND


@pytest.mark.parametrize("seed", range(300))
def test_a_chain_of_supervisors_comes_to_the_end_that_one_would(seed):
    """Whatever is asked and whenever they die: all that should run does, and the rest does not."""
    chance = random.Random(seed)
    names = "abcdef"[: chance.randint(2, 6)]
    needs = {name: [other for other in names[:k] if chance.random() < 0.3] for k, name in enumerate(names)}
    groups = {"g": {"policy": chance.choice(["one_for_one", "rest_for_one", "one_for_all"])}}
    stages = [[name] for name in names]
    world = world_of(
        needs,
        every={"group": "g", "backoff": {"first": 0.01, "most": 0.02}, "max_restart_attempts": 50},
        fleet={"groups": groups, "sequences": {"all": stages}},
    )
    world.random.seed(seed)
    world.tell(Ask("start", ("all",) if chance.random() < 0.5 else ()))
    stopped = set()
    for _ in range(chance.randint(1, 25)):
        what = chance.random()
        name = chance.choice(names)
        if what < 0.4:
            world.step()
        elif what < 0.7:
            world.succeed()
        elif what < 0.8 and name in world.running:
            world.exit(name, 1)
        elif what < 0.9:
            world.tell(Ask("restart", (name,)))
        else:
            world.tell(Ask("stop", (name,)))
        stopped = {name for name in names if not world.fleet.lives[name].wanted} | {
            name for name, stop in world.fleet.leaving.items() if stop.then == "stop"
        }
    world.rest()
    world.pass_until(60)

    states = world.states()
    assert {name for name in names if states[name] == "stopped"} == stopped
    assert set(states.values()) <= {"stopped", "ready", "waiting"}
    for name in names:
        if states[name] == "waiting":
            assert any(states[need] != "ready" for need in needs[name]) or world.fleet.first.get(name)
    world.tell(Ask("down"))
    for _ in range(chance.randint(0, 4)):
        world.step()
    world.succeed()
    world.rest()
    assert down(world.fleet)
    assert world.running == {}

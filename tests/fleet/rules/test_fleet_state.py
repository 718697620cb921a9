import pytest
from tests.fleet.made_world import World, fleet_of

from flotilla.errors import UnknownName
from flotilla.fleet.rules.fleet_state import (
    down,
    fleet_due_ns,
    made,
    met,
    needs_in,
    restarted_by,
    restarted_with,
    started_by,
    stopped_by,
)
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import Ask, State
from flotilla.fleet.spec import Platform

DIAMOND = {"feed": [], "left": ["feed"], "right": ["feed"], "last": ["left", "right"]}


def test_a_made_fleet_rests():
    fleet = made(fleet_of(DIAMOND), 3)

    assert fleet.generation == 3
    assert fleet_due_ns(fleet) is None
    assert needs_in(fleet.lives) == {name: tuple(needs) for name, needs in DIAMOND.items()}
    assert not down(fleet)


def test_it_is_known_before_what_a_command_would_do():
    world = World(fleet_of(DIAMOND))
    assert started_by(world.fleet, ["left"]) == (("feed",), ("left",))
    assert stopped_by(world.fleet, ["feed"]) == ()

    world.start()

    assert started_by(world.fleet, ["last"]) == ()
    assert stopped_by(world.fleet, ["left"]) == (("last",), ("left",))
    assert restarted_by(world.fleet, ["left"]) == (("left",),)
    with pytest.raises(UnknownName):
        stopped_by(world.fleet, ["who"])


def test_who_is_needed_by_nobody_stops_at_once():
    world = World(fleet_of({**DIAMOND, "clock": []}))
    world.start()

    assert stopped_by(world.fleet, []) == (("last", "clock"), ("left", "right"), ("feed",))


def test_what_lies_between_two_keeps_them_apart_though_it_does_not_run():
    world = World(fleet_of({"feed": [], "left": ["feed"], "last": {"left": "started"}}))
    world.start()
    world.exit("left", 0)

    assert stopped_by(world.fleet, []) == (("last",), ("left",), ("feed",))


def test_a_sequence_goes_stage_by_stage_whatever_the_graph_says():
    spec = fleet_of(DIAMOND, fleet={"sequences": {"slowly": [["right"], ["left"], ["last"]]}})
    world = World(spec)

    assert started_by(world.fleet, ["slowly"]) == (("feed",), ("right",), ("left",), ("last",))
    assert started_by(world.fleet, ["last"]) == (("feed",), ("left", "right"), ("last",))

    world.tell(Ask("start", ("slowly",)))
    world.rest()

    assert world.begun == ["feed", "right", "left", "last"]


@pytest.mark.parametrize(
    ("policy", "order"),
    [
        ("one_for_one", (("left",),)),
        ("rest_for_one", (("left",), ("last",))),
        ("one_for_all", (("feed",), ("left", "right"), ("last",))),
    ],
)
def test_a_restart_takes_along_whom_the_group_says_and_nobody_else(policy, order):
    spec = fleet_of(DIAMOND, every={"group": "all"}, fleet={"groups": {"all": {"policy": policy}}})
    world = World(spec)
    world.start()

    assert restarted_by(world.fleet, ["left"]) == order


def test_a_restart_of_what_does_not_run_starts_what_it_needs_too():
    world = World(fleet_of(DIAMOND))

    assert restarted_with(world.fleet, ["left"]) == (("feed",), ("left",))

    world.start()

    assert restarted_with(world.fleet, ["left"]) == (("left",),)


def test_a_job_that_is_done_is_done_again_only_if_it_is_named():
    world = World(fleet_of({"job": [], "app": {"job": "completed"}}, job={"kind": "job"}))
    world.start()
    world.exit("job", 0)
    world.rest()
    world.tell(Ask("stop", ("app",)))
    world.rest()

    assert started_by(world.fleet, ["app"]) == (("app",),)
    assert started_by(world.fleet, ["job"]) == (("job",),)


@pytest.mark.parametrize(
    ("state", "pid", "conditions"),
    [
        (State.STOPPED, None, set()),
        (State.STARTING, None, set()),
        (State.STARTING, 7, {"started"}),
        (State.READY, 7, {"started", "ready"}),
        (State.DEGRADED, 7, {"started"}),
        (State.STOPPING, 7, set()),
        (State.COMPLETED, None, {"started", "ready", "completed"}),
        (State.FAILED, None, set()),
    ],
)
def test_what_a_need_is_met_by(state, pid, conditions):
    life = Life("a", Platform(("x",)), state, pid=pid)

    assert {c for c in ("started", "ready", "completed") if met(life, c)} == conditions

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

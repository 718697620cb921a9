import pytest
from tests.fleet.made_world import World, fleet_of

from flotilla.fleet import spec
from flotilla.fleet.rules.states import Reload


def test_a_reload_leaves_alone_what_did_not_change():
    old = fleet_of({"a": [], "b": ["a"], "gone": []})
    world = World(old)
    world.start()
    new = spec.decode(
        {
            "name": "made",
            "platforms": {
                "a": {"command": ["x"]},
                "b": {"command": ["y"], "needs": ["a"]},
                "new": {"command": ["z"], "needs": ["b"]},
            },
        }
    )

    world.tell(Reload(new))
    world.rest()

    assert world.states() == {"a": "ready", "b": "ready", "new": "ready"}
    assert world.begun.count("a") == 1
    assert world.begun.count("b") == 2
    assert world.fleet.lives["b"].platform.command == ("y",)
    assert "gone" in world.left


@pytest.mark.parametrize("needed", [False, True])
def test_what_is_taken_out_and_put_back_while_it_leaves_starts_again_once_it_has_left(needed):
    world = World(fleet_of({"a": [], "b": ["a"] if needed else []}))
    world.start()
    pid = world.running["a"]

    world.tell(Reload(fleet_of({"c": []})))
    world.tell(Reload(fleet_of({"a": [], "b": ["a"] if needed else []}, a={"env": {"A": "1"}})))
    world.rest()

    assert world.states() == {"a": "ready", "b": "ready"}
    assert world.running["a"] != pid
    assert world.fleet.lives["a"].platform.env == {"A": "1"}
    assert world.begun.count("a") == 2


def test_what_is_new_and_has_hours_is_started_by_them_and_not_by_the_reload():
    world = World(fleet_of({"a": []}))
    daily = {"calendar": "XNYS", "start": "09:00", "stop": "15:35"}

    world.tell(Reload(fleet_of({"a": [], "b": []}, b={"schedule": daily})))

    assert world.fleet.lives["b"].state == "stopped"


def test_a_new_budget_is_taken_up_without_a_restart():
    world = World(fleet_of({"a": []}))
    world.start()

    world.tell(Reload(fleet_of({"a": []}, a={"max_restart_attempts": 9})))

    assert world.fleet.lives["a"].platform.max_restart_attempts == 9
    assert world.begun == ["a"]

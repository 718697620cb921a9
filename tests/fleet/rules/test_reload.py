import pytest
from tests.fleet.made_world import World, fleet_of

from flotilla.errors import ConfigError
from flotilla.fleet import spec
from flotilla.fleet.rules.fleet_state import stopped_by
from flotilla.fleet.rules.states import Ask, Probed, Reload


def test_a_reload_leaves_alone_what_did_not_change():
    old = fleet_of({"a": [], "b": ["a"], "gone": []})
    world = World(old)
    world.start()
    new = spec.decode_fleet(
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


def test_a_lost_need_that_is_dropped_leaves_it_ready():
    world = World(fleet_of({"feed": [], "app": ["feed"]}, feed={"max_restart_attempts": 0}))
    world.start()
    world.exit("feed", 1)
    assert world.states() == {"feed": "failed", "app": "degraded"}

    world.tell(Reload(fleet_of({"feed": [], "app": []}, feed={"max_restart_attempts": 0})))

    assert world.states() == {"feed": "failed", "app": "ready"}


def test_a_need_that_is_added_and_is_not_there_leaves_it_degraded_until_it_is():
    world = World(fleet_of({"feed": [], "app": []}))
    world.start("app")

    world.tell(Reload(fleet_of({"feed": [], "app": ["feed"]})))
    assert world.states() == {"feed": "stopped", "app": "degraded"}
    assert world.fleet.lives["app"].reason == "needs feed"
    world.start("feed")

    assert world.states() == {"feed": "ready", "app": "ready"}


def test_a_need_that_asks_for_less_is_met_by_less():
    world = World(fleet_of({"feed": [], "app": ["feed"]}))
    world.start()
    world.tell(Probed("feed", ok=False))
    assert world.states() == {"feed": "degraded", "app": "degraded"}

    world.tell(Reload(fleet_of({"feed": [], "app": {"feed": "started"}})))

    assert world.states() == {"feed": "degraded", "app": "ready"}


def test_what_a_probe_said_that_is_asked_no_more_is_of_no_account():
    world = World(fleet_of({"feed": []}, feed={"health": {"probe": "tcp:127.0.0.1:9"}}))
    world.start()
    world.tell(Probed("feed", ok=False))

    world.tell(Reload(fleet_of({"feed": []})))

    assert world.states() == {"feed": "ready"}


def test_one_that_starts_is_ready_at_once_if_the_file_asks_for_no_more_now():
    world = World(fleet_of({"feed": []}))
    world.tell(Ask("start"))
    world.tell(world.pending.pop())
    assert world.states() == {"feed": "starting"}

    world.tell(Reload(fleet_of({"feed": []}, feed={"ready": "started"})))

    assert world.states() == {"feed": "ready"}


def taken_out(needed=True):
    """Return a world in which `base` is taken out, and waits for `app` to leave."""
    world = World(fleet_of({"base": [], "app": ["base"] if needed else [], "other": []}))
    world.start()
    world.tell(Reload(fleet_of({"other": []})))
    assert set(world.states()) == {"base", "app", "other"}
    return world


def test_a_start_of_all_does_not_keep_what_is_being_taken_out():
    world = taken_out()

    world.start()

    assert world.states() == {"other": "ready"}
    assert not world.fleet.renewed
    assert set(world.running) == {"other"}


@pytest.mark.parametrize("command", ["start", "restart"])
def test_what_is_being_taken_out_cannot_be_started_by_name(command):
    world = taken_out()

    with pytest.raises(ConfigError, match="base is no longer in the fleet's file"):
        world.tell(Ask(command, ("base",)))


def test_a_start_does_not_keep_what_is_to_be_another():
    world = World(fleet_of({"base": [], "app": ["base"]}))
    world.start()
    world.tell(Reload(fleet_of({"base": [], "app": ["base"]}, every={"env": {"A": "2"}})))

    world.start("base")

    assert set(world.states().values()) == {"ready"}
    assert {life.platform.env["A"] for life in world.fleet.lives.values()} == {"2"}
    assert (world.begun.count("base"), world.begun.count("app")) == (2, 2)


def test_a_stop_that_is_taken_back_while_the_file_changes_becomes_a_new_start():
    world = World(fleet_of({"base": [], "app": ["base"]}))
    world.start()
    world.tell(Ask("stop", ("base",)))
    world.tell(Reload(fleet_of({"base": [], "app": ["base"]}, base={"env": {"A": "2"}})))

    world.start()

    assert set(world.states().values()) == {"ready"}
    assert world.fleet.lives["base"].platform.env == {"A": "2"}


def test_what_changes_again_before_it_has_left_becomes_what_the_file_says_last():
    world = World(fleet_of({"base": [], "app": ["base"]}))
    world.start()
    for more in ({"env": {"A": "2"}}, {"env": {"A": "2"}, "max_restart_attempts": 9}):
        last = fleet_of({"base": [], "app": ["base"]}, every=more)
        world.tell(Reload(last))
    world.rest()

    assert {name: life.platform for name, life in world.fleet.lives.items()} == last.platforms


TURNED = {"b": ["a"], "a": [], "c": ["a"], "d": []}


def turned_round(stopped=()):
    """Return a world whose file turns a need round: b is to need a, which needs b until it has left."""
    world = World(fleet_of({"b": [], "a": ["b"], "c": ["a"], "d": []}))
    world.start()
    if stopped:
        world.tell(Ask("stop", stopped))
    world.tell(Reload(fleet_of(TURNED, a={"env": {"A": "2"}})))
    return world


def test_needs_that_are_turned_round_are_taken_up():
    world = turned_round()

    world.rest()

    assert set(world.states().values()) == {"ready"}
    assert world.fleet.lives["a"].platform.needs == {}


def test_needs_that_are_turned_round_wait_for_nobody_else():
    world = turned_round(stopped=("d",))

    assert world.states()["d"] == "stopping"
    assert world.states()["a"] == "stopping"


@pytest.mark.parametrize("command", ["stop", "down"])
def test_while_needs_are_turned_round_a_stop_takes_all_and_in_order(command):
    world = turned_round()
    began = world.now
    assert {name for level in stopped_by(world.fleet, ("a",)) for name in level} == {"a", "b", "c"}

    world.tell(Ask(command, ("a",) if command == "stop" else ()))
    world.rest()

    assert {name: world.states()[name] for name in "abc"} == dict.fromkeys("abc", "stopped")
    assert world.left.index("a") < world.left.index("b")
    assert world.now == began

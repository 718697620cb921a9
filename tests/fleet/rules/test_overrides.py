"""What a command sets anew for one platform, and how long that holds."""

import pytest
from tests.fleet.made_world import World, fleet_of

from flotilla.errors import ConfigError
from flotilla.fleet.rules.states import Adopted, Ask, Reload, Restored, State
from flotilla.fleet.spec import Overrides

LOUD = Overrides(log_level="DEBUG", max_restart_attempts=9)


def level(world, name="feed"):
    return world.fleet.lives[name].platform.log.level


def test_overrides_hold_from_the_next_start_on_until_a_start_without_them():
    world = World(fleet_of({"feed": [], "app": ["feed"]}))
    world.start()
    quiet = level(world)

    world.tell(Ask("start", ("feed",), overrides=LOUD))
    world.rest()
    assert (world.begun.count("feed"), level(world)) == (1, quiet)

    world.exit("feed", -9)
    world.rest()
    assert (world.begun.count("feed"), level(world)) == (2, "DEBUG")
    assert world.fleet.lives["feed"].platform.max_restart_attempts == 9

    world.tell(Ask("restart", ("feed",)))
    world.rest()
    assert world.fleet.lives["feed"].platform == world.fleet.spec.platforms["feed"]


def test_overrides_of_one_that_is_at_rest_hold_at_once_and_for_it_alone():
    world = World(fleet_of({"feed": [], "app": ["feed"]}))

    world.tell(Ask("start", ("app",), why="to see", overrides=LOUD))
    world.rest()

    assert (level(world, "app"), level(world)) == ("DEBUG", "INFO")
    note = world.orders[0]
    assert note.text == "to see (with log_level DEBUG, max_restart_attempts 9)"
    assert note.data["overrides"] == LOUD.given


def test_a_reload_leaves_overrides_as_they_are_and_they_make_no_difference_to_it():
    world = World(fleet_of({"feed": []}))
    world.tell(Ask("start", ("feed",), overrides=LOUD))
    world.rest()

    world.tell(Reload(fleet_of({"feed": []})))
    assert world.begun == ["feed"]
    world.tell(Reload(fleet_of({"feed": []}, feed={"max_restart_attempts": 5, "shutdown_timeout": 3})))

    assert world.begun == ["feed"]
    platform = world.fleet.lives["feed"].platform
    assert (platform.max_restart_attempts, platform.shutdown_timeout) == (9, 3)
    world.tell(Reload(fleet_of({"feed": []}, feed={"env": {"A": "1"}})))
    world.rest()
    assert (world.begun.count("feed"), level(world)) == (2, "DEBUG")


@pytest.mark.parametrize(
    ("ask", "mistake"),
    [
        (Ask("stop", ("feed",), overrides=LOUD), "stop takes no overrides"),
        (Ask("start", (), overrides=LOUD), "overrides are for one platform: name it"),
        (Ask("restart", ("feed", "app"), overrides=LOUD), "overrides are for one platform: name it"),
        (Ask("start", ("slow",), overrides=LOUD), "overrides are for one platform: name it"),
    ],
)
def test_overrides_that_are_refused_change_nothing(ask, mistake):
    world = World(fleet_of({"feed": [], "app": []}, fleet={"sequences": {"slow": [["feed"]]}}))
    before = world.fleet

    with pytest.raises(ConfigError, match=mistake):
        world.tell(ask)

    assert world.fleet is before


@pytest.mark.parametrize(
    "event", [Adopted("feed", 7, overrides=LOUD), Restored("feed", State.FAILED, overrides=LOUD)]
)
def test_overrides_are_taken_over_by_the_next_supervisor(event):
    world = World(fleet_of({"feed": []}))
    if isinstance(event, Adopted):
        world.running["feed"] = 7

    world.tell(event)

    assert world.fleet.lives["feed"].overrides == LOUD
    assert level(world) == ("DEBUG" if isinstance(event, Adopted) else "INFO")

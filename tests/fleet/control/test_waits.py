from msgspec.structs import replace
from tests.fleet.made_world import World, fleet_of

from flotilla.fleet.control.waits import waits
from flotilla.fleet.rules.states import Ask, State


def world_of(needs, **fleet):
    return World(fleet_of(needs, every={"max_restart_attempts": 0}, fleet=fleet))


def failed(world, *names):
    """Begin, and let `names` die: they may not be started again."""
    world.tell(Ask("start", ()))
    for name in names:
        world.exit(name, 3)
    world.rest()
    return world


def become(world, name, **what):
    return replace(world.fleet, lives={**world.fleet.lives, name: replace(world.fleet.lives[name], **what)})


def test_who_waits_for_what_has_failed_says_so_through_others_too():
    world = failed(world_of({"crash": [], "d1": ["crash"], "d2": ["d1"], "ok": []}), "crash")

    assert waits(world.fleet) == {
        "d1": ("needs crash, which has failed", ("crash",)),
        "d2": ("needs d1, which is waiting", ("crash",)),
    }


def test_what_comes_by_itself_blocks_nobody():
    world = world_of({"feed": [], "app": ["feed"]})
    world.tell(Ask("start", ()))

    assert waits(world.fleet) == {"app": ("needs feed, which is starting", ())}


def test_what_has_failed_and_is_started_once_more_to_see_is_not_waited_for_in_vain():
    world = World(fleet_of({"c": [], "d": ["c"]}, every={"max_restart_attempts": 0, "probe_after": 5.0}))

    assert waits(failed(world, "c").fleet) == {"d": ("needs c, which has failed", ())}


def test_of_many_needs_those_are_named_that_do_not_come():
    world = failed(world_of({"slow": [], "crash": [], "app": ["slow", "crash"]}), "crash")
    fleet = become(world, "slow", state=State.STARTING)

    assert waits(fleet) == {"app": ("needs crash, which has failed", ("crash",))}


def test_who_is_stopped_and_is_not_to_run_is_not_waited_for_in_vain():
    world = failed(world_of({"feed": [], "app": ["feed"], "last": ["app"]}), "feed")
    fleet = become(world, "feed", state=State.STOPPED, wanted=False)

    assert waits(fleet)["app"] == ("needs feed, which is stopped", ("feed",))
    assert waits(fleet)["last"].blocked_by == ("feed",)


def test_one_that_is_degraded_for_a_need_that_failed_holds_up_who_needs_it():
    world = failed(world_of({"gate": [], "feed": {"gate": "started"}, "app": ["feed"]}), "gate")
    fleet = become(world, "feed", state=State.DEGRADED)

    assert waits(fleet) == {"app": ("needs feed, which is degraded", ("gate",))}


def test_a_stage_waits_for_the_one_before():
    world = world_of(
        {"load": [], "next": [], "last": []}, sequences={"slowly": [["load"], ["next"], ["last"]]}
    )
    world.tell(Ask("start", ("slowly",)))
    coming = waits(world.fleet)

    world.exit("load", 3)
    world.rest()

    assert coming["next"] == ("waits for load, of a stage before, which is starting", ())
    assert waits(world.fleet)["next"] == ("waits for load, of a stage before, which has failed", ("load",))
    assert waits(world.fleet)["last"].blocked_by == ("load",)


def test_where_nobody_waits_there_is_nothing_to_say():
    world = world_of({"feed": [], "app": ["feed"]})
    world.start()

    assert waits(world.fleet) == {}


def test_a_long_chain_is_as_good_as_a_short_one():
    names = [f"p{n}" for n in range(3000)]
    chain = {name: [names[n - 1]] if n else [] for n, name in enumerate(names)}

    found = waits(failed(world_of(chain), "p0").fleet)

    assert (len(found), found["p2999"].blocked_by) == (2999, ("p0",))

import pytest
from tests.fleet.made_world import SECOND, World, fleet_of

from flotilla.fleet.states import Alert, Ask, HostFound, HostLost, Kill, Note, Over, Terminate, Tick
from flotilla.fleet.whole import down

DIAMOND = {"feed": [], "left": ["feed"], "right": ["feed"], "last": ["left", "right"]}


def test_who_needs_what_died_is_degraded_until_it_is_back_and_never_restarted():
    world = World(fleet_of(DIAMOND))
    world.start()

    world.exit("feed", -9)
    assert world.states() == {"feed": "starting", "left": "degraded", "right": "degraded", "last": "degraded"}
    world.rest()

    assert set(world.states().values()) == {"ready"}
    assert world.begun.count("feed") == 2
    assert world.begun.count("last") == 1


def die_too_often(world, name, times=4):
    for _ in range(times):
        world.exit(name, -9, jitter=0.5)
        world.rest()
        world.pass_until(3)


def test_what_has_failed_leaves_its_needers_degraded_and_tells_a_person():
    world = World(fleet_of(DIAMOND))
    world.start()

    die_too_often(world, "feed")

    assert world.states() == {"feed": "failed", "left": "degraded", "right": "degraded", "last": "degraded"}
    assert world.begun.count("feed") == 1 + 3
    assert [alert.name for alert in world.orders if isinstance(alert, Alert)] == ["feed"]


def test_needers_that_stop_when_it_has_failed_do_so_in_reverse_and_come_back_with_it():
    world = World(fleet_of(DIAMOND, every={"on_need_lost": "stop"}))
    world.start()
    world.left.clear()

    die_too_often(world, "feed")
    assert world.left[-3] == "last"
    assert world.states() == {"feed": "failed", "left": "waiting", "right": "waiting", "last": "waiting"}
    assert world.begun.count("left") == 1

    world.start("feed")
    assert set(world.states().values()) == {"ready"}


def test_half_open_is_one_start_and_one_alone():
    world = World(fleet_of({"feed": []}, feed={"probe_after": 10.0}))
    world.start()
    die_too_often(world, "feed")
    assert len(world.begun) == 4

    world.pass_until(10)
    assert world.states() == {"feed": "ready"}
    world.exit("feed", -9)
    world.rest()

    assert world.states() == {"feed": "failed"}
    assert len(world.begun) == 5


@pytest.mark.parametrize(
    ("policy", "again"),
    [
        ("one_for_one", {"left"}),
        ("rest_for_one", {"left", "last"}),
        ("one_for_all", {"feed", "left", "right", "last"}),
    ],
)
def test_a_group_starts_again_as_its_policy_says(policy, again):
    world = World(fleet_of(DIAMOND, every={"group": "g"}, fleet={"groups": {"g": {"policy": policy}}}))
    world.start()
    world.begun.clear()

    world.exit("left", -9)
    world.rest()

    assert set(world.begun) == again
    assert len(world.begun) == len(again)
    assert set(world.states().values()) == {"ready"}


def test_when_one_of_all_has_failed_all_are_stopped():
    world = World(
        fleet_of({"a": [], "b": []}, every={"group": "g"}, fleet={"groups": {"g": {"policy": "one_for_all"}}})
    )
    world.start()

    die_too_often(world, "a")

    assert world.states() == {"a": "failed", "b": "stopped"}


def test_a_hung_platform_is_killed_half_a_beat_before_the_last_miss_and_started_again():
    world = World(fleet_of({"feed": []}, feed={"health": {"heartbeat_s": 0.2}}))
    world.start()
    began = world.now

    world.now = began + int(0.499 * SECOND)
    world.tell(Tick())
    assert world.states() == {"feed": "ready"}
    world.now = began + int(0.5 * SECOND)
    world.tell(Tick())

    assert world.states() == {"feed": "killing"}
    assert any(isinstance(order, Kill) for order in world.orders)
    assert any(isinstance(order, Note) and order.kind == "hung" for order in world.orders)
    world.rest()
    assert world.states() == {"feed": "ready"}


def test_who_does_not_go_is_killed_with_an_alarm_and_the_next_waits_for_it():
    world = World(fleet_of({"feed": [], "app": ["feed"]}, every={"shutdown_timeout": 2.0}))
    world.start()
    world.tell(Ask("down"))
    world.pending.clear()  # it ignores SIGTERM
    assert [order.name for order in world.orders if isinstance(order, Terminate)] == ["app"]

    world.pass_until(2)

    assert world.left == ["app", "feed"]
    assert [alert.severity for alert in world.orders if isinstance(alert, Alert)] == ["critical"]
    assert down(world.fleet)


def test_what_holds_positions_is_asked_to_settle_before_it_is_stopped_for_memory():
    many = {"holds_positions": True, "drain": {"signal": "USR1"}}
    world = World(fleet_of({"trader": []}, trader=many))
    world.start()

    world.tell(Over("trader", "stop", "memory"))
    assert world.states() == {"trader": "draining"}
    world.tell(Over("trader", "stop", "memory"))

    assert world.states() == {"trader": "draining"}
    assert not any(isinstance(order, Kill | Terminate) for order in world.orders)


def test_a_lost_host_is_a_partition_and_no_death():
    hosts = {"hosts": {"far": {"address": "far:9", "on_lost": "degrade"}}}
    world = World(
        fleet_of(
            {"feed": [], "app": ["feed"]}, feed={"host": "far", "health": {"heartbeat_s": 0.2}}, fleet=hosts
        )
    )
    world.start()

    world.tell(HostLost("far"))
    world.pass_until(60)
    assert world.states() == {"feed": "degraded", "app": "degraded"}
    world.tell(HostFound("far"))

    assert world.states() == {"feed": "ready", "app": "ready"}
    assert world.begun == ["feed", "app"]


def test_a_lost_host_stops_who_needs_it_where_so_declared():
    hosts = {"hosts": {"far": {"address": "far:9", "on_lost": "stop"}}}
    world = World(
        fleet_of(
            {"feed": [], "app": ["feed"]}, feed={"host": "far"}, app={"on_need_lost": "stop"}, fleet=hosts
        )
    )
    world.start()

    world.tell(HostLost("far"))
    world.rest()
    assert world.states() == {"feed": "degraded", "app": "waiting"}
    world.tell(HostFound("far"))
    world.rest()

    assert world.states() == {"feed": "ready", "app": "ready"}

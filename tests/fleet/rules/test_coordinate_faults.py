import pytest
from tests.fleet.made_world import SECOND, World, fleet_of

from flotilla.fleet.rules.fleet_state import down
from flotilla.fleet.rules.states import (
    Adopted,
    Alert,
    Ask,
    Beat,
    Exited,
    HostFound,
    HostLost,
    Hung,
    Kill,
    Note,
    Over,
    Spawn,
    State,
    Terminate,
    Tick,
)

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


@pytest.mark.parametrize("how", ["silence", "its agent"])
def test_one_that_settles_without_a_deadline_must_be_heard_from(how):
    drain = {"health": {"heartbeat_s": 0.2}, "drain": {"signal": "USR1"}}
    world = World(fleet_of({"feed": []}, feed=drain))
    world.start()
    world.tell(Ask("drain", ("feed",)))
    world.pending.clear()  # it goes on settling

    for _ in range(20):
        world.now += SECOND // 5
        world.tell(Tick())
        world.tell(Beat("feed"))
    assert world.states() == {"feed": "draining"}
    if how == "silence":
        world.pass_until(0.5)
    else:
        world.tell(Hung("feed", 0.5))
        world.rest()

    assert world.states() == {"feed": "stopped"}
    assert [order.text for order in world.orders if isinstance(order, Alert)] == [
        "hung: not heard from for 0.50 s"
    ]


def test_one_that_settles_until_a_deadline_need_not_speak():
    drain = {"health": {"heartbeat_s": 0.2}, "drain": {"signal": "USR1", "timeout": 5}}
    world = World(fleet_of({"feed": []}, feed=drain))
    world.start()
    world.tell(Ask("stop", ("feed",)))
    world.pending.clear()

    world.pass_until(4)

    assert world.states() == {"feed": "draining"}


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
    hosts = {"hosts": {"far": {"address": "127.0.0.1:9", "on_lost": "degrade"}}}
    world = World(
        fleet_of(
            {"feed": [], "app": ["feed"]}, feed={"host": "far", "health": {"heartbeat_s": 0.2}}, fleet=hosts
        )
    )
    world.tell(HostFound("far"))
    world.start()

    world.tell(HostLost("far"))
    world.pass_until(60)
    assert world.states() == {"feed": "degraded", "app": "degraded"}
    world.tell(HostFound("far"))

    assert world.states() == {"feed": "ready", "app": "ready"}
    assert world.begun == ["feed", "app"]


def test_a_lost_host_stops_who_needs_it_where_so_declared():
    hosts = {"hosts": {"far": {"address": "127.0.0.1:9", "on_lost": "stop"}}}
    world = World(
        fleet_of(
            {"feed": [], "app": ["feed"]}, feed={"host": "far"}, app={"on_need_lost": "stop"}, fleet=hosts
        )
    )
    world.tell(HostFound("far"))
    world.start()

    world.tell(HostLost("far"))
    world.rest()
    assert world.states() == {"feed": "degraded", "app": "waiting"}
    world.tell(HostFound("far"))
    world.rest()

    assert world.states() == {"feed": "ready", "app": "ready"}


def far_fleet(on_lost="degrade", **far):
    hosts = {"hosts": {"far": {"address": "127.0.0.1:9", "on_lost": on_lost}}}
    return World(fleet_of({"feed": [], "app": ["feed"]}, feed={"host": "far"} | far, fleet=hosts))


def test_nothing_is_started_on_a_host_that_is_out_of_sight_nor_elsewhere():
    world = far_fleet()

    world.start()
    world.pass_until(600)
    assert world.states() == {"feed": "waiting", "app": "waiting"}
    world.tell(HostFound("far"))
    world.rest()

    assert world.begun == ["feed", "app"]


def test_a_host_that_is_held_changes_nothing_for_anybody():
    world = far_fleet("hold")
    world.tell(HostFound("far"))
    world.start()

    world.tell(HostLost("far"))
    world.pass_until(600)

    assert world.states() == {"feed": "ready", "app": "ready"}
    assert any(isinstance(order, Alert) for order in world.orders)


def test_what_is_asked_to_stop_on_a_lost_host_has_no_deadline_until_it_can_be_told():
    world = far_fleet(shutdown_timeout=1.0)
    world.tell(HostFound("far"))
    world.start("feed")
    world.tell(HostLost("far"))

    world.tell(Ask("stop", ("feed",)))
    world.pending.clear()  # it is not told
    world.pass_until(600)
    assert world.states()["feed"] == "stopping"
    assert not any(isinstance(order, Kill) for order in world.orders)
    world.tell(HostFound("far"))
    world.pass_until(0.9)
    assert world.states()["feed"] == "stopping"
    world.pass_until(0.2)

    assert any(isinstance(order, Kill) for order in world.orders)


def test_a_fleet_goes_down_without_a_host_that_is_out_of_sight_and_says_so():
    world = far_fleet()
    world.tell(HostFound("far"))
    world.start()
    world.tell(HostLost("far"))

    world.tell(Ask("down"))
    world.step()  # app leaves
    world.pending.clear()  # and feed is not told
    assert not down(world.fleet)
    world.pass_until(181)

    assert down(world.fleet)
    assert not any(isinstance(order, Kill) for order in world.orders)
    assert any(isinstance(order, Alert) and "left behind" in order.text for order in world.orders)


def test_one_far_away_is_hung_when_its_agent_says_so_and_not_when_a_beat_is_late():
    world = far_fleet(health={"heartbeat_s": 0.2})
    world.tell(HostFound("far"))
    world.start()

    world.pass_until(60)
    assert world.states() == {"feed": "ready", "app": "ready"}
    world.tell(Hung("feed", 0.51))

    assert world.states()["feed"] == "killing"
    assert any(isinstance(order, Kill) and order.name == "feed" for order in world.orders)


def test_what_runs_on_a_host_that_is_found_is_taken_up_and_not_started():
    world = far_fleet()
    world.start()
    world.running["feed"], world.pids = 7, 7

    world.tell(Adopted("feed", 7, State.READY))
    assert world.fleet.lives["feed"].lost  # until its host is told of
    world.tell(HostFound("far"))
    world.rest()

    assert world.states() == {"feed": "ready", "app": "ready"}
    assert world.begun == ["app"]


def test_what_died_while_its_host_was_out_of_sight_starts_again_once_it_is_back():
    world = far_fleet()
    world.tell(HostFound("far"))
    world.start()
    world.tell(HostLost("far"))

    del world.running["feed"]
    world.tell(Exited("feed", 3))
    assert world.begun == ["feed", "app"]
    world.tell(HostFound("far"))
    world.rest()

    assert world.begun == ["feed", "app", "feed"]
    assert sum(isinstance(order, Spawn) and order.name == "feed" for order in world.orders) == 2
    assert not any(isinstance(order, Terminate) for order in world.orders)

import msgspec
import pytest
from tests.fleet.made_world import World, fleet_of

from flotilla.clock import now_ns
from flotilla.errors import ConfigError, UnknownName
from flotilla.fleet.control import answers
from flotilla.fleet.control.status import FleetStatus, health, underway
from flotilla.fleet.rules.states import Ask
from flotilla.fleet.system.resources import Sample


def up():
    world = World(fleet_of({"feed": [], "app": ["feed"]}))
    world.start()
    return world


def test_the_status_crosses_the_socket_as_it_is():
    status = answers.status(up().fleet, {"feed": Sample(12.34, 56.78, 9, 2, 1)}, seq=5, since_ns=1)

    feed, app = status.platforms
    assert (feed.name, feed.state, feed.ready, feed.cpu_percent, feed.memory_mb) == (
        "feed",
        "ready",
        True,
        12.3,
        56.8,
    )
    assert (app.needs, app.cpu_percent) == ({"feed": "ready"}, None)
    assert msgspec.json.decode(msgspec.json.encode(status), type=FleetStatus) == status


def test_who_waits_is_told_with_what_it_waits_for():
    world = World(fleet_of({"feed": [], "app": ["feed"]}, every={"max_restart_attempts": 0}))
    world.tell(Ask("start", ()))
    coming = answers.status(world.fleet, {}, seq=5, since_ns=1).find("app")
    world.exit("feed", 3)
    world.rest()

    stuck = answers.status(world.fleet, {}, seq=5, since_ns=1).find("app")

    assert (coming.reason, coming.blocked_by, underway(coming)) == ("needs feed, which is starting", (), True)
    assert (stuck.reason, stuck.blocked_by) == ("needs feed, which has failed", ("feed",))
    assert not underway(stuck)


def test_a_state_began_when_it_began_whenever_one_asks_and_the_clock_may_be_set(monkeypatch):
    fleet = up().fleet
    told = [answers.status(fleet, {}, seq=5, since_ns=1).platforms for _ in range(50)]
    monkeypatch.setattr(answers, "now_ns", lambda: now_ns() + 3_600_000_000_000)

    (later, *_) = answers.status(fleet, {}, seq=5, since_ns=1).platforms

    assert all(platforms == told[0] for platforms in told)
    assert later.since_ns - told[0][0].since_ns == pytest.approx(3_600_000_000_000, abs=1e9)


def test_a_fleet_is_as_well_as_its_worst_platform():
    world = up()
    assert health(answers.status(world.fleet, {}, seq=5, since_ns=1)) == "healthy"

    world.exit("feed", -9)
    assert health(answers.status(world.fleet, {}, seq=5, since_ns=1)) == "degraded"
    world.rest()
    for _ in range(4):
        world.exit("feed", -9)
        world.rest()
        world.pass_until(3)

    assert health(answers.status(world.fleet, {}, seq=5, since_ns=1)) == "failed"


def test_a_plan_says_whom_it_concerns_in_order():
    fleet = up().fleet

    assert answers.planned(fleet, {"of": "stop"}, ("feed",), None) == {"order": (("app",), ("feed",))}
    assert answers.planned(fleet, {"of": "restart"}, ("feed",), None) == {"order": (("feed",),)}
    assert answers.planned(fleet, {"of": "reload"}, (), fleet_of({"feed": []})).removed == ("app",)
    with pytest.raises(ConfigError, match="no plan of 'party'"):
        answers.planned(fleet, {"of": "party"}, (), None)
    with pytest.raises(UnknownName):
        answers.planned(fleet, {"of": "stop"}, ("fed",), None)

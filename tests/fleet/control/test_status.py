import msgspec
import pytest

from flotilla.fleet.control.status import (
    FleetStatus,
    HostStatus,
    PlatformStatus,
    Request,
    health,
    lives,
    underway,
    well,
)


def test_a_request_is_a_line_with_no_more_than_is_said():
    line = msgspec.json.encode(Request(1, "events", from_=7))

    assert line == b'{"id":1,"command":"events","from":7}'
    assert msgspec.json.decode(line, type=Request) == Request(1, "events", from_=7)


@pytest.mark.parametrize(
    "line",
    [
        b'{"id":1}',
        b'{"id":1,"command":"exec"}',
        b'{"id":1,"command":"start","config":{}}',
        b'{"id":1,"command":"start","overrides":{"command":["sh"]}}',
        b'{"id":1,"command":"start","platforms":"all"}',
        b'{"id":1,"command":"start","why":"' + b"x" * 1001 + b'"}',
        b'{"id":1,"command":"events","limit":0}',
        b'{"id":1,"command":"events","from":-1}',
    ],
)
def test_what_is_not_declared_is_refused(line):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(line, type=Request)


def test_a_platform_is_found_by_its_name():
    feed = PlatformStatus("feed", "ready")
    fleet = FleetStatus("demo", 1, "adopt", 3, (feed,))

    assert fleet.find("feed") is feed
    assert fleet.find("fed") is None


def test_states_say_whether_there_is_a_process_and_whether_to_wait():
    said = {
        state: (lives(p), underway(p), well(p))
        for state in ("ready", "completed", "starting", "backoff", "failed", "degraded")
        for p in [PlatformStatus("x", state)]
    }

    assert said == {
        "ready": (True, False, True),
        "completed": (False, False, True),
        "starting": (True, True, False),
        "backoff": (False, True, False),
        "failed": (False, False, False),
        "degraded": (True, False, False),
    }


@pytest.mark.parametrize(
    ("states", "sight", "worst"),
    [
        (("ready", "completed", "stopped"), "seen", "healthy"),
        (("ready", "starting"), "seen", "changing"),
        (("ready", "backoff", "degraded"), "seen", "degraded"),
        (("ready",), "lost", "degraded"),  # `on_lost: hold` counts it as it was, and nobody sees it
        (("ready", "killing"), "seen", "failed"),
        (("failed", "degraded"), "lost", "failed"),
        ((), "seen", "healthy"),
    ],
)
def test_health_is_the_worst_that_is_true(states, sight, worst):
    platforms = tuple(PlatformStatus(f"p{n}", state) for n, state in enumerate(states))
    hosts = (HostStatus("b", "10.0.0.2:1", sight),)

    assert health(FleetStatus("real", 1, "adopt", 1, platforms, hosts=hosts)) == worst

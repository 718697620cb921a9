import pytest

from flotilla.errors import ConfigError
from flotilla.fleet.spec import decode_fleet


def told(platform=None, **fleet):
    """Return what is wrong with a fleet of one platform, or of those given."""
    raw = {"name": "desk", "platforms": {"a": {"command": ["x"]} | (platform or {})}} | fleet
    try:
        decode_fleet(raw)
    except ConfigError as error:
        return str(error).removeprefix("fleet:").strip()
    return ""


@pytest.mark.parametrize(
    ("platform", "mistake"),
    [
        ({"command": [""]}, "$.platforms.a.command[0]: is empty"),
        ({"command": ["x", "a\0b"]}, "$.platforms.a.command[1]: holds a NUL"),
        ({"env": {"A-B": "1"}}, "$.platforms.a.env: 'A-B' is no variable of an environment"),
        ({"env": {"FLOTILLA_FLEET": "/"}}, "$.platforms.a.env.FLOTILLA_FLEET: is set by the supervisor"),
        ({"ready": "lin:x"}, "$.platforms.a.ready: should be auto, notify, started"),
        ({"ready": "line: "}, "$.platforms.a.ready: should be line: and a part of one line"),
        ({"ready": "tcp:here"}, "$.platforms.a.ready: 'here' is not of the form host:port"),
        ({"ready": "http:/x"}, "$.platforms.a.ready: 'http:/x' is not of the form http://"),
        ({"health": {}}, "$.platforms.a.health: needs heartbeat_s or probe"),
        (
            {"health": {"probe": "control"}},
            "$.platforms.a.health.probe: the platform has no control endpoint",
        ),
        ({"health": {"probe": "ftp://x"}}, "$.platforms.a.health.probe: 'ftp://x' is not of the form"),
        ({"control": "http://192.0.2.1:80"}, "$.platforms.a.control: 'http://192.0.2.1:80' is not on this"),
        ({"drain": {}}, "$.platforms.a.drain: needs a signal, or the platform a control endpoint"),
        ({"backoff": {"first": 2, "most": 1}}, "$.platforms.a.backoff.most: is less than the first"),
        ({"group": "g"}, "$.platforms.a.group: no group is called 'g'; there is none"),
        ({"host": "far"}, "$.platforms.a.host: no host is called 'far'; there is none"),
        (
            {"schedule": {"calendar": "XNYS", "start": "9:00", "stop": "15:35"}},
            "$.platforms.a.schedule.start: should be HH:MM, it is '9:00'",
        ),
        (
            {"schedule": {"calendar": "XNYS", "start": "09:00", "stop": "09:00"}},
            "$.platforms.a.schedule.stop: is the same as the start",
        ),
        (
            {"schedule": {"calendar": "XNYS", "start": "09:00", "stop": "15:35", "zone": "Mars/Base"}},
            "$.platforms.a.schedule.zone: no zone is called 'Mars/Base'",
        ),
    ],
)
def test_a_platform_with_a_mistake_is_refused_with_its_path(platform, mistake):
    assert told(platform).startswith(mistake)


@pytest.mark.parametrize(
    ("fleet", "mistake"),
    [
        ({"name": "Desk"}, "$.name: 'Desk' should be a letter"),
        ({"platforms": {}}, "$.platforms: there is none"),
        ({"platforms": {"A": {"command": ["x"]}}}, "$.platforms: 'A' should be a letter"),
        ({"platforms": {"../up": {"command": ["x"]}}}, "$.platforms: '../up' should be a letter"),
        ({"hosts": {"far": {"address": "nowhere"}}}, "$.hosts.far.address: 'nowhere' is not of the form"),
        (
            {"hosts": {"head": {"address": "10.0.0.2:9"}}},
            "$.hosts.head: is what the head's own keys are called",
        ),
        ({"sequences": {"s": [["b"]]}}, "$.sequences.s[0]: no platform is called 'b'"),
        ({"sequences": {"s": [["a"], ["a"]]}}, "$.sequences.s[1]: 'a' comes twice"),
        ({"sequences": {"a": [["a"]]}}, "$.sequences.a: a platform is called that already"),
        ({"groups": {"g": {"policy": "all"}}}, "$.groups.g.policy: there is no 'all'"),
    ],
)
def test_a_fleet_with_a_mistake_is_refused_with_its_path(fleet, mistake):
    assert told(**fleet).startswith(mistake)


def test_a_sequence_may_not_start_what_is_needed_after_who_needs_it():
    platforms = {"a": {"command": ["x"]}, "b": {"command": ["x"], "needs": ["a"]}}

    assert told(platforms=platforms, sequences={"s": [["b"], ["a"]]}) == (
        "$.sequences.s[0]: b needs a, which comes after it"
    )
    assert told(platforms=platforms, sequences={"s": [["a"], ["b"]]}) == ""


def test_a_service_is_never_awaited_to_be_completed():
    platforms = {"a": {"command": ["x"]}, "b": {"command": ["x"], "needs": {"a": "completed"}}}

    assert told(platforms=platforms) == "$.platforms.b.needs.a: a service is never completed; only a job is"


def test_a_job_that_is_ready_by_having_started_is_not_awaited_to_be_ready():
    job, app = {"command": ["x"], "kind": "job"}, {"command": ["x"], "needs": {"job": "ready"}}

    assert told(platforms={"job": job, "app": app}) == (
        "$.platforms.app.needs.job: a job with `ready: auto` is ready as soon as it has started; "
        "say completed, or started"
    )
    assert told(platforms={"job": job | {"ready": "line:open"}, "app": app}) == ""
    assert told(platforms={"job": job, "app": app | {"needs": {"job": "started"}}}) == ""

"""What the routes answer, and what they ask of the supervisor."""

import asyncio

import pytest
from tests.fleet.api.conftest import bearer, served

from flotilla.fleet.api import models
from flotilla.fleet.control.status import PlatformStatus

CONTROL = "/api/v1/platform/feed/control"


def ask(folder, text, *requests, arrange=None):
    """Return the answers to (method, path, options), and the supervisor that was asked."""

    async def ask_all():
        async with served(folder) as fleet:
            if arrange:
                arrange(fleet.supervisor)
            answers = []
            for method, path, options in requests:
                headers = bearer(text) | options.pop("headers", {})
                answers.append(await fleet.client.request(method, path, headers=headers, **options))
            return answers, fleet.supervisor

    return asyncio.run(ask_all())


def look(folder, text, path, arrange=None):
    (answer,), _ = ask(folder, text, ("GET", path, {}), arrange=arrange)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_platforms_and_one_of_them_have_the_form_that_is_described(folder, texts):
    fleet = models.Fleet.model_validate(look(folder, texts["viewer"], "/api/v1/platforms"))
    feed = models.Platform.model_validate(look(folder, texts["viewer"], "/api/v1/platform/feed/status"))

    assert [one.name for one in fleet.platforms] == ["feed", "strategies"]
    assert feed == fleet.platforms[0]
    assert (feed.state, feed.pid, feed.cpu_percent) == ("ready", 11, 12.5)


def test_a_name_that_nobody_has_is_answered_with_the_nearest(folder, texts):
    (answer, command), supervisor = ask(
        folder,
        texts["operator"],
        ("GET", "/api/v1/platform/fed/status", {}),
        ("POST", "/api/v1/platform/fed/control", {"json": {"action": "stop"}}),
    )

    assert answer.status_code == command.status_code == 404
    assert answer.json()["error"]["text"] == "no platform is called 'fed'; did you mean feed?"
    assert supervisor.commands() == []


@pytest.mark.parametrize("action", ["start", "stop", "restart", "drain"])
def test_a_command_goes_to_the_supervisor_with_who_asked_and_why(folder, texts, action):
    (answer,), supervisor = ask(
        folder, texts["operator"], ("POST", CONTROL, {"json": {"action": action, "why": "it is slow"}})
    )

    (asked,) = supervisor.commands()
    accepted = models.Accepted.model_validate(answer.json())
    assert answer.status_code == 202
    assert (accepted.seq, accepted.names) == (18, ["feed"])
    assert (asked.command, asked.platforms, asked.who, asked.why) == (
        action,
        ("feed",),
        "api:operator",
        "it is slow",
    )


def test_the_same_key_is_one_command(folder, texts):
    headers = {"Idempotency-Key": "tuesday-1"}
    stop = {"json": {"action": "stop"}, "headers": headers}
    (first, again, other, bad), supervisor = ask(
        folder,
        texts["operator"],
        ("POST", CONTROL, dict(stop)),
        ("POST", CONTROL, dict(stop)),
        ("POST", CONTROL, {"json": {"action": "start"}, "headers": headers}),
        ("POST", CONTROL, {"json": {"action": "start"}, "headers": {"Idempotency-Key": "short"}}),
    )

    assert first.status_code == again.status_code == 202
    assert first.json() == again.json() == {"seq": 18, "names": ["feed"], "key": "tuesday-1"}
    assert len(supervisor.commands()) == 1
    assert (other.status_code, bad.status_code) == (422, 422)
    assert "was used for another command" in other.json()["error"]["text"]


def test_two_peoples_keys_are_not_each_others(folder, texts):
    command = {"json": {"action": "stop"}, "headers": {"Idempotency-Key": "tuesday-1"}}

    async def both():
        async with served(folder) as fleet:
            for role in ("operator", "admin"):
                headers = bearer(texts[role]) | command["headers"]
                await fleet.client.post(CONTROL, json=command["json"], headers=headers)
            return fleet.supervisor.commands()

    assert len(asyncio.run(both())) == 2


def test_overrides_are_for_an_admin_and_go_with_a_start(folder, texts):
    start = {"action": "start", "overrides": {"startup_timeout": 90.0}}
    (denied,), nobody = ask(folder, texts["operator"], ("POST", CONTROL, {"json": start}))
    (taken, stop), supervisor = ask(
        folder,
        texts["admin"],
        ("POST", CONTROL, {"json": start}),
        ("POST", CONTROL, {"json": start | {"action": "stop"}}),
    )

    assert (denied.status_code, taken.status_code, stop.status_code) == (403, 202, 422)
    assert nobody.commands() == []
    assert supervisor.commands()[0].overrides == {"startup_timeout": 90.0}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"action": "kill"},
        {"action": "start", "config": {"command": ["sh"]}},
        {"action": "start", "overrides": {"command": ["sh"]}},
        {"action": "start", "overrides": {"startup_timeout": 1e9}},
        {"action": "start", "overrides": {"startup_timeout": "90"}},
        {"action": "start", "overrides": {"max_restart_attempts": -1}},
        {"action": "start", "overrides": {"max_restart_attempts": True}},
        {"action": "start", "overrides": {"log_level": "LOUD"}},
        {"action": "start", "why": "x" * 1_001},
        ["start"],
        None,
    ],
)
def test_nothing_else_is_a_command(folder, texts, body):
    (answer,), supervisor = ask(folder, texts["admin"], ("POST", CONTROL, {"json": body}))

    assert answer.status_code == 422
    assert supervisor.commands() == []


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b'{"action": "start"' + b" " * 70_000, b"[" * 60_000]
)
def test_a_body_that_is_no_json_or_too_long_is_refused(folder, texts, content):
    headers = {"Content-Type": "application/json"}
    (answer,), supervisor = ask(
        folder, texts["admin"], ("POST", CONTROL, {"content": content, "headers": headers})
    )

    assert answer.status_code in ((413,) if len(content) > 65_536 else (400, 422))
    assert supervisor.commands() == []


def test_an_answer_that_is_lost_inside_the_supervisor_is_unknown(folder, texts):
    def fail(supervisor):
        supervisor.refuse = RuntimeError("a mistake")

    (answer,), _ = ask(
        folder, texts["operator"], ("POST", CONTROL, {"json": {"action": "stop"}}), arrange=fail
    )

    assert (answer.status_code, answer.json()["error"]["kind"]) == (504, "OutcomeUnknown")


def test_a_plan_says_whom_a_command_would_take_along_and_does_nothing(folder, texts):
    path = "/api/v1/platform/feed/plan?action="
    (stop, unknown, none), supervisor = ask(
        folder,
        texts["viewer"],
        ("GET", f"{path}stop", {}),
        ("GET", f"{path}burn", {}),
        ("GET", "/api/v1/platform/nobody/plan?action=stop", {}),
    )

    assert (stop.status_code, stop.json()) == (200, {"order": [["strategies"], ["feed"]]})
    assert (unknown.status_code, none.status_code) == (422, 404)
    assert supervisor.commands() == []


def test_the_graph_says_what_needs_what_and_who_starts_first(folder, texts):
    graph = models.Graph.model_validate(look(folder, texts["viewer"], "/api/v1/graph"))

    assert graph.levels == [["feed"], ["strategies"]]
    assert [(edge.source, edge.target, edge.condition) for edge in graph.edges] == [
        ("feed", "strategies", "ready")
    ]


@pytest.mark.parametrize(
    ("states", "status"),
    [
        (("ready", "completed", "stopped"), "healthy"),
        (("ready", "starting"), "changing"),
        (("ready", "backoff", "degraded"), "degraded"),
        (("failed", "degraded", "ready"), "failed"),
        ((), "healthy"),
    ],
)
def test_health_is_the_worst_that_is_true(folder, texts, states, status):
    def arrange(supervisor):
        supervisor.platforms = tuple(PlatformStatus(f"p{n}", state) for n, state in enumerate(states))

    health = models.Health.model_validate(look(folder, texts["viewer"], "/api/v1/health", arrange))

    assert health.status == status
    assert [one.state for one in health.platforms.values()] == list(states)


def test_events_are_read_from_a_number_on(folder, texts):
    text = texts["viewer"]
    whole = models.Events.model_validate(look(folder, text, "/api/v1/events"))
    page = models.Events.model_validate(look(folder, text, "/api/v1/events?from=2&limit=1"))
    end = models.Events.model_validate(look(folder, text, f"/api/v1/events?from={page.next + 1}"))

    assert [event.data["said"] for event in whole.events] == ["one", "two", "three"]
    assert [(event.seq, event.kind) for event in page.events] == [(2, "status")]
    assert (page.first, page.next, end.next, end.events) == (1, 3, 4, [])


@pytest.mark.parametrize("query", ["from=-1", "from=x", "limit=0", "limit=501", "from=99999999999999999999"])
def test_a_question_out_of_bounds_is_refused(folder, texts, query):
    (answer,), _ = ask(folder, texts["viewer"], ("GET", f"/api/v1/events?{query}", {}))

    assert answer.status_code == 422
    assert "99999" not in answer.text


def test_before_the_first_event_there_are_none_to_read(folder, texts):
    folder.events.unlink()

    (answer,), _ = ask(folder, texts["viewer"], ("GET", "/api/v1/events", {}))

    assert answer.status_code == 503


def test_the_description_has_roles_and_examples(folder, texts):
    said = look(folder, texts["viewer"], "/api/v1/openapi.json")

    control = said["paths"]["/api/v1/platform/{platform_id}/control"]["post"]
    assert control["x-role"] == "operator"
    assert {"202", "401", "403", "404", "409", "422", "429", "503", "504"} <= control["responses"].keys()
    assert said["components"]["schemas"]["Control"]["examples"]


def test_metrics_are_for_prometheus(folder, texts):
    (answer,), _ = ask(folder, texts["viewer"], ("GET", "/metrics", {}))

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'flotilla_platform_up{platform="feed"} 1\n' in answer.text

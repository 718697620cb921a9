"""Every route, every method, every sort of token: the answer that the description declares."""

import asyncio
import logging
import random

import pytest
from fastapi import APIRouter, FastAPI
from starlette.responses import PlainTextResponse
from tests.fleet.api.conftest import HOSTS, asgi, bearer, served

from flotilla.access import roles
from flotilla.access.tokens import Role
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.api import app as module
from flotilla.fleet.api import routes, token_routes
from flotilla.fleet.api.app import build

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE")
TOKENS = (None, "malformed", "unknown", "bad", "expired", "revoked", "viewer", "operator", "admin")
BODIES = {
    ("POST", "/api/v1/platform/{platform_id}/control"): {"action": "start"},
    ("POST", "/api/v1/tokens"): {"name": "made", "role": "viewer"},
}
STREAM = "/api/v1/events/stream"  # it does not end: tested where there is a server


def described():
    """Return path -> {method: role}, from the OpenAPI description of a new app."""
    app = FastAPI()
    app.router.routes.extend([*routes.router.routes, *routes.scrape.routes, *token_routes.router.routes])
    return {
        path: {method.upper(): said["x-role"] for method, said in operations.items()}
        for path, operations in app.openapi()["paths"].items()
    }


def declared():
    """Return (method, path) -> the statuses that are declared, from the same description."""
    app = FastAPI()
    app.router.routes.extend([*routes.router.routes, *routes.scrape.routes, *token_routes.router.routes])
    return {
        (method.upper(), path): {int(status) for status in said["responses"]}
        for path, operations in app.openapi()["paths"].items()
        for method, said in operations.items()
    }


def expected(roles_of, method, token):
    """Return the statuses that are right."""
    if token not in list(Role):
        return {401, 429}
    if method not in roles_of:
        return {405}
    return {200, 201, 202} if Role(token).may(Role(roles_of[method])) else {403}


def filled(path, folder):
    ids = [line.split('"')[3] for line in folder.tokens.read_text().splitlines() if '"id"' in line]
    return path.replace("{platform_id}", "feed").replace("{token_id}", ids[0])


@pytest.mark.parametrize("token", TOKENS)
def test_every_route_answers_every_method_as_it_declares(folder, texts, token):
    wrong, statuses = [], declared()

    async def ask_all():
        async with served(folder) as fleet:
            for path, roles_of in described().items():
                for method in METHODS:
                    if path == STREAM and method == "GET" and token in list(Role):
                        continue
                    fleet.gate._failures.clear()  # each as the first
                    headers = bearer(texts[token] if token else None)
                    body = BODIES.get((method, path))
                    answer = await fleet.client.request(
                        method, filled(path, folder), headers=headers, json=body
                    )
                    if answer.status_code not in expected(roles_of, method, token):
                        wrong.append((method, path, answer.status_code))
                    if method in roles_of and answer.status_code not in statuses[method, path]:
                        wrong.append((method, path, answer.status_code, "is not declared"))
                    if path.endswith("tokens/{token_id}") and method == "DELETE" and token == "admin":
                        assert answer.json()["revoked_ns"]

    asyncio.run(ask_all())

    assert wrong == []


def test_the_matrix_has_every_route_of_the_plan():
    said = described()

    assert said["/api/v1/platform/{platform_id}/control"] == {"POST": "operator"}
    assert said["/api/v1/tokens"] == {"GET": "admin", "POST": "admin"}
    assert said["/api/v1/tokens/{token_id}"] == {"DELETE": "admin"}
    looks = ("platforms", "graph", "events", "events/stream", "health")
    looks += ("platform/{platform_id}/status", "platform/{platform_id}/plan")
    assert all(said[f"/api/v1/{path}"] == {"GET": "viewer"} for path in looks)
    assert said["/metrics"] == {"GET": "viewer"}


def forms(rng):
    """Return a way to write a protected path that is not the plain one."""
    path = rng.choice(("/api/v1/platforms", "/api/v1/platform/feed/control", "/api/v1/tokens", "/metrics"))
    at = rng.randrange(1, len(path))
    letter = f"%{ord(path[at]):02x}"
    return rng.choice(
        (
            path.replace("/", "//", 1 + rng.randrange(3)),
            path[:at] + letter + path[at + 1 :],
            path[:at] + letter.upper() + path[at + 1 :],
            path[:at] + letter.replace("%", "%25") + path[at + 1 :],
            path.replace("/", "%2f", 1),
            path.replace("/", "/./", 1),
            path.replace("/", "/%2e/", 1),
            path.replace("/", "/x/../", 1),
            path.replace("/", "/x/%2e%2e/", 1),
            path.replace("/", "\\", 1),
            path
            + rng.choice(("/", ";", ";a=b", "/.", "/..", "%00", "%20", "?", "#", "%0d%0aX: y", "%c0%af")),
            ";" + path,
            path[:at] + ";" + path[at:],
            path[:at] + path[at].upper() + path[at + 1 :] if path[at].islower() else path + "//",
            "//flotilla" + path,
            "http://flotilla" + path,
            path.replace("feed", rng.choice(("{platform_id}", ":platform_id", "..", "%2e%2e", "feed%2f..")))
            + "/.",
        )
    ).encode()


def test_no_other_form_of_a_path_reaches_a_handler(folder, texts):
    rng = random.Random(3)
    reached = []

    async def ask_all():
        async with served(folder) as fleet:
            for _ in range(2_000):
                raw, method = forms(rng), rng.choice(("GET", "POST"))
                token = rng.choice((None, texts["viewer"], texts["admin"]))
                headers = [("Host", "flotilla"), *bearer(token).items()]
                status, _ = await asgi(fleet.front, method, raw, headers, b'{"action": "stop"}')
                if status not in (400, 401, 404, 405, 422):  # 422: a name that none can have
                    reached.append((method, raw, status))
            assert fleet.supervisor.commands() == []

    asyncio.run(ask_all())

    assert reached == []


def test_an_app_with_a_route_without_a_role_does_not_start(folder, monkeypatch):
    unguarded = APIRouter()
    unguarded.add_route("/api/v1/backdoor", lambda request: PlainTextResponse("hello"))
    monkeypatch.setattr(module.token_routes, "router", unguarded)

    with pytest.raises(ConfigError, match="/api/v1/backdoor does not say who may use it"):
        build(folder, HOSTS)


def test_a_guarded_route_without_a_role_cannot_even_be_made():
    with pytest.raises(ConfigError, match="/x does not say who may use it"):
        roles.Guarded("/x", lambda: None)


@pytest.mark.parametrize(
    ("error", "status"),
    [(ProcessError("busy"), 409), (ConfigError("no such"), 422)],
)
def test_what_the_supervisor_refuses_is_told(folder, texts, error, status):
    async def ask():
        async with served(folder) as fleet:
            fleet.supervisor.refuse = error
            path, command = "/api/v1/platform/feed/control", {"action": "stop"}
            return await fleet.client.post(path, json=command, headers=bearer(texts["operator"]))

    answer = asyncio.run(ask())

    assert answer.status_code == status
    assert answer.json()["error"]["text"] == str(error)


def test_with_no_supervisor_it_says_so(folder, texts):
    async def ask():
        async with served(folder) as fleet:
            await fleet.supervisor.leave()
            return await fleet.client.get("/api/v1/health", headers=bearer(texts["viewer"]))

    answer = asyncio.run(ask())

    assert (answer.status_code, answer.json()["error"]["kind"]) == (503, "NoSupervisor")


def test_a_mistake_of_ours_tells_the_log_and_nobody_else(folder, texts, caplog):
    async def ask():
        async with served(folder) as fleet:
            fleet.supervisor.platforms = ()
            fleet.front.app.state.services.link.status = None  # no function
            return await fleet.client.get("/api/v1/platforms", headers=bearer(texts["viewer"]))

    with caplog.at_level(logging.ERROR):
        answer = asyncio.run(ask())

    assert (answer.status_code, answer.json()["error"]["kind"]) == (500, "Internal")
    assert "NoneType" not in answer.text
    assert "GET /api/v1/platforms failed" in caplog.text


def test_no_token_and_no_secret_is_in_answers_logs_or_records(folder, texts, caplog, capfd):
    said = []

    async def ask_all():
        async with served(folder) as fleet:
            for token in TOKENS[1:]:
                for path in (
                    "/api/v1/platforms",
                    "/api/v1/tokens",
                    "/api/v1/nothing",
                    "/api/v1/events?from=x",
                ):
                    answer = await fleet.client.get(path, headers=bearer(texts[token]))
                    said.append(answer.text + str(answer.headers))
            said.extend(repr(one) for one in fleet.supervisor.asked)

    with caplog.at_level(logging.DEBUG):
        asyncio.run(ask_all())

    whole = "".join(said) + caplog.text + "".join(capfd.readouterr())
    assert not [name for name, text in texts.items() if text in whole]
    assert "$argon2" not in whole


def test_denials_and_logins_are_in_the_audit(folder, texts):
    async def ask():
        async with served(folder) as fleet:
            await fleet.client.get("/api/v1/platforms")
            await fleet.client.get("/api/v1/platforms", headers=bearer(texts["bad"]))
            await fleet.client.get("/api/v1/tokens", headers=bearer(texts["viewer"]))
            await fleet.client.get("/api/v1/platforms", headers={"Host": "evil.example"})
            await fleet.front.app.state.services.audit.flush()
            return fleet.supervisor.records()

    records = asyncio.run(ask())

    assert ("api:127.0.0.1", "denied", "no token") in records
    assert ("api:127.0.0.1", "denied", "bad token") in records
    assert ("api:viewer", "login", "ok") in records
    assert ("api:127.0.0.1", "denied", "foreign Host") in records
    assert (
        "api:viewer",
        "denied",
        "this needs the role admin, and the token of viewer has viewer",
    ) in records

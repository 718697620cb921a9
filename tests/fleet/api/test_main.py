"""The API as it is run: a process of its own, on the socket that the supervisor holds."""

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from tests.fleet.api.conftest import FLEET, bearer, supervised

from flotilla.access import tokens
from flotilla.fleet import listen
from flotilla.fleet.api.__main__ import main
from flotilla.fleet.history.events import EventStore
from flotilla.fleet.spec import Api
from flotilla.fleet.spec.addresses import api_place

PATIENCE_S = 20.0


@asynccontextmanager
async def running(folder, api="", scheme="http", host="flotilla", **client):
    """Run the API's process beside a supervisor that does nothing; yields what one may ask it with."""
    folder.fleet_file.write_text(FLEET + api)
    found = api_place(Api()) if not api or "listen" not in api else None
    settings = Api() if found else Api("127.0.0.1:0")
    async with supervised(folder) as supervisor:
        with closing(listen.opened(settings, folder.socket("api"))) as listener:
            if found:
                client["transport"] = httpx.AsyncHTTPTransport(uds=str(folder.socket("api")))
            else:
                host = f"127.0.0.1:{listener.getsockname()[1]}"
            child = started(folder, listener)
            try:
                async with httpx.AsyncClient(
                    base_url=f"{scheme}://{host}", timeout=PATIENCE_S, **client
                ) as asking:
                    yield SimpleNamespace(
                        client=asking, child=child, listener=listener, supervisor=supervisor
                    )
            finally:
                child.kill()
                child.communicate()


def started(folder, listener):
    command = [sys.executable, "-m", "flotilla.fleet.api", str(folder.path), "--fd", str(listener.fileno())]
    return subprocess.Popen(command, pass_fds=[listener.fileno()], stderr=subprocess.PIPE, text=True)


async def ended(child):
    return await asyncio.wait_for(asyncio.to_thread(child.wait), PATIENCE_S)


def test_it_serves_on_the_unix_socket_that_it_was_handed(folder, texts):
    async def ask():
        async with running(folder) as api:
            stranger = await api.client.get("/api/v1/platforms")
            viewer = await api.client.get("/api/v1/platforms", headers=bearer(texts["viewer"]))
            command = await api.client.post(
                "/api/v1/platform/feed/control", json={"action": "restart"}, headers=bearer(texts["operator"])
            )
            api.child.send_signal(signal.SIGTERM)
            code = await ended(api.child)
            return stranger, viewer, command, api.supervisor, code, api.child.stderr.read()

    stranger, viewer, command, supervisor, code, said = asyncio.run(ask())

    assert (stranger.status_code, viewer.status_code, command.status_code) == (401, 200, 202)
    assert [one.command for one in supervisor.commands()] == ["restart"]
    assert ("api:operator", "login", "ok") in supervisor.records()
    assert (code, said) == (0, "")


RAW = (
    b"GET //api/v1/platforms HTTP/1.1\r\nHost: flotilla\r\n{auth}\r\n",
    b"GET /api/v1/%70latforms HTTP/1.1\r\nHost: flotilla\r\n{auth}\r\n",
    b"GET /api/v1/platforms;x HTTP/1.1\r\nHost: flotilla\r\n{auth}\r\n",
    b"GET /api/v1/x/../platforms HTTP/1.1\r\nHost: flotilla\r\n{auth}\r\n",
    b"GET http://flotilla/api/v1/platforms HTTP/1.1\r\nHost: flotilla\r\n{auth}\r\n",
    b"GET api/v1/platforms HTTP/1.1\r\nHost: flotilla\r\n{auth}\r\n",
    b"GET /api/v1/platforms HTTP/1.1\r\nHost: evil.example\r\n{auth}\r\n",
    b"GET /api/v1/platforms HTTP/1.1\r\n{auth}\r\n",
    b"GET /api/v1/platforms HTTP/1.0\r\n{auth}\r\n",
    b"GET /api/v1/platforms HTTP/1.1\r\nHost: flotilla\r\nHost: flotilla\r\n{auth}\r\n",
    b"POST /api/v1/platform/feed/control HTTP/1.1\r\nHost: flotilla\r\n{auth}"
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /api/v1/platform/feed/control HTTP/1.1\r\nHost: flotilla\r\n{auth}Content-Length: -1\r\n\r\n",
    b"GET /api/v1/platforms HTTP/1.1\r\nHost: flotilla\r\nX: " + b"y" * 100_000 + b"\r\n{auth}\r\n",
    b"\x16\x03\x01 not http at all\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: flotilla\r\n\r\n",
)


def test_what_is_not_quite_http_gets_nothing_and_does_no_harm(folder, texts):
    async def knock(content):
        reader, writer = await asyncio.open_unix_connection(str(folder.socket("api")))
        writer.write(content.replace(b"{auth}", f"Authorization: Bearer {texts['admin']}\r\n".encode()))
        writer.write_eof()
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        return said.split(b" ")[1:2]

    async def ask():
        async with running(folder) as api:
            said = [await knock(content) for content in RAW]
            after = await api.client.get("/api/v1/platforms", headers=bearer(texts["viewer"]))
            return said, after.status_code, api.supervisor.commands()

    said, after, commands = asyncio.run(ask())

    assert {status for one in said for status in one} <= {b"400", b"401", b"403", b"431"}
    assert (after, commands) == (200, [])


async def until(is_so):
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.01)


async def frames(answer, count, found=None):
    """Return the first `count` events of a stream, as (name, data), in `found` as they come."""
    found, name = [] if found is None else found, ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        if line.startswith("data: "):
            found.append((name, json.loads(line[6:])))
            if len(found) == count:
                return found
    return found


def test_events_are_streamed_as_they_happen_until_the_token_is_revoked(folder, texts):
    async def follow():
        async with running(folder) as api:
            headers = bearer(texts["viewer"])
            with closing(EventStore(folder.events)) as store:
                async with api.client.stream(
                    "GET", "/api/v1/events/stream?from=2", headers=headers
                ) as answer:
                    heard = []
                    reading = asyncio.create_task(frames(answer, 99, heard))
                    await until(lambda: len(heard) == 2)
                    store.append("exited", "feed", {"code": -9}, "killed")
                    await until(lambda: len(heard) == 3)
                    tokens.revoke(folder.tokens, tokens.parse(texts["viewer"])[0])
                    return answer.headers["content-type"], await asyncio.wait_for(reading, PATIENCE_S)

    kind, found = asyncio.run(follow())

    assert kind.startswith("text/event-stream")
    assert [(name, data.get("seq")) for name, data in found] == [
        ("status", 2),
        ("status", 3),
        ("exited", 4),
        ("end", None),
    ]
    assert found[2][1]["data"] == {"code": -9}


def test_a_client_goes_on_where_it_was_and_is_told_of_a_gap(folder, texts):
    async def follow():
        async with running(folder) as api:
            headers = bearer(texts["viewer"])
            path = "/api/v1/events/stream"
            async with api.client.stream("GET", path, headers={**headers, "Last-Event-ID": "2"}) as answer:
                on = await frames(answer, 1)
            with closing(EventStore(folder.events)) as store:
                store.expire(1, store.read()[-1].ts, most=1)
            async with api.client.stream("GET", path, headers=headers) as answer:
                return on, await frames(answer, 2)

    on, gap = asyncio.run(follow())

    assert [data["seq"] for _, data in on] == [3]
    assert gap[0] == ("gap", {"asked": 1, "first": 3})
    assert gap[1][1]["seq"] == 3


def test_when_nobody_asks_it_goes_and_the_next_knock_is_answered_by_another(folder, texts):
    async def live():
        async with running(folder, "api: {idle_stop: 0.6}\n") as api:
            headers = bearer(texts["viewer"])
            first = await api.client.get("/api/v1/platforms", headers=headers)
            code = await ended(api.child)
            asking = asyncio.create_task(api.client.get("/api/v1/platforms", headers=headers))
            await asyncio.sleep(0.2)  # it knocks, and nobody is there
            another = started(folder, api.listener)
            second = await asking
            another.kill()
            another.communicate()
            return first.status_code, code, second.status_code

    assert asyncio.run(live()) == (200, 0, 200)


def test_it_ends_in_time_also_while_somebody_follows(folder, texts):
    async def live():
        async with running(folder) as api:
            headers = bearer(texts["viewer"])
            async with api.client.stream("GET", "/api/v1/events/stream", headers=headers) as answer:
                await frames(answer, 1)
                api.child.send_signal(signal.SIGTERM)
                return await asyncio.wait_for(ended(api.child), 10)

    assert asyncio.run(live()) == 0


def test_on_loopback_host_and_origin_are_checked(folder, texts):
    async def ask():
        async with running(folder, "api: {listen: '127.0.0.1:0'}\n") as api:
            headers = bearer(texts["viewer"])
            port = api.listener.getsockname()[1]
            ways = (
                {},
                {"Host": f"localhost:{port}"},
                {"Origin": f"http://127.0.0.1:{port}"},
                {"Host": f"rebind.example:{port}"},
                {"Host": f"127.0.0.1:{port + 1}"},
                {"Origin": "http://evil.example"},
                {"Origin": f"http://127.0.0.1:{port + 1}"},
            )
            return [
                (await api.client.get("/api/v1/platforms", headers=headers | way)).status_code for way in ways
            ]

    assert asyncio.run(ask()) == [200, 200, 200, 403, 200, 403, 403]


def test_with_a_certificate_it_speaks_tls(folder, texts, tmp_path):
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    made = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=desk -addext subjectAltName=IP:127.0.0.1"
    )
    try:
        command = [*made.split(), "-keyout", str(key), "-out", str(certificate)]
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not here")
    key.chmod(0o600)
    section = f"api: {{listen: '127.0.0.1:0', certificate: {certificate}, key: {key}}}\n"

    async def ask():
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with running(folder, section, scheme="https", verify=trusting) as api:
            return await api.client.get("/api/v1/platforms", headers=bearer(texts["viewer"]))

    assert asyncio.run(ask()).status_code == 200


def test_where_it_cannot_begin_it_says_why(folder, capsys):
    folder.fleet_file.write_text(FLEET + "api: {listen: '0.0.0.0:8700'}\n")

    code = main([str(folder.path)])

    assert code == 1
    assert "can be reached from other machines" in capsys.readouterr().err


def test_no_token_is_in_its_command_line_or_environment(folder, texts):
    async def look():
        async with running(folder) as api:
            await api.client.get("/api/v1/platforms", headers=bearer(texts["admin"]))
            found = b""
            for name in ("cmdline", "environ"):
                found += Path(f"/proc/{api.child.pid}/{name}").read_bytes()
            return found

    found = asyncio.run(look())

    assert os.fsencode(str(folder.path)) in found
    assert not [name for name, text in texts.items() if text.encode() in found]

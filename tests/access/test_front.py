"""What a request passes first: a plain path, our Host, no page from elsewhere, a token, a small body."""

import asyncio
import random

import pytest
from tests.fleet.api.conftest import HOSTS, asgi, bearer, served

from flotilla.access import front as module
from flotilla.access.front import LONGEST_BODY
from flotilla.errors import ConfigError

PATH = b"/api/v1/platforms"


def ask(folder, *requests):
    """Return the statuses of (headers) or (headers, path)."""

    async def ask_all():
        async with served(folder) as fleet:
            found = []
            for headers, *path in requests:
                fleet.gate._failures.clear()
                status, _ = await asgi(fleet.front, "GET", path[0] if path else PATH, headers)
                found.append(status)
            return found

    return asyncio.run(ask_all())


def foreign(rng):
    """Return headers with a Host or an Origin that is not ours, in some disguise."""
    ours = rng.choice(sorted(HOSTS))
    evil = rng.choice(
        (
            "evil.example",
            f"{ours}.evil.example",
            f"evil.example.{ours}",
            "flotilla:8700",
            "localhost:",
            "localhost:0",
            "localhost:x",
            "localhost:8700:8700",
            "127.0.0.1:8700",
            "localhost.evil.example:8700",
            f"{ours}@evil.example",
            f"evil.example/{ours}",
            f" {ours}x",
            f"{ours}.",
            f"x{ours}",
            "127.0.0.1.nip.io",
            "0.0.0.0",
            "0x7f000001",
            "[::ffff:7f00:1]",
            "null",
            "",
            "*",
            f"{ours},evil.example",
            f"{rng.randrange(1 << 32)}.rebind.example",
        )
    )
    return rng.choice(
        (
            [("Host", evil)],
            [("Host", ours), ("Host", evil)],
            [("Host", evil), ("Host", ours)],
            [],
            [("X-Forwarded-Host", ours), ("Host", evil)],
            [("Host", ours), ("Origin", f"http://{evil}")],
            [("Host", ours), ("Origin", f"https://{ours}")],
            [("Host", ours), ("Origin", f"http://{ours}/{evil}")],
            [("Host", ours), ("Origin", f"http://{ours}"), ("Origin", f"http://{evil}")],
            [("Host", ours), ("Origin", "null")],
            [("Host", "localhost:8700"), ("Origin", "http://localhost:3000")],
            [("Host", "localhost"), ("Origin", "http://flotilla")],
            [("Host", ours), ("Origin", f"file://{ours}")],
            [("Host", ours), ("Sec-Fetch-Site", rng.choice(("cross-site", "same-site", "no-cors", "")))],
        )
    )


def test_no_foreign_host_or_origin_is_served(folder, texts):
    rng = random.Random(5)
    good = [*bearer(texts["admin"]).items()]

    found = ask(folder, *(([*foreign(rng), *good],) for _ in range(1_000)))

    assert set(found) == {403}


def test_ours_are_served(folder, texts):
    good = [*bearer(texts["viewer"]).items()]

    found = ask(
        folder,
        ([("Host", "flotilla"), *good],),
        ([("Host", "LOCALHOST"), *good],),
        ([("Host", "flotilla"), ("Origin", "http://flotilla"), ("Sec-Fetch-Site", "same-origin"), *good],),
        ([("Host", "flotilla"), ("Sec-Fetch-Site", "none"), *good],),
        ([("Host", "localhost:9000"), *good],),  # the end of an ssh tunnel has a port of its own
        ([("Host", "localhost:9000"), ("Origin", "http://localhost:9000"), *good],),
    )

    assert found == [200] * 6


def test_a_stranger_cannot_tell_which_paths_there_are(folder):
    host = ("Host", "flotilla")

    assert ask(folder, ([host],), ([host], b"/api/v1/nothing"), ([host], b"/")) == [401] * 3


def test_two_tokens_in_one_request_are_one_too_many(folder, texts):
    twice = [("Host", "flotilla"), *bearer(texts["viewer"]).items(), *bearer(texts["admin"]).items()]

    assert ask(folder, (twice,)) == [400]


@pytest.mark.parametrize("size", [LONGEST_BODY, LONGEST_BODY + 1])
def test_a_body_has_a_limit_also_in_pieces(folder, texts, size):
    async def pieces():
        for at in range(0, size, 1_000):
            yield b"x" * min(1_000, size - at)

    async def post():
        async with served(folder) as fleet:
            headers = bearer(texts["admin"])
            answers = [
                await fleet.client.post("/api/v1/tokens", content=content, headers=headers)
                for content in (b"x" * size, pieces())
            ]
            return [answer.status_code for answer in answers]

    assert asyncio.run(post()) == ([422, 422] if size == LONGEST_BODY else [413, 413])


def test_a_body_that_does_not_come_is_not_waited_for(folder, texts, monkeypatch):
    monkeypatch.setattr(module, "BODY_S", 0.05)

    async def slowly():
        yield b"{"
        await asyncio.sleep(5)

    async def post():
        async with served(folder) as fleet:
            return await fleet.client.post("/api/v1/tokens", content=slowly(), headers=bearer(texts["admin"]))

    assert asyncio.run(post()).status_code == 408


def test_a_stranger_s_body_is_not_read(folder):
    async def endless():
        raise AssertionError("it was read")
        yield b""

    async def post():
        async with served(folder) as fleet:
            return await fleet.client.post("/api/v1/tokens", content=endless())

    assert asyncio.run(post()).status_code == 401


def test_every_answer_says_that_nobody_may_keep_or_frame_it(folder, texts):
    async def get():
        async with served(folder) as fleet:
            good = await fleet.client.get("/api/v1/platforms", headers=bearer(texts["viewer"]))
            return good, await fleet.client.get("/api/v1/platforms")

    for answer in asyncio.run(get()):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers
    assert answer.headers["www-authenticate"] == "Bearer"


def test_only_http_is_served(folder):
    async def knock():
        async with served(folder) as fleet:
            await fleet.front({"type": "websocket"}, None, None)

    with pytest.raises(ConfigError, match="websocket"):
        asyncio.run(knock())


def test_answers_are_counted(folder, texts):
    async def count():
        async with served(folder) as fleet:
            await fleet.client.get("/api/v1/platforms", headers=bearer(texts["viewer"]))
            await fleet.client.get("/api/v1/platforms")
            await fleet.client.request("BREW", "/api/v1/platforms")
            return dict(fleet.front.answers), fleet.front.at_work

    assert asyncio.run(count()) == ({("GET", 200): 1, ("GET", 401): 1, ("other", 401): 1}, 0)


def test_a_file_of_tokens_that_cannot_be_used_is_said_with_what_to_mend_and_raises_one_alarm(folder, texts):
    async def ask(damage):
        async with served(folder) as fleet:
            damage()
            answers = [
                await fleet.client.get("/api/v1/platforms", headers=bearer(texts["viewer"])) for _ in range(3)
            ]
            await fleet.front.app.state.services.audit.flush()
            return answers, [one.data for one in fleet.supervisor.asked if one.data.get("alarm")]

    for damage, mend in (
        (lambda: folder.tokens.chmod(0o640), "can be read by others: it must be yours, with mode 0600"),
        (lambda: (folder.tokens.chmod(0o600), folder.tokens.write_text("{")), "is no file of tokens"),
    ):
        answers, alarms = asyncio.run(ask(damage))

        assert [answer.status_code for answer in answers] == [503] * 3
        assert answers[0].json()["error"]["kind"] == "TokensUnusable"
        assert mend in answers[0].json()["error"]["text"]
        assert [mend in alarm["outcome"] for alarm in alarms] == [True]

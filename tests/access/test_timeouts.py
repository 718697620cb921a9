"""A connection that asks nothing is not kept."""

import asyncio
from contextlib import asynccontextmanager

import pytest
import uvicorn
from uvicorn.server import ServerState

from flotilla.access import timeouts

HEAD_S = 1.0
WHOLE = b"GET / HTTP/1.1\r\nHost: flotilla\r\n\r\n"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(timeouts, "HEAD_S", HEAD_S)


async def slow(scope, receive, send):
    """Answer after longer than a head may take."""
    await asyncio.sleep(2 * HEAD_S)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@asynccontextmanager
async def connected(folder):
    config = uvicorn.Config(slow, http=timeouts.Impatient, log_config=None, lifespan="off", ws="none")
    config.load()
    state, path = ServerState(), str(folder.socket("api"))
    server = await asyncio.get_running_loop().create_unix_server(
        lambda: timeouts.Impatient(config, state, {}), path
    )
    reader, writer = await asyncio.open_unix_connection(path)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.close()


def talk(folder, *said, again=()):
    """Say the pieces, a part of the time that there is apart; return what comes back, read to the end."""

    async def inside():
        async with connected(folder) as (reader, writer):
            try:
                for piece in said:
                    writer.write(piece)
                    await asyncio.sleep(0.4 * HEAD_S)
                for piece in again:
                    await reader.readuntil(b"ok")
                    writer.write(piece)
                return await asyncio.wait_for(reader.read(), 5 * HEAD_S)
            except ConnectionError:
                return b""

    return asyncio.run(inside())


def test_a_silent_connection_is_closed(folder):
    assert talk(folder) == b""


def test_a_head_that_comes_in_drops_is_not_waited_for(folder):
    assert talk(folder, *(WHOLE[at : at + 5] for at in range(0, len(WHOLE), 5))) == b""


def test_a_whole_head_is_answered_however_long_that_takes(folder):
    with pytest.raises(TimeoutError):  # it is kept open for the next: nobody hangs up
        talk(folder, WHOLE[:10], WHOLE[10:], again=(WHOLE, b""))


def test_the_next_request_on_a_connection_has_its_own_time(folder):
    assert talk(folder, WHOLE, again=(WHOLE[:9],)) == b""

"""A stream of events ends when it should, and a client that does not read costs nothing."""

import asyncio
from contextlib import closing

import pytest

from flotilla.fleet.api import stream as module
from flotilla.fleet.api.stream import Stream
from flotilla.fleet.history.events import EventReader, EventStore


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "ALIVE_S", 0.05)
    monkeypatch.setattr(module, "STALLED_S", 0.2)


def run(folder, from_seq=1, still=lambda: True, leave_after_s=0.2, send=None):
    """Return what was sent, and how often it said that it ended."""
    sent, ends = [], []

    async def receive():
        await asyncio.sleep(leave_after_s)
        return {"type": "http.disconnect"}

    async def keep(message):
        sent.append(message)

    async def inside():
        with closing(EventReader(folder.events)) as reader:
            stream = Stream(reader, from_seq, still, lambda: ends.append(1))
            await asyncio.wait_for(stream({}, receive, send or keep), 5)

    asyncio.run(inside())
    return sent, len(ends)


def body(sent):
    return b"".join(message.get("body", b"") for message in sent)


def test_it_sends_what_there_is_and_says_that_it_lives(folder):
    sent, ends = run(folder)

    assert body(sent).count(b"event: status\n") == 3
    assert b'id: 3\nevent: status\ndata: {"seq":3,' in body(sent)
    assert b": nothing new\n\n" in body(sent)
    assert ends == 1


def test_it_ends_when_who_asked_may_no_longer_look(folder):
    sent, ends = run(folder, still=lambda: False, leave_after_s=4)

    assert body(sent).endswith(b"event: end\ndata: {}\n\n")
    assert ends == 1


def test_a_client_that_does_not_read_is_dropped(folder):
    async def stuck(message):
        if message["type"] == "http.response.body":
            await asyncio.sleep(60)

    _, ends = run(folder, leave_after_s=4, send=stuck)

    assert ends == 1


def test_a_client_that_is_gone_is_no_error(folder):
    async def gone(message):
        raise OSError("gone")

    assert run(folder, leave_after_s=4, send=gone)[1] == 1


def test_a_mistake_of_ours_is_not_hidden(folder):
    async def wrong(message):
        raise KeyError("a mistake")

    with pytest.raises(KeyError):
        run(folder, leave_after_s=4, send=wrong)


def test_a_kind_with_odd_letters_stays_in_its_line(folder):
    with closing(EventStore(folder.events)) as store:
        store.append("a\nevent: end", "feed")

    sent, _ = run(folder, from_seq=4)

    assert b"event: aevent: end\n" in body(sent)
    assert b"\nevent: end\n" not in body(sent)

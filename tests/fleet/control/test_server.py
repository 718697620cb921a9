import asyncio
import json
import os
import socket
from contextlib import asynccontextmanager

import pytest

from flotilla.clock import monotonic_ns
from flotilla.errors import UnknownName
from flotilla.fleet.control import server as module
from flotilla.fleet.control.server import LONGEST, Control, Peer
from flotilla.fleet.history.events import Event


class Supervisor:
    """Answers with what it was asked, and keeps events."""

    def __init__(self):
        self.asked, self.events, self.go = [], [], asyncio.Event()
        self.go.set()

    async def answer(self, request, peer):
        self.asked.append((request, peer))
        await self.go.wait()
        if "nobody" in request.platforms:
            raise UnknownName("platform", "nobody", ["feed"])
        if "bug" in request.platforms:
            raise ZeroDivisionError("a bug")
        return {"names": request.platforms, "count": len(self.asked)}

    def read(self, first, most):
        return [event for event in self.events if event.seq >= first][:most]

    def happened(self, count=1):
        for _ in range(count):
            seq = len(self.events) + 1
            self.events.append(Event(seq=seq, ts=seq, kind="state", platform="feed", text="x" * 200))


class Caller:
    """A client that says and hears lines."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def say(self, **request):
        self.writer.write(json.dumps(request).encode() + b"\n")
        await self.writer.drain()

    async def hear(self):
        line = await asyncio.wait_for(self.reader.readline(), 10)
        return json.loads(line) if line else None

    async def ask(self, **request):
        await self.say(**request)
        return await self.hear()


@asynccontextmanager
async def served(tmp_path, supervisor, **more):
    control = Control(supervisor.answer, supervisor.read, **more)
    await control.open(tmp_path / "control.sock")
    try:
        yield control
    finally:
        await control.close()


CALLERS = []


async def connect(tmp_path):
    CALLERS.append(Caller(*await asyncio.open_unix_connection(tmp_path / "control.sock", limit=2**20)))
    return CALLERS[-1]


def run(coroutine):
    async def whole():
        try:
            return await asyncio.wait_for(coroutine, 60)
        finally:
            for caller in CALLERS:
                caller.writer.transport.abort()
            await asyncio.sleep(0.01)
            CALLERS.clear()

    return asyncio.run(whole())


def test_a_request_is_answered_with_its_id_and_who_asks_is_known(tmp_path):
    async def told():
        supervisor = Supervisor()
        async with served(tmp_path, supervisor):
            caller = await connect(tmp_path)
            reply = await caller.ask(id=5, command="start", platforms=["feed"], who="cli:ann")
            return reply, supervisor.asked

    reply, ((request, peer),) = run(told())

    assert reply == {"id": 5, "ok": True, "result": {"names": ["feed"], "count": 1}}
    assert (request.command, request.who) == ("start", "cli:ann")
    assert peer == Peer(os.getpid(), os.geteuid())


def test_the_socket_is_its_owners_alone(tmp_path):
    async def mode():
        (tmp_path / "control.sock").touch()  # what an earlier supervisor left
        async with served(tmp_path, Supervisor()):
            return (tmp_path / "control.sock").stat().st_mode & 0o777

    assert run(mode()) == 0o600


def test_a_socket_that_was_removed_is_put_back(tmp_path):
    async def told():
        async with served(tmp_path, Supervisor()) as control:
            before = await connect(tmp_path)
            (tmp_path / "control.sock").unlink()
            control.look()
            await asyncio.sleep(0.05)
            return [await one.ask(id=1, command="status") for one in (before, await connect(tmp_path))]

    assert [reply["ok"] for reply in run(told())] == [True, True]


def test_another_user_is_turned_away(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_peer", lambda writer: Peer(1, 12345))

    async def told():
        supervisor = Supervisor()
        async with served(tmp_path, supervisor):
            caller = await connect(tmp_path)
            return await caller.hear(), await caller.hear(), supervisor.asked

    reply, end, asked = run(told())

    assert reply["error"]["kind"] == "Denied"
    assert (end, asked) == (None, [])


def test_an_error_of_ours_is_told_by_its_kind_and_a_mistake_of_ours_stops_nothing(tmp_path):
    async def told():
        supervisor, seen = Supervisor(), []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context["exception"]))
        async with served(tmp_path, supervisor):
            caller = await connect(tmp_path)
            wrong = await caller.ask(id=1, command="start", platforms=["nobody"])
            bug = await caller.ask(id=2, command="start", platforms=["bug"])
            return wrong, bug, await caller.ask(id=3, command="status"), seen

    wrong, bug, after, seen = run(told())

    assert wrong["error"] == {
        "kind": "UnknownName",
        "text": "no platform is called 'nobody'; there is feed",
    }
    assert bug["error"]["kind"] == "Unknown"
    assert after["ok"]
    assert [type(error) for error in seen] == [ZeroDivisionError]


@pytest.mark.parametrize(
    ("line", "id_"),
    [
        (b"no json\n", 0),
        (b'{"id":3,"command":"launch"}\n', 3),
        (b'{"id":4,"command":"start","shell":"rm"}\n', 4),
        (b"[" * 5000 + b"\n", 0),
        (b'{"id":"x"}\n', 0),
        (b"\xff\xfe\n", 0),
    ],
)
def test_what_is_no_request_is_told_so_and_the_next_is_answered(tmp_path, line, id_):
    async def told():
        async with served(tmp_path, Supervisor()):
            caller = await connect(tmp_path)
            caller.writer.write(line)
            return await caller.hear(), await caller.ask(id=9, command="status")

    refused, answered = run(told())

    assert (refused["id"], refused["ok"], refused["error"]["kind"]) == (id_, False, "ConfigError")
    assert answered["ok"]


def test_a_request_that_is_too_long_is_shown_the_door(tmp_path):
    async def told():
        supervisor = Supervisor()
        async with served(tmp_path, supervisor):
            caller = await connect(tmp_path)
            caller.writer.write(b"x" * (LONGEST + 10))
            first = await caller.hear()
            return first, await caller.hear(), supervisor.asked

    refused, end, asked = run(told())

    assert "65536 bytes" in refused["error"]["text"]
    assert (end, asked) == (None, [])


def test_the_same_key_is_one_command_also_while_it_is_at_work(tmp_path):
    async def told():
        supervisor = Supervisor()
        supervisor.go.clear()
        async with served(tmp_path, supervisor):
            one, two = await connect(tmp_path), await connect(tmp_path)
            for n, caller in enumerate((one, two)):
                await caller.say(id=n, command="restart", platforms=["feed"], key="k")
            await asyncio.sleep(0.05)
            supervisor.go.set()
            replies = [
                await one.hear(),
                await two.hear(),
                await one.ask(id=2, command="restart", platforms=["feed"], key="k"),
            ]
            other = await one.ask(id=3, command="restart", platforms=["router"], key="k")
            return replies, other, len(supervisor.asked)

    replies, other, count = run(told())

    assert [reply["id"] for reply in replies] == [0, 1, 2]
    assert all(reply["result"] == {"names": ["feed"], "count": 1} for reply in replies)
    assert other["error"]["kind"] == "ConfigError"
    assert count == 1


def test_the_next_supervisor_knows_the_keys(tmp_path):
    async def told():
        replies = []
        for _ in range(2):
            supervisor = Supervisor()
            async with served(tmp_path, supervisor, asked=tmp_path / "asked.jsonl"):
                caller = await connect(tmp_path)
                replies.append(await caller.ask(id=1, command="stop", platforms=["feed"], key="k"))
        return replies, supervisor.asked

    (first, second), asked = run(told())

    assert first == second
    assert asked == []


def test_a_question_is_answered_while_a_command_is_at_work(tmp_path):
    async def told():
        supervisor = Supervisor()
        async with served(tmp_path, supervisor):
            caller = await connect(tmp_path)
            supervisor.go.clear()
            await caller.say(id=1, command="stop")
            await asyncio.sleep(0.02)
            supervisor.go.set()
            await caller.say(id=2, command="status")
            return {(await caller.hear())["id"], (await caller.hear())["id"]}

    assert run(told()) == {1, 2}


def test_a_follower_gets_what_was_and_what_comes_in_order(tmp_path):
    async def told():
        supervisor = Supervisor()
        supervisor.happened(300)
        async with served(tmp_path, supervisor) as control:
            caller = await connect(tmp_path)
            begun = await caller.ask(id=1, command="events", follow=True, **{"from": 11})
            before = [(await caller.hear())["event"]["seq"] for _ in range(290)]
            supervisor.happened(3)
            control.published()
            after = [(await caller.hear())["event"]["seq"] for _ in range(3)]
            status = await caller.ask(id=2, command="status")
            return begun, before + after, status

    begun, seqs, status = run(told())

    assert begun == {"id": 1, "ok": True, "result": {"follow": True}}
    assert seqs == list(range(11, 304))
    assert (status["id"], status["ok"]) == (2, True)


def test_a_stream_with_nothing_to_say_says_that_it_lives(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ALIVE_S", 0.05)

    async def told():
        async with served(tmp_path, Supervisor()):
            caller = await connect(tmp_path)
            await caller.say(id=1, command="events", follow=True)
            return [await caller.hear() for _ in range(3)][1:]

    assert run(told()) == [{"id": 1, "next": 0}] * 2


def test_a_client_that_stops_reading_holds_up_nobody_and_is_dropped(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "STALLED_S", 3.0)

    async def told():
        supervisor, longest_ns = Supervisor(), 0
        async with served(tmp_path, supervisor) as control:
            stalled, well = await connect(tmp_path), await connect(tmp_path)
            stalled.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stalled.reader._transport.pause_reading()
            for caller in (stalled, well):
                await caller.say(id=1, command="events", follow=True)
            await well.hear()
            for k in range(1, 151):
                supervisor.happened(50)  # 10 kB each time
                control.published()
                began_ns = monotonic_ns()
                while (await well.hear())["event"]["seq"] < 50 * k:
                    pass
                longest_ns = max(longest_ns, monotonic_ns() - began_ns)
            while len(control._clients) > 1:
                await asyncio.sleep(0.02)
            await well.ask(id=2, command="status")
            return longest_ns / 1e9

    longest_s = run(told())

    assert longest_s < 2.0  # the other one's is over after 3


def test_more_clients_than_there_is_room_for_are_told(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MOST_CLIENTS", 2)

    async def told():
        async with served(tmp_path, Supervisor()):
            callers = [await connect(tmp_path) for _ in range(2)]
            replies = [await caller.ask(id=1, command="status") for caller in callers]
            third = await connect(tmp_path)
            refused = await third.hear()
            callers[0].writer.close()
            await asyncio.sleep(0.05)
            fourth = await connect(tmp_path)
            return replies, refused, await fourth.ask(id=1, command="status")

    replies, refused, after = run(told())

    assert all(reply["ok"] for reply in replies)
    assert refused["error"]["kind"] == "Busy"
    assert after["ok"]


def test_what_was_asked_by_one_who_left_is_done(tmp_path):
    async def told():
        supervisor = Supervisor()
        supervisor.go.clear()
        async with served(tmp_path, supervisor, asked=tmp_path / "asked.jsonl"):
            caller = await connect(tmp_path)
            await caller.say(id=1, command="stop", platforms=["feed"], key="k")
            await asyncio.sleep(0.02)
            caller.writer.close()
            await asyncio.sleep(0.02)
            supervisor.go.set()
            await asyncio.sleep(0.02)
            again = await connect(tmp_path)
            return await again.ask(id=2, command="stop", platforms=["feed"], key="k"), supervisor

    reply, supervisor = run(told())

    assert reply == {"id": 2, "ok": True, "result": {"names": ["feed"], "count": 1}}
    assert len(supervisor.asked) == 1


def test_a_path_that_is_too_long_is_named(tmp_path):
    async def opened():
        supervisor = Supervisor()
        await Control(supervisor.answer, supervisor.read).open(tmp_path / ("x" * 120))

    with pytest.raises(module.ProcessError, match="cannot be listened at"):
        run(opened())


def test_closing_ends_the_streams(tmp_path):
    async def told():
        control_of = served(tmp_path, Supervisor())
        async with control_of:
            caller = await connect(tmp_path)
            await caller.ask(id=1, command="events", follow=True)
        return await caller.hear()

    assert run(told()) is None

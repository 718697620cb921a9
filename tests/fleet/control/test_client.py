import asyncio
import json
import os
import socket
import threading
from contextlib import contextmanager
from itertools import islice

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ConfigError, ProcessError, UnknownName
from flotilla.fleet.control.client import Client, NoSupervisor, NotHeard, OutcomeUnknown
from flotilla.fleet.control.server import Control
from flotilla.fleet.control.status import FleetStatus, PlatformStatus
from flotilla.fleet.history.events import Event

STATUS = FleetStatus("demo", 3, "adopt", 9, (PlatformStatus("feed", "ready", pid=7, ready=True),))


class Supervisor:
    def __init__(self):
        self.asked = []

    async def answer(self, request, peer):
        self.asked.append(request)
        if request.command == "status":
            return STATUS
        if "nobody" in request.platforms:
            raise UnknownName("platform", "nobody", ["feed"])
        if "hung" in request.platforms:
            await asyncio.sleep(60)
        if "slow" in request.platforms:
            await asyncio.sleep(0.3)
        return {"names": request.platforms}

    def read(self, first, most):
        return [Event(seq=seq, ts=seq, kind="state") for seq in range(max(first, 1), 4)]


@contextmanager
def running(path, supervisor, asked=None):
    """Run a supervisor's control socket beside the test, in a thread of its own."""
    loop = asyncio.new_event_loop()
    stop, there = asyncio.Event(), threading.Event()

    async def serve():
        control = Control(supervisor.answer, supervisor.read, asked)
        await control.open(path)
        there.set()
        await stop.wait()
        await control.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.01)

    def whole():
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=whole)
    thread.start()
    there.wait(10)
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


@contextmanager
def dying(path, say=b""):
    """Listen; read a request, say so much, hang up and go."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    heard = []

    def serve():
        stream, _ = listener.accept()
        heard.append(stream.recv(65536))
        stream.sendall(say)
        stream.close()
        listener.close()

    thread = threading.Thread(target=serve)
    thread.start()
    yield heard
    thread.join()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "control.sock"


def test_what_is_asked_is_answered(path):
    supervisor = Supervisor()
    with running(path, supervisor):
        client = Client(path, "cli:ann")
        answer, status = client.ask("start", ["feed"], why="after lunch"), client.status()

    assert answer == {"names": ["feed"]}
    assert status == STATUS
    started, asked = supervisor.asked
    assert (started.who, started.why, len(started.key)) == ("cli:ann", "after lunch", 16)
    assert asked.key == ""


def test_what_is_refused_is_raised_as_what_the_caller_does_next(path):
    with running(path, Supervisor()), pytest.raises(ConfigError, match="no platform is called 'nobody'"):
        Client(path, "cli").ask("start", ["nobody"])


def test_without_a_supervisor_it_says_so_at_once(path):
    began_ns = monotonic_ns()

    with pytest.raises(NoSupervisor, match="no supervisor listens at"):
        Client(path, "cli").ask("stop")
    path.touch()
    with pytest.raises(ProcessError):
        Client(path, "cli").ask("status")

    assert monotonic_ns() - began_ns < 1e9


def test_a_socket_that_an_earlier_supervisor_left_is_none(path):
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(path))
    left.close()

    with pytest.raises(NoSupervisor):
        Client(path, "cli").status()


@pytest.mark.parametrize(("command", "kind"), [("restart", OutcomeUnknown), ("status", ProcessError)])
def test_no_answer_in_time_is_unknown_for_a_command_and_an_error_for_a_question(path, command, kind):
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()

    with pytest.raises(kind, match=r"no answer came within 0\.2 s") as raised:
        Client(path, "cli", deadline_s=0.2).ask(command)

    listener.close()
    assert isinstance(raised.value, OutcomeUnknown) == (kind is OutcomeUnknown)


def test_a_supervisor_that_dies_with_the_answer_leaves_it_unknown(path):
    with dying(path) as heard, pytest.raises(OutcomeUnknown, match="unknown whether it was done"):
        Client(path, "cli", deadline_s=0.5).ask("restart", ["feed"])

    assert json.loads(heard[0])["command"] == "restart"


def test_the_next_supervisor_is_asked_with_the_same_key(path):
    found = []
    with dying(path, b'{"id":1,"ok"') as heard:
        asking = threading.Thread(target=lambda: found.append(Client(path, "cli").ask("restart", ["feed"])))
        asking.start()
        while not heard:
            sleep(0.01)
    supervisor = Supervisor()
    with running(path, supervisor):
        asking.join()

    assert found == [{"names": ["feed"]}]
    assert supervisor.asked[0].key == json.loads(heard[0])["key"]


def test_a_command_that_a_death_cut_short_is_unknown_and_not_done_again(path, tmp_path):
    first, second = Supervisor(), Supervisor()
    with running(path, first, tmp_path / "asked"), pytest.raises(OutcomeUnknown):
        Client(path, "cli", deadline_s=2.0).ask("restart", ["hung"], key="k")

    with running(path, second, tmp_path / "asked"), pytest.raises(OutcomeUnknown, match="died while"):
        Client(path, "cli").ask("restart", ["hung"], key="k")

    assert (len(first.asked), second.asked) == (1, [])


def test_events_come_in_order_and_silence_can_be_heard(path):
    with running(path, Supervisor()):
        stream = Client(path, "cli").events(2, quiet_s=0.05)
        seqs = [event.seq for event in islice(filter(None, stream), 2)]
        silence = next(stream)
        stream.close()

    assert seqs == [2, 3]
    assert silence is None


def test_the_stream_ends_with_the_supervisor(path):
    with running(path, Supervisor()):
        stream = Client(path, "cli").events(1)
        first = next(stream)

    assert [first.seq, *(event.seq for event in stream)] == [1, 2, 3]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every socket")
def test_another_users_socket_is_named(path):
    with running(path, Supervisor()):
        path.chmod(0)
        with pytest.raises(ProcessError, match="another user's"):
            Client(path, "cli").status()


def test_one_that_supervises_and_does_not_listen_is_not_taken_for_none(tmp_path):
    client = Client(tmp_path / "control.sock", "test", holder=lambda: 7)

    with pytest.raises(NotHeard, match="process 7 supervises, and does not listen"):
        client.status()

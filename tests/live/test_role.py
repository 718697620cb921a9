"""How a role begins, waits, and is told to stop."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest
import zmq

from flotilla import notify
from flotilla.clock import monotonic_ns, sleep
from flotilla.live.role import StopAsked, await_logs, serve, wait
from flotilla.live.roles import EXECUTION, FEED, PORTFOLIO

BEAT = b"READY=1\nWATCHDOG=1"


@pytest.fixture
def stop() -> Iterator[StopAsked]:
    before = [(what, signal.getsignal(what)) for what in (signal.SIGTERM, signal.SIGINT)]
    yield StopAsked()
    for what, handler in before:
        signal.signal(what, handler)


@pytest.mark.parametrize("what", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_asks_to_stop(stop, what):
    assert not stop.asked

    os.kill(os.getpid(), what)

    assert stop.asked


def test_steps_are_taken_until_it_is_over_or_asked_to_stop(stop):
    steps: list[float] = []

    serve(steps.append, stop, lambda: len(steps) == 3)
    assert len(steps) == 3

    stop.asked = True
    serve(steps.append, stop)
    assert len(steps) == 3


def test_a_role_says_that_it_is_alive_as_often_as_it_is_asked_to(stop, monkeypatch):
    monkeypatch.setattr(notify._Spoken, "beat", b"WATCHDOG=1")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind("")
        ears.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + ears.getsockname()[1:].decode())
        monkeypatch.setenv("WATCHDOG_USEC", "60000")
        steps, said, end_ns = [], [], monotonic_ns() + 20_000_000_000

        def hear():
            with suppress(BlockingIOError):
                while True:
                    said.append(ears.recv(64))

        def step(_):
            sleep(0.001)
            steps.append(monotonic_ns())
            hear()

        serve(step, stop, lambda: said.count(BEAT) >= 3 or monotonic_ns() > end_ns)
        hear()

    assert said[:2] == [b"READY=1", BEAT]
    assert said[-1] == b"STOPPING=1"
    # One at once, then one every 30 ms: at most, on a machine that has more to do.
    assert 3 <= said.count(BEAT) <= 2 + (steps[-1] - steps[0]) / 30_000_000


def test_a_role_waits_for_the_logs_that_it_reads(stop, run):
    def appear() -> None:
        sleep(0.05)
        with closing(run.writer(FEED)):
            pass

    writer = threading.Thread(target=appear)
    writer.start()

    assert await_logs(stop, run, EXECUTION)
    writer.join()
    threading.Timer(0.05, setattr, (stop, "asked", True)).start()
    assert not await_logs(stop, run, PORTFOLIO)  # whose fills nobody writes


def test_waiting_ends_with_a_message_or_in_time(room):
    context = zmq.Context.instance()
    with context.socket(zmq.PULL) as ears, context.socket(zmq.PUSH) as mouth:
        ears.bind(f"ipc://{room}/x")
        mouth.connect(f"ipc://{room}/x")
        before = monotonic_ns()
        wait([ears], 0.01)
        assert monotonic_ns() - before >= 10_000_000

        mouth.send(b"hello")
        before = monotonic_ns()
        wait([ears], 60.0)
        assert monotonic_ns() - before < 30_000_000_000


def test_a_mistake_is_told_in_one_line(room):
    command = [sys.executable, "-m", "flotilla.live.feed", str(room / "nothing"), ""]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert done.stderr == f"ConfigError: {room}/nothing/run.json: No such file or directory\n"

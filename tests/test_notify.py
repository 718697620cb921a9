"""What a process says to whoever started it."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flotilla import notify
from flotilla.clock import monotonic_ns
from flotilla.notify import alive, beat_s, ready, status, stopping


@pytest.fixture
def ears(monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as socket_:
        socket_.bind("")  # a name that is no file
        socket_.settimeout(5.0)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + socket_.getsockname()[1:].decode())
        monkeypatch.setattr(notify._Spoken, "beat", b"WATCHDOG=1")
        yield socket_


def test_ready_is_said_to_whoever_listens(ears):
    ready()

    assert ears.recv(64) == b"READY=1"


def test_ready_is_said_to_a_path_as_well(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # pytest's own paths may be too long for a socket
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind("ears")
        monkeypatch.setenv("NOTIFY_SOCKET", "ears")
        ready()
        assert ears.recv(64) == b"READY=1"


def test_nobody_needs_to_listen(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)

    ready()
    alive()
    stopping()
    status("working")


def test_a_listener_that_stays_away_is_not_passed_over(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody-is-here")

    with pytest.raises(ConnectionRefusedError):
        ready(patience_s=0.1)


def test_who_beats_needs_nobody_to_hear_that_it_is_ready_for_each_beat_says_it_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", "ears")
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")

    ready(patience_s=0.1)

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.settimeout(5.0)
        ears.bind("ears")
        alive()
        assert b"READY=1" in ears.recv(64)


def test_ready_waits_for_a_listener_that_comes_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", "ears")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.settimeout(5.0)
        later = threading.Timer(0.2, ears.bind, ["ears"])
        later.start()

        ready()

        assert ears.recv(64) == b"READY=1"
        later.join()


def test_a_heartbeat_says_again_that_the_process_is_ready(ears):
    alive()
    ready()
    alive()
    stopping()
    alive()

    heard = [ears.recv(64) for _ in range(5)]

    assert heard == [b"WATCHDOG=1", b"READY=1", b"READY=1\nWATCHDOG=1", b"STOPPING=1", b"WATCHDOG=1"]


def test_a_heartbeat_passes_over_a_listener_that_is_gone_and_reaches_the_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NOTIFY_SOCKET", "ears")
    for _ in range(2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
            ears.settimeout(5.0)
            ears.bind("ears")
            alive()
            assert b"WATCHDOG=1" in ears.recv(64)
        alive()  # it is there no more, but its name is
        Path("ears").unlink()
        alive()


def test_a_heartbeat_does_not_wait_for_a_listener_that_does_not_read(ears):
    began = monotonic_ns()

    for _ in range(10_000):
        alive()

    assert monotonic_ns() - began < 2e9


def test_a_status_is_one_line(ears):
    status("caught up\nwith 12 bars " + "x" * 1000)

    heard = ears.recv(4096)

    assert heard.startswith(b"STATUS=caught up with 12 bars xxx")
    assert b"\n" not in heard
    assert len(heard) < 500


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "200000"}, 0.1),
        ({"WATCHDOG_USEC": "200000", "WATCHDOG_PID": str(os.getpid())}, 0.1),
        ({"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}, None),  # asked of another
    ],
)
def test_a_beat_is_half_of_what_is_waited_for_it(environment, seconds, monkeypatch):
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert beat_s() == seconds


def test_the_kernel_says_which_process_beats(ears):
    ears.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    program = "from flotilla.notify import alive; alive()"

    child = subprocess.Popen([sys.executable, "-c", program])
    _, ancillary, _, _ = ears.recvmsg(64, socket.CMSG_SPACE(12))

    assert int.from_bytes(ancillary[0][2][:4], sys.byteorder) == child.pid
    assert child.wait() == 0

"""A step that takes long is no silence, until it is overdue."""

import contextlib
import os
import signal
import socket
import subprocess
import sys

import pytest

from flotilla.clock import sleep
from flotilla.live import pulse as pulse_module
from flotilla.live.pulse import Pulse


@pytest.fixture
def ears(monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind("")
        ears.settimeout(0.3)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + ears.getsockname()[1:].decode())
        monkeypatch.setenv("WATCHDOG_USEC", "40000")
        yield ears


def beats(ears):
    """Return how often is said that it is alive, until nothing more is said for a while."""
    count = 0
    try:
        while True:
            count += b"WATCHDOG=1" in ears.recv(64)
    except TimeoutError:
        return count


def test_it_beats_through_a_long_step_and_falls_silent_when_that_is_overdue(ears):
    with Pulse(think_s=0.2) as pulse:
        pulse.step()
        sleep(0.6)  # the loop is in its step
        assert 2 <= beats(ears) <= 12

        pulse.step()
        sleep(0.1)
        assert beats(ears) >= 1
    assert beats(ears) == 0


def test_with_nobody_to_listen_it_says_nothing(ears, monkeypatch):
    monkeypatch.delenv("WATCHDOG_USEC")

    with Pulse(think_s=60.0) as pulse:
        pulse.step()
        sleep(0.1)

    assert beats(ears) == 0


def test_a_process_that_stands_still_is_silent_at_once(ears):
    script = "import time; from flotilla.live.pulse import Pulse\nwith Pulse(60.0) as pulse: time.sleep(60)"
    process = subprocess.Popen([sys.executable, "-c", script], env=dict(os.environ))
    ears.settimeout(10)
    ears.recv(64)
    ears.settimeout(0.3)

    process.send_signal(signal.SIGSTOP)
    beats(ears)

    assert beats(ears) == 0
    process.kill()
    process.wait()


def test_what_a_long_step_is_about_is_said_to_who_listens_and_in_the_log_and_then_more_seldom(
    ears, monkeypatch, capsys
):
    monkeypatch.setattr(pulse_module, "PATIENCE_S", 0.1)
    with Pulse(think_s=60.0, about=lambda: "strategy cross, at bar 1735") as pulse:
        pulse.step()
        sleep(0.7)
    heard = []
    with contextlib.suppress(TimeoutError):
        while True:
            heard.append(ears.recv(200).decode())

    text = "waiting for strategy cross, at bar 1735, since 0 s; after 60 s it is killed and started again"
    said = capsys.readouterr().err.splitlines()
    assert said[0] == text
    assert len(said) <= 3  # after 0.1 s, 0.3 s, and at most 0.9 s
    assert f"STATUS={text}" in heard


def test_steps_that_end_in_time_are_not_told_of(ears, monkeypatch, capsys):
    monkeypatch.setattr(pulse_module, "PATIENCE_S", 0.3)
    with Pulse(think_s=60.0) as pulse:
        for _ in range(10):
            pulse.step()
            sleep(0.05)

    assert capsys.readouterr().err == ""

"""What a process says to whoever started it."""

import socket

import pytest

from flotilla.notify import ready


def test_ready_is_said_to_whoever_listens(tmp_path, monkeypatch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind("")  # a name that is no file
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + ears.getsockname()[1:].decode())
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


def test_a_listener_that_is_gone_is_not_passed_over(monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", "@nobody-is-here")

    with pytest.raises(ConnectionRefusedError):
        ready()

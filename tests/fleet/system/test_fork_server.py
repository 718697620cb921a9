"""The fork server takes messages as they come, and ends with the socket."""

import os
import socket
import subprocess

import pytest

from flotilla.fleet.system import bare, fork_server


@pytest.fixture
def ends():
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    with ours, theirs:
        yield ours, theirs


def message(data):
    return len(data).to_bytes(fork_server.HEAD, "big") + data


def test_a_message_comes_whole_with_its_descriptors_which_no_child_inherits(ends):
    ours, theirs = ends
    whole = message(b"x" * 10)
    socket.send_fds(ours, [whole[:12]], [0, 1])
    ours.sendall(whole[12:])

    data, fds = fork_server.received(theirs)

    assert data == b"x" * 10
    assert len(fds) == 2
    assert not any(map(os.get_inheritable, fds))
    for fd in fds:
        os.close(fd)


@pytest.mark.parametrize("sent", [b"", message(b"x" * 10)[:12]])
def test_where_there_is_no_more_it_is_over(ends, sent):
    ours, theirs = ends
    if sent:
        socket.send_fds(ours, [sent], [])
    ours.close()

    assert fork_server.received(theirs) is None


def test_one_that_another_process_started_does_nothing():
    assert subprocess.run(bare.command("fork_server", "1"), check=False).returncode == 1

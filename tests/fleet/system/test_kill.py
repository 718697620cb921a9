"""Processes are stopped and killed: whole groups of the fleet's own sessions, and nobody else."""

import os
import signal
import subprocess

import pytest

from flotilla.clock import sleep
from flotilla.fleet.system import kill, tree


@pytest.fixture
def pair():
    """Return a shell in a session of its own, with a child; and a stranger beside them, in ours."""
    shell = subprocess.Popen(["sh", "-c", "sleep 60; true"], start_new_session=True)
    stranger = subprocess.Popen(["sleep", "60"])
    while not tree.children(shell.pid):
        sleep(0.002)
    yield shell, stranger
    for process in (shell, stranger):
        process.kill()
        process.wait()


def test_a_group_is_struck_as_a_whole_when_one_of_it_is_known(pair):
    shell, _ = pair
    child = tree.read(tree.children(shell.pid)[0])
    assert child is not None

    kill.strike({shell.pid: tree.read(shell.pid)}, {shell.pid: tree.read(shell.pid)}, signal.SIGKILL)

    shell.wait()
    for _ in range(100):
        if not tree.alive(child.pid, child.start_ticks):
            break
        sleep(0.005)
    assert not tree.alive(child.pid, child.start_ticks)


def test_in_a_session_of_others_only_whom_we_know_is_struck(pair):
    shell, stranger = pair
    found = {stranger.pid: tree.read(stranger.pid)}

    kill.strike(found, found, signal.SIGKILL)

    assert stranger.wait() == -signal.SIGKILL
    assert shell.poll() is None


def test_one_that_appears_while_we_strike_is_killed_with_the_rest(pair):
    shell, stranger = pair
    first, second = ({process.pid: tree.read(process.pid)} for process in pair)

    kill.sweep(first, lambda: first | second)

    assert (shell.wait(), stranger.wait()) == (-signal.SIGKILL, -signal.SIGKILL)


def test_a_later_process_of_the_same_number_is_left_alone():
    us = tree.read(os.getpid())
    assert us is not None

    assert kill.send(us._replace(start_ticks=1), signal.SIGKILL)
    assert kill.send(us._replace(pid=2**22 + 1), signal.SIGKILL)

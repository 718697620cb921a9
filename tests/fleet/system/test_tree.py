"""Processes are found again by their mark, their session and their descent."""

import errno
import os
import signal
import subprocess
import sys

import pytest

from flotilla.clock import sleep
from flotilla.fleet.system import tree

# Starts: one that keeps the mark in a session of its own, one without the mark in our session,
# one without mark and session whose parent is this one.
FAMILY = """
import os, subprocess, sys
bare = {"PATH": os.environ["PATH"]}
commands = (dict(start_new_session=True), dict(env=bare), dict(env=bare, start_new_session=True))
pids = [subprocess.Popen(["sleep", "60"], **how).pid for how in commands]
print(os.getpid(), *pids, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def family(tmp_path):
    """Return the numbers of a process of the fleet at `tmp_path`, and of its three children."""
    marks = {tree.FLEET: str(tmp_path), tree.PLATFORM: "feed", tree.GENERATION: "7", tree.FIRST: "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        env=os.environ | marks,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    pids = [int(word) for word in process.stdout.readline().split()]
    yield pids
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.communicate()


def settled(find, expected):
    """Return what `find` says, once it is what is expected or half a second has passed."""
    for _ in range(50):
        if (found := find()) == expected:
            break
        sleep(0.01)
    return found


def test_a_process_is_told_from_a_later_one_of_its_number():
    us = tree.read(os.getpid())

    assert us is not None
    assert (us.parent, us.session, us.ended) == (os.getppid(), os.getsid(0), False)
    assert tree.alive(us.pid, us.start_ticks)
    assert not tree.alive(us.pid, us.start_ticks + 1)


def test_a_zombie_is_there_and_has_ended():
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    zombie = tree.read(child.pid)

    assert zombie is not None
    assert zombie.ended
    assert child.pid in tree.children(os.getpid())
    child.wait()
    assert tree.read(child.pid) is None
    assert tree.mark_of(child.pid) is None


def test_the_mark_says_fleet_platform_generation_and_the_first(family, tmp_path):
    assert tree.mark_of(family[0]) == tree.Mark(str(tmp_path), "feed", 7, 1)
    assert settled(lambda: tree.mark_of(family[2]), None) is None


def test_all_of_a_family_is_found_by_the_mark_of_one(family, tmp_path):
    assert settled(lambda: set(tree.find(str(tmp_path))), set(family)) == set(family)
    assert set(tree.find(str(tmp_path), "feed")) == set(family)
    assert tree.find(str(tmp_path), "strategy") == {}
    assert tree.find(f"{tmp_path}x") == {}


def test_who_lost_its_parent_is_found_by_mark_or_session_and_only_by_them(family, tmp_path):
    first, marked, in_session, _lost = family
    settled(lambda: set(tree.find(str(tmp_path))), set(family))
    ticks = tree.read(first).start_ticks
    os.kill(first, signal.SIGKILL)

    found = settled(lambda: set(tree.find(str(tmp_path), leaders={first: ticks})), {marked, in_session})

    assert found == {marked, in_session}


def test_the_number_of_a_leader_that_was_given_to_another_is_not_believed(tmp_path):
    us = tree.read(os.getppid())
    assert us is not None

    assert tree.find(str(tmp_path), leaders={us.pid: us.start_ticks - 1}) == {}


def test_neither_we_nor_our_ancestors_are_ever_found(family, tmp_path):
    found = tree.find(str(tmp_path), roots=[1, os.getpid()])

    assert not found.keys() & tree.above(os.getpid(), tree.table())
    assert set(family) <= found.keys()


def test_what_the_machine_hides_is_as_good_as_not_there(monkeypatch):
    opened = os.open

    def hiding(path, *how):
        if path == "/proc/1/stat":
            raise PermissionError(errno.EACCES, path)  # as hidepid=1 has it
        return opened(path, *how)

    monkeypatch.setattr(os, "open", hiding)

    assert 1 not in tree.table()
    assert os.getpid() in tree.table()

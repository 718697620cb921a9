"""An earlier supervisor's children are found again, and who is of none of them is known as a stray."""

import asyncio
import ctypes
import os
import select
import signal

import pytest

from flotilla.clock import sleep
from flotilla.fleet.adopt import adopt
from flotilla.fleet.folder import FleetState, Folder, Kept
from flotilla.fleet.spec import Platform
from flotilla.fleet.system import tree
from flotilla.fleet.system.cgroup import Cgroups
from flotilla.fleet.system.spawn import Spawner

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
NAMES = ("feed", "strategy")


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "fleet").make()


@pytest.fixture
def spawner(folder):
    """Return the earlier supervisor's."""
    yield (spawner := Spawner(folder, cgroups=Cgroups(folder.path, use=False)))
    asyncio.run(spawner.kill(tree.find(spawner.fleet).values()))
    spawner.reap()
    spawner.close()
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)


def shell(script):
    return Platform(command=("sh", "-c", script))


def settled(spawner, count):
    for _ in range(200):
        if len(found := tree.find(spawner.fleet)) == count:
            return found
        sleep(0.01)
    raise AssertionError(found)


def close(found):
    for child in found.children.values():
        os.close(child.pidfd)


def test_who_runs_is_adopted_with_all_that_it_started_and_nothing_is_stray(folder, spawner):
    feed = spawner.spawn("feed", shell("(setsid sleep 60 &); exec sleep 61"), 4)
    settled(spawner, 2)

    found = adopt(folder, FleetState(), NAMES)

    (child,) = found.children.values()
    assert (child.name, child.pid, child.start_ticks) == ("feed", feed.pid, feed.start_ticks)
    assert (child.generation, child.ours) == (4, False)
    assert found.strays == []
    close(found)


def test_who_was_written_down_is_adopted_though_it_hides_its_mark(folder, spawner):
    feed = spawner.spawn("feed", shell("exec env -i sleep 60"), 4)
    for _ in range(100):
        if tree.mark_of(feed.pid) is None:
            break
        sleep(0.01)
    state = FleetState(platforms={"feed": Kept(feed.pid, feed.start_ticks, 4)})

    found = adopt(folder, state, NAMES)

    assert found.children["feed"].pid == feed.pid
    close(found)


def test_what_a_dead_platform_left_is_stray_and_not_taken_for_the_platform(folder, spawner):
    feed = spawner.spawn("feed", shell("setsid sleep 60 & exec sleep 61"), 4)
    settled(spawner, 2)
    spawner.send(feed, signal.SIGKILL)
    select.select([feed.pidfd], [], [], 10)
    spawner.bury(feed)

    found = adopt(folder, FleetState(platforms={"feed": Kept(feed.pid, feed.start_ticks, 4)}), NAMES)

    assert found.children == {}
    assert len(found.strays) == 1


def test_of_two_generations_the_younger_lives_and_the_other_is_stray(folder, spawner):
    old, young = (spawner.spawn("feed", shell("exec sleep 60"), generation) for generation in (4, 5))

    found = adopt(folder, FleetState(platforms={"feed": Kept(old.pid, old.start_ticks, 4)}), NAMES)

    assert found.children["feed"].pid == young.pid
    assert [stray.pid for stray in found.strays] == [old.pid]
    close(found)


def test_what_runs_of_a_platform_that_is_no_more_is_handed_out_apart(folder, spawner):
    gone = spawner.spawn("gone", shell("exec sleep 60"), 4)

    found = adopt(folder, FleetState(platforms={"gone": Kept(gone.pid, gone.start_ticks, 4)}), NAMES)

    assert (found.children, found.strays) == ({}, [])
    assert found.former["gone"].pid == gone.pid
    os.close(found.former["gone"].pidfd)


def test_what_stood_beside_the_supervisor_before_is_stray(folder, spawner):
    beside = spawner.spawn("_alerts", shell("exec sleep 60"), 4)

    found = adopt(folder, FleetState(), NAMES)

    assert (found.children, found.former) == ({}, {})
    assert [stray.pid for stray in found.strays] == [beside.pid]


def test_another_fleet_is_left_alone(folder, spawner, tmp_path):
    spawner.spawn("feed", shell("exec sleep 60"), 4)
    other = Folder(tmp_path / "other").make()

    assert adopt(other, FleetState(), NAMES) == ({}, {}, [])


def test_a_number_that_another_process_has_now_is_not_adopted(folder):
    us = tree.read(os.getpid())
    assert us is not None

    state = FleetState(platforms={"feed": Kept(us.pid, us.start_ticks - 1, 4)})
    assert adopt(folder, state, NAMES) == ({}, {}, [])

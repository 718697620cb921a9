"""Platforms are started with what was declared, and end with all that they have started."""

import asyncio
import ctypes
import errno
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ProcessError
from flotilla.fleet.folder import Folder
from flotilla.fleet.spec import Health, Log, Platform, Resources
from flotilla.fleet.system import tree
from flotilla.fleet.system.cgroup import Cgroups
from flotilla.fleet.system.spawn import Child, Spawner

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
# Ignores SIGTERM, has children in its session and in others, with the mark and without a parent.
WILD = "trap '' TERM; (setsid sleep 61 &); (setsid setsid sleep 62 &); sleep 63 & echo up; sleep 64"


@pytest.fixture(params=["groups", "walk"])
def spawner(request, tmp_path):
    """Return one that kills by control group, where there are any, and one that must walk."""
    folder = Folder(tmp_path / "fleet").make()
    yield (spawner := Spawner(folder, cgroups=Cgroups(folder.path, use=request.param == "groups")))
    asyncio.run(spawner.kill(tree.find(spawner.fleet).values()))
    spawner.reap()
    spawner.close()
    spawner.cgroups.remove()
    ctypes.CDLL(None).prctl(36, 0, 0, 0, 0)  # the other tests' orphans are not for us


def shell(script, **options):
    return Platform(command=("sh", "-c", script), **options)


def ended(spawner: Spawner, child: Child):
    """Wait for `child`, and return its exit code."""
    assert select.select([child.pidfd], [], [], 10)[0]
    return spawner.bury(child)


def log_of(spawner: Spawner, name="feed"):
    return Folder(Path(spawner.fleet)).log(name).read_text()


def up(spawner: Spawner, count=5):
    """Wait until a wild one has started all of its own."""
    for _ in range(2000):
        found = tree.find(spawner.fleet)
        sleeping = sum(tree.content(f"/proc/{pid}/comm") == b"sleep\n" for pid in found)
        if len(found) == count and sleeping == count - 1:  # all but the shell: none that is about to end
            return found
        sleep(0.01)
    raise AssertionError(found)


def test_a_platform_has_its_mark_its_environment_and_its_log(spawner):
    platform = shell(
        "env; pwd; exit 4",
        env={"SYMBOL": "AAPL"},
        folder="/",
        health=Health(heartbeat_s=0.2),
        log=Log(level="DEBUG"),
    )

    child = spawner.spawn("feed", platform, 3, env={"MORE": "1"})

    assert ended(spawner, child) == 4
    said = set(log_of(spawner).splitlines())
    assert said >= {
        f"FLOTILLA_FLEET={spawner.fleet}",
        "FLOTILLA_PLATFORM=feed",
        "FLOTILLA_GENERATION=3",
        f"FLOTILLA_PID={child.pid}",
        f"NOTIFY_SOCKET={spawner.fleet}/notify.sock",
        "WATCHDOG_USEC=400000",
        "FLOTILLA_LOG_LEVEL=DEBUG",
        "SYMBOL=AAPL",
        "MORE=1",
        "/",
    }


def test_what_the_supervisor_was_told_of_itself_is_not_handed_on(spawner, monkeypatch):
    monkeypatch.setenv("FLOTILLA_GUARD", "1")
    monkeypatch.setenv("WATCHDOG_USEC", "1")

    ended(spawner, spawner.spawn("feed", shell("env"), 1))

    assert "FLOTILLA_GUARD" not in log_of(spawner)
    assert "WATCHDOG_USEC" not in log_of(spawner)


def test_where_the_control_groups_are_is_kept_for_the_guard(spawner):
    said = Folder(Path(spawner.fleet)).groups.read_text().splitlines()

    assert said == [str(path) for path in spawner.cgroups.folders()]


def test_the_exit_code_of_one_that_was_killed_is_its_signal(spawner):
    child = spawner.spawn("feed", shell("exec sleep 60"), 1)
    spawner.terminate(child)

    assert ended(spawner, child) == -signal.SIGTERM
    assert spawner.leftovers(child) == []


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9)])
@pytest.mark.parametrize("looked", [False, True])
def test_the_exit_code_of_an_adopted_one_is_known_before_and_after_its_parent_looked(
    spawner, script, code, looked
):
    if looked and tuple(map(int, os.uname().release.split(".")[:2])) < (6, 15):
        pytest.skip("this kernel does not tell")
    process = subprocess.Popen(["sh", "-c", f"read word; {script}"], stdin=subprocess.PIPE)
    pidfd = os.pidfd_open(process.pid)
    child = Child("feed", process.pid, pidfd, tree.read(process.pid).start_ticks, 1, ours=False)
    spawner.take(child)

    process.stdin.close()
    assert select.select([pidfd], [], [], 10)[0]
    if looked:
        process.wait()

    assert spawner.bury(child) == code
    process.wait()


def test_what_cannot_be_started_is_an_error_that_says_why(spawner):
    with pytest.raises(ProcessError, match="feed cannot be started: its command nonesuch: No such file"):
        spawner.spawn("feed", Platform(command=("nonesuch",)), 1)


def test_where_there_can_be_no_process_that_is_said(spawner, monkeypatch):
    def full(birth):
        raise ProcessError("Resource temporarily unavailable")

    monkeypatch.setattr(spawner._server, "fork", full)

    with pytest.raises(ProcessError, match="feed cannot be started: Resource temporarily unavailable"):
        spawner.spawn("feed", shell("true"), 1)


def test_one_that_cannot_be_watched_is_not_left_running(spawner, monkeypatch):
    def none_left(pid):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", none_left)
        with pytest.raises(ProcessError, match="feed cannot be watched: Too many open files"):
            spawner.spawn("feed", shell("sleep 60; true"), 1)

    until_ns = monotonic_ns() + 20_000_000_000
    while tree.find(spawner.fleet) and monotonic_ns() < until_ns:
        sleep(0.01)
    assert tree.find(spawner.fleet) == {}


def test_open_files_are_limited_and_no_core_is_written(spawner):
    platform = shell("ulimit -n; ulimit -c", required_resources=Resources(open_files=64))

    ended(spawner, spawner.spawn("feed", platform, 1))

    assert log_of(spawner).split() == ["64", "0"]


def test_memory_is_limited_one_way_or_the_other_but_not_for_one_that_holds_positions(spawner):
    takes = Platform(
        command=(sys.executable, "-S", "-c", "x = bytearray(200 << 20); print(len(x))"),
        required_resources=Resources(memory_mb=60),
    )

    limited = ended(spawner, spawner.spawn("feed", takes, 1))
    held = Platform(takes.command, required_resources=takes.required_resources, holds_positions=True)
    free = ended(spawner, spawner.spawn("holder", held, 1))

    assert limited != 0
    assert free == 0


def test_what_a_dead_platform_left_is_seen_at_once_and_killed(spawner):
    child = spawner.spawn("feed", shell(WILD), 1)
    up(spawner)
    spawner.send(child, signal.SIGKILL)
    assert ended(spawner, child) == -9

    assert len(spawner.leftovers(child)) == 4
    assert asyncio.run(spawner.kill_tree(child)) == 4
    assert spawner.leftovers(child) == []
    assert tree.find(spawner.fleet) == {}


def test_a_living_tree_is_killed_whole_and_its_neighbour_left_alone(spawner):
    wild, neighbour = spawner.spawn("feed", shell(WILD), 1), spawner.spawn("other", shell("exec sleep 65"), 1)
    up(spawner, 6)

    assert asyncio.run(spawner.kill_tree(wild)) == 5

    assert ended(spawner, wild) == -9
    assert set(tree.find(spawner.fleet)) == {neighbour.pid}
    asyncio.run(spawner.kill_tree(neighbour))
    assert ended(spawner, neighbour) == -9


def test_after_its_tree_was_killed_a_platform_starts_again_and_lives(spawner):
    first = spawner.spawn("feed", shell("exec sleep 60"), 1)
    asyncio.run(spawner.kill_tree(first))
    ended(spawner, first)

    again = spawner.spawn("feed", shell("sleep 0.05; exit 3"), 1)

    assert ended(spawner, again) == 3


# Each forks the next, and stays a little: about twenty at once. The last of them ends by itself.
RUNS_AWAY = "f() { if [ $1 -lt 20000 ]; then f $(($1+1)) & sleep 0.02; fi; }; f 1"


def test_one_that_forks_on_and_on_is_killed_too(spawner):
    child = spawner.spawn("feed", shell(RUNS_AWAY), 1)
    sleep(0.15)

    asyncio.run(spawner.kill_tree(child))
    ended(spawner, child)

    sleep(0.1)
    assert tree.find(spawner.fleet) == {}


def test_orphans_that_ended_are_buried_and_platforms_are_not(spawner):
    child = spawner.spawn("feed", shell("(sleep 0.01 &) ; exec sleep 0.05"), 1)
    select.select([child.pidfd], [], [], 10)

    buried = spawner.reap()

    assert child.pid not in buried
    assert spawner.bury(child) == 0
    assert [pid for pid in tree.children(os.getpid()) if tree.read(pid).ended] == []


SUPERVISES = """
import asyncio, os, signal, sys
from pathlib import Path
from flotilla.fleet.system.cgroup import Cgroups
from flotilla.fleet.folder import Folder
from flotilla.fleet.spec import Platform
from flotilla.fleet.system.spawn import Spawner
folder = Folder(Path(sys.argv[1])).make()
spawner = Spawner(folder, "bound", Cgroups(folder.path, use=False))
child = spawner.spawn("feed", Platform(command=("sh", "-c", sys.argv[2])), 1)
print(child.pid, flush=True)
if sys.argv[3] == "wait":
    signal.pause()
sys.stdin.readline()
print(asyncio.run(spawner.kill_all()), flush=True)
"""


def supervising(tmp_path, script, then):
    process = subprocess.Popen(
        [sys.executable, "-c", SUPERVISES, str(tmp_path), script, then],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_when_all_is_killed_even_what_hides_from_every_search_is_gone(tmp_path):
    hides = "(env -i setsid setsid sleep 66 &) ; exec sleep 67"
    process, _ = supervising(tmp_path, hides, "kill")
    for _ in range(2000):
        below = {p for p in tree.below([process.pid], tree.table()) if b"sleep" in command(p)}
        if len(below) == 2:
            break
        sleep(0.01)

    said, _ = process.communicate("\n")

    assert len(below) == 2
    assert said == "2\n"
    assert not {p for p in below if (found := tree.read(p)) and not found.ended}


def command(pid):
    """Return the name of the program that `pid` runs now; none where it is gone."""
    return tree.content(f"/proc/{pid}/comm") or b""


def test_bound_to_us_a_platform_dies_when_we_do(tmp_path):
    process, pid = supervising(tmp_path, "exec sleep 68", "wait")
    ticks = tree.read(pid).start_ticks

    process.kill()
    died_ns = monotonic_ns()
    while tree.alive(pid, ticks) and monotonic_ns() - died_ns < 20e9:
        sleep(0.001)

    process.communicate()
    assert not tree.alive(pid, ticks)

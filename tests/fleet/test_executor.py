import asyncio
import errno
import signal
import sys

import pytest

from flotilla.clock import sleep
from flotilla.fleet import executor
from flotilla.fleet.executor import Executor
from flotilla.fleet.folder import Folder
from flotilla.fleet.rules.states import (
    Alert,
    Drain,
    Exited,
    Kill,
    Spawn,
    Spawned,
    SpawnFailed,
    Sweep,
    Terminate,
)
from flotilla.fleet.spec import DrainWay as Draining
from flotilla.fleet.spec import Platform
from flotilla.fleet.system import logs, tree
from flotilla.fleet.system.spawn import Spawner

SLEEPS = "import time; time.sleep(1000)"
LEAVES = "import os, time; os.fork() or time.sleep(1000)"
SETTLES = """
import signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
print('up', flush=True)
time.sleep(1000)
"""
SETTLES_LATE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), sys.exit(7)))
print('up', flush=True)
time.sleep(1000)
"""


def platform(code, **more):
    return Platform((sys.executable, "-I", "-S", "-c", code), **more)


def acted(tmp_path, platforms, *steps):
    """Carry out steps: instructions, or functions of what was told so far that wait; return what was told."""

    async def run():
        folder = Folder(tmp_path / "run").make()
        spawner = Spawner(folder)
        told = []
        hands = Executor(spawner, platforms.get, told.append, told.append, folder.log)
        for step in steps:
            if callable(step):
                for _ in range(1000):
                    if step(told, folder):
                        break
                    await asyncio.sleep(0.005)
                else:
                    pytest.fail(f"it is not so: {told}")
            else:
                hands.do(step)
        await hands.settled()
        await spawner.kill_all()
        return told

    return asyncio.run(run())


def came(kind, count=1):
    return lambda told, folder: sum(isinstance(event, kind) for event in told) == count


def test_one_is_started_watched_and_buried(tmp_path):
    told = acted(tmp_path, {"a": platform("raise SystemExit(5)")}, Spawn("a", 1), came(Exited))

    assert [type(event) for event in told] == [Spawned, Exited]
    assert told[1].code == 5
    log = (tmp_path / "run" / "logs" / "a.log").read_text().splitlines()
    assert log[0] == "-- starting: generation 1"
    assert log[-1].endswith("code 5")


def test_what_cannot_be_started_is_told_and_not_raised(tmp_path):
    (event,) = acted(tmp_path, {"a": Platform(("/no/such/command",))}, Spawn("a", 1))

    assert isinstance(event, SpawnFailed)
    assert "No such file" in event.reason
    assert (tmp_path / "run" / "logs" / "a.log").read_text().splitlines()[-1] == f"-- {event.reason}"


class Late(Spawner):
    """One that a process has already written its line to the log of, before it is known to be there."""

    def spawn(self, name, *given):
        child = super().spawn(name, *given)
        while b"up" not in self._folder.log(name).read_bytes():
            sleep(0.001)
        return child


def test_the_first_line_of_a_run_comes_after_ours_which_is_none_of_the_run(tmp_path):
    async def run():
        folder = Folder(tmp_path / "run").make()
        spawner, told = Late(folder), []
        up = platform("print('up', flush=True)")
        hands = Executor(spawner, {"a": up}.get, told.append, told.append, folder.log)
        hands.do(Spawn("a", 1))
        await spawner.kill_all()
        return folder.log("a").read_bytes(), hands.begins["a"]

    log, begins = asyncio.run(run())

    assert log.splitlines()[:2] == [b"-- starting: generation 1", b"up"]
    assert log[begins:].splitlines()[0] == b"up"


@pytest.mark.parametrize(("order", "code"), [(Terminate("a"), -15), (Kill("a"), -9)])
def test_it_is_ended_as_ordered(tmp_path, order, code):
    told = acted(tmp_path, {"a": platform(SLEEPS)}, Spawn("a", 1), order, came(Exited))

    assert told[-1].code == code


def test_a_drain_may_be_a_signal(tmp_path):
    platforms = {"a": platform(SETTLES, drain=Draining("USR1"))}
    ready = lambda told, folder: "up" in folder.log("a").read_text()  # noqa: E731

    told = acted(tmp_path, platforms, Spawn("a", 1), ready, Drain("a"), came(Exited))

    assert told[-1].code == 7


def test_the_next_one_waits_until_what_the_last_one_left_is_gone(tmp_path):
    platforms = {"a": platform(LEAVES)}

    told = acted(
        tmp_path,
        platforms,
        Spawn("a", 1),
        came(Exited),
        Sweep("a"),
        Spawn("a", 1),
        came(Exited, 2),
        Sweep("a"),
    )

    assert [type(event) for event in told] == [Spawned, Exited, Spawned, Exited]


def test_one_that_comes_back_waits_until_the_former_one_has_left_and_lives(tmp_path):
    """Its file had it no more, and has it again before what was found running of it has settled."""

    async def run():
        folder = Folder(tmp_path / "run").make()
        spawner, told = Spawner(folder), []
        platforms = {"a": platform(SETTLES_LATE)}
        former = spawner.spawn("a", platforms["a"], 1)
        while b"up" not in folder.log("a").read_bytes():
            await asyncio.sleep(0.005)
        hands = Executor(spawner, platforms.get, told.append, told.append, folder.log)
        hands.retire(former)
        hands.do(Spawn("a", 2))
        await asyncio.sleep(0.1)
        early = list(told)
        while not told:
            await asyncio.sleep(0.005)
        alive = tree.alive(former.pid, former.start_ticks)
        await hands.settled()
        after = list(told), "a" in hands.children
        await spawner.kill_all()
        return early, alive, after

    early, alive, (told, there) = asyncio.run(run())

    assert (early, alive) == ([], False)
    assert ([type(event) for event in told], there) == ([Spawned], True)


def test_one_that_may_not_be_signalled_is_a_matter_for_a_person_and_no_mistake(tmp_path, monkeypatch):
    """It became another user's; only root may signal it, who runs this test."""

    def refuse(pidfd, what):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    def forbid(told, folder):
        monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
        return True

    def allow(told, folder):
        monkeypatch.undo()
        return True

    told = acted(tmp_path, {"a": platform(SLEEPS)}, Spawn("a", 1), forbid, Terminate("a"), allow)

    assert [type(event) for event in told[:2]] == [Spawned, Alert]
    assert "runs as another user than we do" in told[1].text


def test_a_log_that_takes_no_line_hides_neither_birth_nor_death(tmp_path, monkeypatch):
    def full(path, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(logs, "mark", full)

    told = acted(tmp_path, {"a": platform("raise SystemExit(5)")}, Spawn("a", 1), came(Exited))

    assert [type(event) for event in told] == [Alert, Spawned, Alert, Exited]
    assert told[0].text == "its log cannot be written: No space left on device"


def test_what_waits_to_be_started_can_be_called_off(tmp_path, monkeypatch):
    monkeypatch.setattr(executor, "_APART_S", 0.5)  # more than it takes to order them all
    names = [f"p{n}" for n in range(30)]

    async def run():
        folder = Folder(tmp_path / "run").make()
        spawner = Spawner(folder)
        told = []
        platforms = {name: platform(SLEEPS) for name in names}
        hands = Executor(spawner, platforms.get, told.append, told.append, folder.log)
        for name in names:
            hands.do(Spawn(name, 1))
        first = set(hands.children)
        hands.do(Kill("p0"))
        hands.do(Spawn("p0", 1))  # waits until the first one is gone
        hands.call_off()
        hands.do(Spawn("p29", 2))
        await hands.settled()
        while "p29" not in hands.children:
            await asyncio.sleep(0.005)
        await asyncio.sleep(1.0)
        left = {child.name: child.generation for child in hands.children.values()}
        await spawner.kill_all()
        return first, left

    first, left = asyncio.run(asyncio.wait_for(run(), 60))

    assert "p0" in first
    assert "p29" not in first
    assert left == dict.fromkeys(first - {"p0"}, 1) | {"p29": 2}

"""A supervisor learns of its guard's death, and does not wait for a dead one."""

import asyncio
import subprocess

import pytest

from flotilla.clock import monotonic_ns
from flotilla.fleet.system import guard_watch


@pytest.fixture
def guard(monkeypatch):
    guard = subprocess.Popen(["sleep", "60"])
    monkeypatch.setenv("FLOTILLA_GUARD", str(guard.pid))
    yield guard
    guard.kill()
    guard.wait()


async def lost(then, within_s=20.0):
    """Watch, do `then`, and return whether the guard is known to be lost within a while."""
    known = asyncio.Event()
    guard_watch.watch(known.set)
    then()
    try:
        await asyncio.wait_for(known.wait(), within_s)
    except TimeoutError:
        return False
    return True


def test_its_death_is_known(guard):
    assert asyncio.run(lost(guard.kill))


def test_while_it_lives_nothing_is_said(guard):
    assert not asyncio.run(lost(lambda: None, within_s=0.2))


def test_one_that_is_gone_already_is_known_at_once(guard):
    guard.kill()
    guard.wait()

    assert asyncio.run(lost(lambda: None))


def test_where_there_is_none_none_is_lost(monkeypatch):
    monkeypatch.delenv("FLOTILLA_GUARD", raising=False)

    assert not asyncio.run(lost(lambda: None, within_s=0.2))


def test_nobody_waits_for_a_guard_that_does_not_listen(monkeypatch, tmp_path):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "none"))
    began_ns = monotonic_ns()

    guard_watch.ready()

    assert monotonic_ns() - began_ns < 1e9

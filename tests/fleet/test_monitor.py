import asyncio
import os
from itertools import zip_longest
from pathlib import Path

from flotilla.clock import monotonic_ns
from flotilla.fleet.monitor import Meter, Monitor
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import Over, Probed, Readied, State
from flotilla.fleet.spec import Health, Platform, Resources


async def until(enough):
    end_ns = monotonic_ns() + 20_000_000_000
    while not enough() and monotonic_ns() < end_ns:
        await asyncio.sleep(0.01)


def told_by(life, log=(Path(os.devnull), 0), count=0, seconds=0.3):
    """Return what is told while a life, or that of a port, is followed: until it is so much, and on."""

    async def run():
        told = []
        server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        one = life(port) if callable(life) else life
        senses = Monitor(told.append, lambda name: log)
        senses.follow(one)
        senses.follow(one)
        await until(lambda: len(told) >= count)
        await asyncio.sleep(seconds)
        senses.forget("a")
        before = len(told)
        await asyncio.sleep(0.1)
        assert len(told) == before
        server.close()
        return told

    return asyncio.run(run())


def test_one_that_starts_is_asked_until_it_is_ready(tmp_path):
    def starting(port):
        return Life("a", Platform(("x",), ready=f"tcp:127.0.0.1:{port}"), State.STARTING, pid=7)

    assert told_by(starting, count=1) == [Readied("a")]


def test_a_line_counts_only_in_this_runs_part_of_the_log(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("up and running\n")
    starting = Life("a", Platform(("x",), ready="line:up and running"), State.STARTING, pid=7)

    assert told_by(starting, (log, 15)) == []
    assert told_by(starting, (log, 0), count=1) == [Readied("a")]


def test_one_that_serves_is_probed_at_its_own_pace():
    def serving(port):
        health = Health(probe=f"tcp:127.0.0.1:{port}")
        return Life("a", Platform(("x",), health=health, health_check_interval=0.1), State.READY, pid=7)

    told = told_by(serving, count=2)

    assert len(told) >= 2
    assert all(isinstance(event, Probed) and event.ok for event in told)


def follow_one_after_the_other(*lives, counts=(), seconds=0.35):
    """Return what is told of each of the lives of one platform: for a while, and until it is so much."""

    async def run():
        told, parts = [], []
        monitor = Monitor(told.append, lambda name: (Path(os.devnull), 0))
        for life, count in zip_longest(lives, counts, fillvalue=0):
            monitor.follow(life)
            await asyncio.sleep(seconds)
            await until(lambda count=count: len(told) >= count)
            parts.append(list(told))
            told.clear()
        monitor.forget("a")
        return parts

    return asyncio.run(run())


def probed_every(seconds, probe="tcp:127.0.0.1:1"):
    health = None if probe is None else Health(probe=probe, timeout=5.0)
    return Life("a", Platform(("x",), health=health, health_check_interval=seconds), State.READY, pid=7)


def test_a_new_interval_and_a_new_probe_are_taken_up_while_it_runs():
    rare, often, other, none = follow_one_after_the_other(
        probed_every(60.0),
        probed_every(0.1),
        probed_every(0.1, "unix:/nowhere/at/all.sock"),
        probed_every(0.1, None),
        counts=(0, 2, 2, 0),
    )

    assert rare == []
    assert len(often) >= 2
    assert len(other) >= 2
    assert {event.what for event in often}.isdisjoint(event.what for event in other)
    assert none == []


def test_a_new_way_to_be_ready_is_taken_up_while_it_starts(tmp_path):
    def starting(ready):
        return Life("a", Platform(("x",), ready=ready), State.STARTING, pid=7)

    assert follow_one_after_the_other(
        starting("notify"), starting("line:never"), starting("notify"), seconds=0.1
    ) == [[], [], []]

    async def run():
        log, told = tmp_path / "a.log", []
        log.write_text("open\n")
        monitor = Monitor(told.append, lambda name: (log, 0))
        monitor.follow(starting("line:shut"))
        monitor.follow(starting("line:open"))
        await until(lambda: told)
        return told

    assert asyncio.run(run()) == [Readied("a")]


def test_one_that_says_by_itself_how_it_is_is_not_asked():
    assert told_by(Life("a", Platform(("x",)), State.STARTING, pid=7), seconds=0.1) == []
    assert told_by(Life("a", Platform(("x",)), State.READY, pid=7), seconds=0.1) == []


def test_who_uses_too_much_is_told_at_the_second_look():
    told, notes = [], []
    meter = Meter("/nowhere", told.append, notes.append)
    life = Life(
        "a", Platform(("x",), required_resources=Resources(memory_mb=1.0)), State.READY, pid=os.getpid()
    )

    meter.look({"a": life})
    assert told == []
    meter.look({"a": life})

    assert [type(event) for event in told] == [Over]
    assert notes[0].kind == "resource"
    assert meter.latest["a"].memory_mb > 1.0

import asyncio

from msgspec.structs import replace

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.hosts.heartbeats import Heartbeats
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import State
from flotilla.fleet.spec import Health, Platform

PLATFORM = Platform(("x",), health=Health(heartbeat_s=0.04))  # silent after 0.1 s


def beating(name):
    return Life(name, PLATFORM, State.READY, pid=1, beat_ns=monotonic_ns())


def watched(during, hear=lambda lives: None, **lives):
    """Return what was told while `during` ran, with the lives and what is told of them."""

    async def all_of_it():
        told = []
        silence = Heartbeats(lives, lambda: hear(lives), lambda name, silent_s: told.append((name, silent_s)))
        silence.watch()
        await during(lives, told)
        silence.close()
        await asyncio.sleep(0.15)
        return told

    return asyncio.run(all_of_it())


def test_one_that_is_silent_is_told_of_and_one_that_beats_is_not():
    def hear(lives):  # it has beaten, whenever that is asked
        lives["loud"] = replace(lives["loud"], beat_ns=monotonic_ns())

    async def during(lives, told):
        end_ns = monotonic_ns() + 20_000_000_000
        while not told and monotonic_ns() < end_ns:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)

    told = watched(during, hear, quiet=beating("quiet"), loud=beating("loud"))

    assert {name for name, _ in told} == {"quiet"}
    assert told[0][1] >= 0.1


def test_when_we_stood_still_ourselves_nobody_was_silent():
    async def during(lives, told):
        before = lives["quiet"].beat_ns
        sleep(0.5)  # the whole process
        while lives["quiet"].beat_ns == before and not told:
            await asyncio.sleep(0.01)

    assert watched(during, quiet=beating("quiet")) == []


def test_one_without_a_heartbeat_or_not_ready_is_not_waited_for():
    async def during(lives, told):
        await asyncio.sleep(0.3)

    begun = Life("begun", PLATFORM, State.STARTING, pid=1)
    plain = Life("plain", Platform(("x",)), State.READY, pid=1, beat_ns=1)

    assert watched(during, begun=begun, plain=plain) == []

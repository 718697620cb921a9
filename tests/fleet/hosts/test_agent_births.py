"""There are never two of one platform, whoever orders it, and whoever dies."""

import asyncio
import json
import signal

import pytest
from tests.fleet.made_agent import Head, begun, run, running

from flotilla.fleet import spec
from flotilla.fleet.hosts.wire import (
    Do,
    Done,
    Ping,
    Pong,
    Told,
    digest,
    encoded,
)
from flotilla.stream.files import write_whole

MANY = [f"p{n}" for n in range(60)]


@pytest.fixture
def crowded(site):
    """Return a site with so many that some wait to be started while others are."""
    raw = json.loads(site.file.read_text())
    one = {"command": ["sleep", "600"], "host": "b", "ready": "started"}
    raw["platforms"] = dict.fromkeys(MANY, one)
    site.file.write_text(json.dumps(raw))
    write_whole(site.folder.fleet_file, spec.fleet_to_yaml(spec.read_fleet(site.file)).encode())
    site.start()
    return site


def all_ordered(site, head, generation):
    """Order all of them to start."""
    charge = digest(spec.read_fleet(site.file).platforms["p0"])
    for n, name in enumerate(MANY, 1):
        head.writer.write(encoded(Do(n, generation, "spawn", name, f"{generation}.{n}", charge)))


async def done(head, n):
    while (await head.hear(None, Done)).n < n:
        continue


def test_what_an_older_head_ordered_and_waits_to_start_does_not_start_beside_what_a_newer_orders(crowded):
    async def told():
        old, _ = await Head.at(crowded)
        all_ordered(crowded, old, 1)
        await done(old, 60)
        new, welcome = await Head.at(crowded, generation=2, token="b" * 16)
        all_ordered(crowded, new, 2)
        await done(new, 60)
        pids = {name: one.pid for name, one in welcome.running.items()}
        refused = {one.name for one in new.seen if isinstance(one, Told) and one.what == "spawnfailed"}
        pids |= {one.name: one.pid for one in new.seen if isinstance(one, Told) and one.what == "spawned"}
        while len(pids) < 60:
            spawned = await new.hear("spawned")
            assert spawned.name not in pids
            pids[spawned.name] = spawned.pid
        new.writer.write(encoded(Ping()))
        await new.hear(None, Pong)
        new.leave()
        return welcome, refused, pids

    welcome, refused, pids = run(told())

    assert refused == set(welcome.running)
    assert sorted(running(crowded)) == sorted(pids.values())
    assert welcome.waiting == {}


def test_a_head_that_comes_again_hears_of_what_waits_to_start_and_how_it_went(crowded):
    async def told():
        head, welcome = await Head.at(crowded)
        all_ordered(crowded, head, 1)
        await done(head, 60)
        head.leave()
        again, known = await Head.at(crowded, epoch=welcome.epoch)
        waited = {}
        while len(known.running) + len(waited) < 60:
            spawned = await again.hear("spawned")
            waited[spawned.name] = spawned.run
        again.leave()
        return known, waited

    known, waited = run(told())

    assert set(known.running) | set(known.waiting) == set(MANY)
    assert waited == known.waiting
    assert len(running(crowded)) == 60


def test_an_agent_that_ends_starts_nothing_more(crowded):
    async def told():
        head, _ = await Head.at(crowded)
        all_ordered(crowded, head, 1)
        await done(head, 60)
        head.leave()

    run(told())

    assert crowded.end() == 0
    assert running(crowded) == []


def test_there_are_never_two_of_one(site):
    async def told():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("spawned")
        head.do("spawn", run="1.2", digest=site.digest)
        refused = await head.hear("spawnfailed")
        head.do("kill", run="0.9")  # of a run that is not there
        await head.hear(None, Done)
        head.leave()
        return spawned, refused

    site.start()
    spawned, refused = run(told())

    assert "never two" in refused.text
    assert running(site) == [spawned.pid]


def test_one_whose_agent_died_before_it_could_write_it_down_is_not_started_twice(site):
    async def ordered():
        head, welcome = await Head.at(site)
        head.do("spawn", n=1, digest=site.digest)
        spawned = await head.hear("spawned")
        await asyncio.sleep(0.3)
        head.do("terminate", n=2)
        exited = await head.hear("exited")
        head.leave()
        return welcome, spawned, exited

    site.start()
    run(begun(site))
    site.end(signal.SIGKILL)
    (pid,) = running(site)
    book = json.loads((site.folder.path / "agent.json").read_text())
    write_whole(
        site.folder.path / "agent.json", json.dumps(book | {"done": 0, "runs": {}, "told": []}).encode()
    )
    site.start()
    welcome, spawned, exited = run(ordered())

    assert welcome.running["feed"].pid == spawned.pid == pid
    assert (spawned.run, exited.run) == ("1.1", "1.1")

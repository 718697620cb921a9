"""What an agent does, and what it tells of it."""

import asyncio
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from tests.fleet.made_agent import Head, Site, running

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ConfigError
from flotilla.fleet import spec
from flotilla.fleet.control.client import Client
from flotilla.fleet.control.status import health
from flotilla.fleet.folder import write_whole
from flotilla.fleet.history.events import EventReader
from flotilla.fleet.hosts.agent import Agent
from flotilla.fleet.hosts.wire import (
    Do,
    Done,
    Got,
    Ping,
    Pong,
    Refused,
    Samples,
    Seen,
    Told,
    digest,
    encoded,
)
from flotilla.fleet.rules.states import Readied
from flotilla.fleet.system import logs
from flotilla.fleet.system.guard import LEFT
from flotilla.fleet.system.notify_socket import NotifySocket


@contextmanager
def ended(site):
    try:
        yield site
    finally:
        if site.process is not None and site.process.poll() is None:
            site.process.kill()
            site.process.wait(10)
        for pid in running(site):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def site(tmp_path):
    with ended(Site(tmp_path)) as made:
        yield made


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))


def test_a_platform_lives_and_dies_as_ordered_and_all_of_it_is_told(site):
    async def told():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned, readied = await head.hear("spawned"), await head.hear("readied")
        samples = await head.hear(None, Samples)
        status = Client(site.folder.socket("control"), "test").status()
        head.do("terminate")
        exited = await head.hear("exited")
        head.leave()
        return spawned, readied, samples, status, exited

    site.start()
    spawned, readied, samples, status, exited = run(told())

    assert (spawned.seq, readied.seq, exited.seq) == (1, 2, 3)
    assert exited.code == -signal.SIGTERM
    assert samples.samples["feed"].memory_mb > 1
    assert status.name == "two@b"
    assert [(p.name, p.state, p.pid) for p in status.platforms] == [("feed", "ready", spawned.pid)]
    assert running(site) == []
    assert "begun" in site.folder.log("feed").read_text()
    assert site.end() == 0


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


def test_what_runs_is_what_the_hosts_own_file_says_and_the_file_is_read_again(site):
    async def told():
        theirs = site.digest
        site.write(env={"MORE": "1"})
        ours = site.digest
        site.write()
        head, _ = await Head.at(site)
        head.do("spawn", digest=ours)
        refused = await head.hear("spawnfailed")
        site.write(env={"MORE": "1"})  # the operator copies the head's file
        head.do("spawn", run="1.2", digest=ours)
        spawned = await head.hear("spawned")
        head.leave()
        return theirs, ours, refused, spawned

    site.start()
    theirs, ours, refused, spawned = run(told())

    assert theirs != ours
    assert "something else" in refused.text
    assert b"MORE=1" in Path(f"/proc/{spawned.pid}/environ").read_bytes().split(b"\0")


def test_an_agent_that_is_killed_is_followed_by_one_that_goes_on(site):
    async def before():
        head, welcome = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("spawned")
        readied = await head.hear("readied")
        head.writer.write(encoded(Got(spawned.seq)) + encoded(Ping()))
        await head.hear(None, Pong)
        head.leave()
        return welcome.epoch, spawned, readied

    async def after(epoch, got):
        head, welcome = await Head.at(site, epoch=epoch, got=got)
        head.do("spawn", n=1, digest=site.digest)  # sent again: nobody had said that it was done
        head.do("terminate", n=2)
        exited = await head.hear("exited")
        head.leave()
        return welcome, exited

    site.start()
    epoch, spawned, readied = run(before())
    site.end(signal.SIGKILL)
    assert running(site) == [spawned.pid]
    site.start()
    assert running(site) == [spawned.pid]
    welcome, exited = run(after(epoch, spawned.seq))

    assert (welcome.epoch, welcome.done) == (epoch, 1)
    assert welcome.told == (readied,)
    assert welcome.running["feed"].pid == spawned.pid
    assert (exited.run, exited.seq) == ("1.1", 3)


def test_what_ended_while_no_agent_was_there_is_told_by_the_next(site):
    async def begin():
        head, welcome = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("spawned")
        head.leave()
        return welcome.epoch, spawned

    async def again(epoch, got):
        head, welcome = await Head.at(site, epoch=epoch, got=got)
        head.leave()
        return welcome

    site.start()
    epoch, spawned = run(begin())
    site.end(signal.SIGKILL)
    os.kill(spawned.pid, signal.SIGKILL)
    site.start()
    welcome = run(again(epoch, spawned.seq))

    assert welcome.running == {}
    assert [(told.what, told.run, told.code) for told in welcome.told if told.what == "exited"] == [
        ("exited", "1.1", None)
    ]


def test_one_that_dies_while_no_head_is_there_is_not_started_again(site):
    async def begin():
        head, welcome = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("readied")
        head.leave()
        return welcome.epoch, spawned

    async def again(epoch, got):
        head, welcome = await Head.at(site, epoch=epoch, got=got)
        head.leave()
        return welcome

    site.start()
    epoch, readied = run(begin())
    (pid,) = running(site)
    os.kill(pid, signal.SIGKILL)
    sleep(0.5)
    welcome = run(again(epoch, readied.seq))

    assert running(site) == []
    assert [(told.what, told.code) for told in welcome.told] == [("exited", -9)]


def test_a_silent_one_is_told_of_and_killed_by_the_head_alone(site):
    async def told():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("spawned")
        await head.hear("readied")
        await asyncio.sleep(0.2)
        os.kill(spawned.pid, signal.SIGSTOP)
        stopped = monotonic_ns()
        hung = await head.hear("hung", Seen)
        took = (monotonic_ns() - stopped) / 1e9
        head.writer.write(encoded(Ping()))
        await head.hear(None, Pong)
        alive = running(site)
        head.do("kill")
        exited = await head.hear("exited")
        head.leave()
        return hung, took, alive, exited

    site.start()
    hung, took, alive, exited = run(told())

    assert hung.figure >= 0.5
    assert took < 2.0
    assert len(alive) == 1
    assert exited.code == -9


def test_one_that_is_ready_by_having_started_is_silent_too_when_it_hangs(site):
    async def told():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("spawned")
        os.kill(spawned.pid, signal.SIGSTOP)
        hung = await head.hear("hung", Seen)
        head.leave()
        return hung

    site.write(ready="started")
    site.start()

    assert run(told()).figure >= 0.5


def test_what_a_head_sets_anew_is_so_and_outlives_the_agent(site):
    async def begin():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest, log_level="DEBUG", health_check_interval=0.1)
        spawned = await head.hear("spawned")
        await head.hear("probed", Seen)
        head.leave()
        return spawned

    async def again():
        head, _ = await Head.at(site)
        probed = await head.hear("probed", Seen)
        head.leave()
        return probed

    health = {"heartbeat_s": 0.2, "probe": f"tcp:127.0.0.1:{site.port}"}
    site.write(health=health, health_check_interval=3600.0, log={"level": "ERROR"})
    site.start()
    spawned = run(begin())
    environ = Path(f"/proc/{spawned.pid}/environ").read_bytes().split(b"\0")
    site.end(signal.SIGKILL)
    site.start()

    assert run(again()).run == spawned.run
    assert b"FLOTILLA_LOG_LEVEL=DEBUG" in environ


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""


def test_an_agent_that_stops_what_is_slow_to_stop_beats_until_the_end(site):
    async def begin():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        await head.hear("readied")
        head.leave()

    site.write(command=[sys.executable, "-c", STUBBORN], ready="line:deaf", shutdown_timeout=3.0)
    guard = NotifySocket(site.path / "guard.sock")
    site.start(env={"NOTIFY_SOCKET": str(guard.path)})
    run(begin())
    site.process.send_signal(signal.SIGTERM)
    said = []
    end_ns = monotonic_ns() + 60 * 10**9
    while site.process.poll() is None and monotonic_ns() < end_ns:
        said += [key for heard in guard.hear() for key in heard.said]
        sleep(0.02)
    said += [key for heard in guard.hear() for key in heard.said]
    guard.close()

    assert site.process.wait(0) == 0
    assert said[said.index("STOPPING") :].count("WATCHDOG") >= 3


def test_an_agent_that_is_told_to_end_stops_what_runs_and_another_cannot_be_beside_it(site):
    async def begin():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        await head.hear("readied")
        head.leave()

    site.start()
    run(begin())
    planned = Client(site.folder.socket("control"), "test").ask("plan", data={"of": "down"})
    second = subprocess.run(
        [sys.executable, "-m", "flotilla.fleet.hosts.agent", str(site.folder.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    code = site.end()

    assert planned == {"order": [["feed"]]}
    assert second.returncode == 1
    assert "supervised by" in second.stderr
    assert code == 0
    assert running(site) == []


def test_on_the_host_it_answers_how_it_is_and_to_an_end_and_to_nothing_else(site):
    site.start()
    client = Client(site.folder.socket("control"), "test")

    assert health(client.status()) == "healthy"
    assert client.ask("plan", data={"of": "down"}) == {"order": []}
    with pytest.raises(ConfigError, match="ask the head"):
        client.ask("start", ["feed"])
    client.ask("down")

    assert site.process.wait(20) == 0


def test_its_control_socket_is_put_back_where_somebody_removed_it(site):
    site.start()
    control = site.folder.socket("control")
    control.unlink()
    end_ns = monotonic_ns() + 10 * 10**9
    while not control.exists() and monotonic_ns() < end_ns:
        sleep(0.02)

    assert health(Client(control, "test").status()) == "healthy"


def test_one_whose_run_folder_is_taken_away_ends_alone(site):
    async def begin():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("spawned")
        head.leave()
        return spawned

    site.start()
    spawned = run(begin())
    shutil.rmtree(site.folder.path)

    assert site.process.wait(20) == LEFT
    assert "was taken away" in (site.path / "agent.log").read_text()
    os.kill(spawned.pid, signal.SIGKILL)  # it was still there


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

    async def begin():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        spawned = await head.hear("readied")
        head.leave()
        return spawned

    site.start()
    run(begin())
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


def test_one_that_the_file_has_no_more_of_runs_on_until_it_is_told_to_stop(site):
    async def told():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        await head.hear("readied")
        raw = json.loads(site.file.read_text())
        raw["platforms"] = {"other": raw["platforms"]["feed"]}
        site.file.write_text(json.dumps(raw))
        head.writer.write(encoded(Do(2, 1, "spawn", "other", "1.2", "no digest")))
        head.n = 2
        await head.hear("spawnfailed")
        await asyncio.sleep(0.5)
        alive = running(site)
        head.do("terminate")
        exited = await head.hear("exited")
        head.leave()
        return alive, exited

    site.start()
    alive, exited = run(told())

    assert len(alive) == 1
    assert (exited.name, exited.code) == ("feed", -signal.SIGTERM)


def test_what_an_agent_says_last_is_heard_by_the_next_head_and_keeps_no_agent_from_beginning(site):
    async def begin():
        head, _ = await Head.at(site, generation=5)
        head.do("spawn", generation=5, digest=site.digest)
        spawned = await head.hear("readied")
        head.leave()
        return spawned

    async def again():
        head, welcome = await Head.at(site, generation=6, token="b" * 16)
        head.leave()
        return welcome

    site.start(env={"FLOTILLA_GUARD": "999999999", "FLOTILLA_KEPT": "1"}, wait=False)
    assert site.process.wait(20) == 75
    site.start()
    run(begin())
    site.end(signal.SIGKILL)
    site.start()
    welcome = run(again())

    assert [one.what for one in welcome.told] == ["alert"]
    assert "the guard is gone" in welcome.told[0].text
    assert list(welcome.running) == ["feed"]


def test_one_whose_memory_is_damaged_says_so_and_obeys_no_older_head(site):
    async def begin():
        head, _ = await Head.at(site, generation=5)
        head.do("spawn", generation=5, digest=site.digest)
        spawned = await head.hear("readied")
        head.leave()
        return spawned

    async def again():
        older, refused = await Head.at(site, generation=4, token="b" * 16)
        older.leave()
        head, welcome = await Head.at(site, generation=5)
        head.leave()
        return refused, welcome

    site.start()
    run(begin())
    site.end(signal.SIGKILL)
    (pid,) = running(site)
    (site.folder.path / "agent.json").write_bytes(b"{")
    site.start()
    refused, welcome = run(again())

    assert isinstance(refused, Refused)
    assert welcome.running["feed"].pid == pid
    assert ["damaged" in one.text for one in welcome.told] == [True]


TALKS = """
import time
from flotilla import notify
notify.ready()
notify.status("warming up")
print("x" * 30_000, flush=True)
time.sleep(600)
"""


def until(is_so):
    """Return what is true at last."""
    end_ns = monotonic_ns() + 20 * 10**9
    while not (found := is_so()):
        assert monotonic_ns() < end_ns
        sleep(0.02)
    return found


def test_what_a_platform_says_of_itself_is_noted_and_its_log_is_rotated(site):
    async def begin():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        await head.hear("readied")
        head.leave()

    def noted():
        with closing(EventReader(site.folder.events)) as events:
            return [(one.platform, one.text) for one in events.read(1, 1000) if one.kind == "status"]

    site.write(command=[sys.executable, "-c", TALKS], log={"rotate_mb": 0.01}, health=None)
    site.start()
    run(begin())

    assert until(noted) == [("feed", "warming up")]
    assert until(lambda: logs.segments_of(site.folder.log("feed")))


def test_an_agent_whose_guard_is_gone_comes_up(site):
    site.start(env={"NOTIFY_SOCKET": str(site.path / "gone.sock")})

    assert Client(site.folder.socket("control"), "test").ask("health")["status"] == "healthy"
    assert site.end() == 0


def within(site, during):
    """Run an agent in this process, and `during` beside it; return what that returns."""

    async def both():
        agent = Agent(site.folder)
        work = asyncio.create_task(agent.run())
        while not site.folder.socket("control").exists():
            await asyncio.sleep(0.01)
        head, _ = await Head.at(site)
        try:
            head.do("spawn", digest=site.digest)
            return await during(agent, head, (await head.hear("spawned")).pid)
        finally:
            head.leave()
            os.kill(os.getpid(), signal.SIGTERM)
            await work

    return run(both())


def test_what_a_dead_one_left_behind_is_not_ready_for_it(site):
    async def during(agent, head, pid):
        await head.hear("readied")
        os.kill(pid, signal.SIGKILL)
        exited = await head.hear("exited")
        agent.tell(Readied("feed"))
        head.writer.write(encoded(Ping()))
        await head.hear(None, Pong)
        return exited, [one.what for one in head.seen if isinstance(one, Told)]

    exited, others = within(site, during)

    assert exited.code == -signal.SIGKILL
    assert others == []


def test_an_agent_that_cannot_look_about_looks_again(site, monkeypatch):
    async def during(agent, head, _pid):
        looked = agent._meter.look

        def unable(lives):
            monkeypatch.setattr(agent._meter, "look", looked)
            raise OSError(errno.EMFILE, "Too many open files")

        monkeypatch.setattr(agent._meter, "look", unable)
        alert = await head.hear("alert")
        await head.hear(None, Samples)
        return alert

    assert "Too many open files" in within(site, during).text


MANY = [f"p{n}" for n in range(60)]


@pytest.fixture
def crowded(site):
    """Return a site with so many that some wait to be started while others are."""
    raw = json.loads(site.file.read_text())
    one = {"command": ["sleep", "600"], "host": "b", "ready": "started"}
    raw["platforms"] = dict.fromkeys(MANY, one)
    site.file.write_text(json.dumps(raw))
    write_whole(site.folder.fleet_file, spec.to_yaml(spec.read(site.file)).encode())
    site.start()
    return site


def all_ordered(site, head, generation):
    """Order all of them to start."""
    charge = digest(spec.read(site.file).platforms["p0"])
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

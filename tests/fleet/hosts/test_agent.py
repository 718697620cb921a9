"""What an agent does, and what it tells of it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.fleet.made_agent import Head, begun, run, running, welcomed

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ConfigError
from flotilla.fleet.control.client import Client
from flotilla.fleet.control.status import health
from flotilla.fleet.history.events import EventReader
from flotilla.fleet.hosts.wire import (
    Do,
    Ping,
    Pong,
    Samples,
    Seen,
    encoded,
)
from flotilla.fleet.system import logs
from flotilla.fleet.system.notify_socket import NotifySocket


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


def test_one_that_dies_while_no_head_is_there_is_not_started_again(site):
    site.start()
    welcome, readied = run(begun(site))
    (pid,) = running(site)
    os.kill(pid, signal.SIGKILL)
    sleep(0.5)
    welcome = run(welcomed(site, epoch=welcome.epoch, got=readied.seq))

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
    site.write(command=[sys.executable, "-c", STUBBORN], ready="line:deaf", shutdown_timeout=3.0)
    guard = NotifySocket(site.path / "guard.sock")
    site.start(env={"NOTIFY_SOCKET": str(guard.path)})
    run(begun(site))
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
    site.start()
    run(begun(site))
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
    def noted():
        with closing(EventReader(site.folder.events)) as events:
            return [(one.platform, one.text) for one in events.read(1, 1000) if one.kind == "status"]

    site.write(command=[sys.executable, "-c", TALKS], log={"rotate_mb": 0.01}, health=None)
    site.start()
    run(begun(site))

    assert until(noted) == [("feed", "warming up")]
    assert until(lambda: logs.segments_of(site.folder.log("feed")))

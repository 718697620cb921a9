"""What becomes of an agent, and of what it runs, when something goes wrong beneath it."""

import asyncio
import errno
import json
import os
import shutil
import signal
from contextlib import suppress

from tests.fleet.made_agent import Head, begun, run, running, welcomed

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet import spec
from flotilla.fleet.control.client import Client, NoSupervisor
from flotilla.fleet.control.status import health
from flotilla.fleet.hosts.agent import Agent
from flotilla.fleet.hosts.wire import (
    Got,
    Ping,
    Pong,
    Refused,
    Samples,
    Seen,
    Told,
    encoded,
)
from flotilla.fleet.rules.states import Readied
from flotilla.fleet.system.guard import LEFT
from flotilla.stream.files import write_whole


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
    site.start()
    welcome, spawned = run(begun(site, "spawned"))
    site.end(signal.SIGKILL)
    os.kill(spawned.pid, signal.SIGKILL)
    site.start()
    welcome = run(welcomed(site, epoch=welcome.epoch, got=spawned.seq))

    assert welcome.running == {}
    assert [(told.what, told.run, told.code) for told in welcome.told if told.what == "exited"] == [
        ("exited", "1.1", None)
    ]


def test_one_whose_run_folder_is_taken_away_ends_alone(site):
    site.start()
    _, spawned = run(begun(site, "spawned"))
    while site.folder.path.exists():  # the agent may write into it meanwhile
        shutil.rmtree(site.folder.path, ignore_errors=True)

    assert site.process.wait(20) == LEFT
    assert "was taken away" in (site.path / "agent.log").read_text()
    os.kill(spawned.pid, signal.SIGKILL)  # it was still there


def test_what_an_agent_says_last_is_heard_by_the_next_head_and_keeps_no_agent_from_beginning(site):
    site.start(env={"FLOTILLA_GUARD": "999999999", "FLOTILLA_KEPT": "1"}, wait=False)
    assert site.process.wait(20) == 75
    site.start()
    run(begun(site, generation=5))
    site.end(signal.SIGKILL)
    site.start()
    welcome = run(welcomed(site, generation=6, token="b" * 16))

    assert [one.what for one in welcome.told] == ["alert"]
    assert "the guard is gone" in welcome.told[0].text
    assert list(welcome.running) == ["feed"]


def test_one_whose_memory_is_damaged_says_so_and_obeys_no_older_head(site):
    async def again():
        older, refused = await Head.at(site, generation=4, token="b" * 16)
        older.leave()
        head, welcome = await Head.at(site, generation=5)
        head.leave()
        return refused, welcome

    site.start()
    run(begun(site, generation=5))
    site.end(signal.SIGKILL)
    (pid,) = running(site)
    (site.folder.path / "agent.json").write_bytes(b"{")
    site.start()
    refused, welcome = run(again())

    assert isinstance(refused, Refused)
    assert welcome.running["feed"].pid == pid
    assert ["damaged" in one.text for one in welcome.told] == [True]


def test_an_agent_whose_guard_is_gone_comes_up(site):
    site.start(env={"NOTIFY_SOCKET": str(site.path / "gone.sock")})

    assert health(Client(site.folder.socket("control"), "test").status()) == "healthy"
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


def test_its_control_socket_is_put_back_where_somebody_removed_it(site):
    site.start()
    control = site.folder.socket("control")
    control.unlink()
    found, end_ns = None, monotonic_ns() + 20 * 10**9
    while found is None and monotonic_ns() < end_ns:
        sleep(0.02)
        with suppress(NoSupervisor):
            found = Client(control, "test").status()

    assert health(found) == "healthy"


def test_a_socket_that_somebody_removed_is_put_back_and_nobodys_silence_is_told_of(site):
    async def told():
        head, _ = await Head.at(site)
        head.do("spawn", digest=site.digest)
        await head.hear("readied")
        notify = site.folder.socket("notify")
        for _ in range(5):
            notify.unlink()
            while not notify.exists():
                await head.hear(None, Samples)
        for _ in range(5):  # a second: it is heard again
            await head.hear(None, Samples)
        head.leave()
        return [line for line in head.seen if isinstance(line, Seen)]

    site.start()

    assert run(told()) == []


def test_a_mistake_over_what_a_probe_found_is_told_of(site, monkeypatch):
    async def during(agent, head, _pid):
        def mistaken(event):
            raise ZeroDivisionError

        monkeypatch.setattr(agent, "_readied", mistaken)
        (site.path / "go").touch()
        return await head.hear("alert")

    script = "until test -e ../go; do sleep 0.01; done; echo up; sleep 600"
    site.write(command=["sh", "-c", script], ready="line:up")

    assert "ZeroDivisionError" in within(site, during).text


def test_what_runs_of_no_platform_any_more_is_ended_and_its_head_is_told(site):
    site.start()
    run(begun(site))
    site.end(signal.SIGKILL)
    raw = json.loads(site.file.read_text())
    raw["platforms"] = {"other": raw["platforms"]["feed"]}
    site.file.write_text(json.dumps(raw))
    write_whole(site.folder.fleet_file, spec.fleet_to_yaml(spec.read_fleet(site.file)).encode())
    site.start()
    end_ns = monotonic_ns() + 20 * 10**9
    while running(site) and monotonic_ns() < end_ns:
        sleep(0.02)

    assert running(site) == []
    told = run(welcomed(site, generation=2, token="b" * 16)).told
    assert [(one.what, one.name) for one in told] == [("alert", "")]

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress

import pytest

from flotilla.clock import monotonic_ns, now_ns
from flotilla.fleet import sidecars, spec
from flotilla.fleet.folder import Folder
from flotilla.fleet.sidecars import Sidecars
from flotilla.fleet.spec import Platform
from flotilla.fleet.system.spawn import Spawner

DAILY = {"command": ["x"], "schedule": {"calendar": "XNYS", "start": "09:00", "stop": "15:35"}}


class Pretend(Spawner):
    """Starts a small process in place of the one that was asked for."""

    def __init__(self, folder, code):
        super().__init__(folder)
        self.code, self.asked = code, []

    def spawn(self, name, platform, generation, *, env={}, fds=()):  # noqa: B006
        self.asked.append((name, platform.command[3:], tuple(fds)))
        return super().spawn(name, Platform((sys.executable, "-I", "-S", "-c", self.code)), generation)


def run(tmp_path, work, code="import time; time.sleep(1000)", **fleet):
    """Open attendants of a fleet, let `work` do something with them, and close them."""

    async def inner():
        folder = Folder(tmp_path / "run").make()
        spawner, notes = Pretend(folder, code), []
        raw = {"name": "desk", "platforms": {"a": {"command": ["x"]}}} | fleet
        them = Sidecars(spec.decode_fleet(raw), folder, spawner, 1, notes.append)
        them.open()
        try:
            await work(them, folder, spawner, notes)
        finally:
            await them.close()
            spawner.close()
            assert them.leaders == {}

    asyncio.run(inner())


async def until(seen):
    for _ in range(1000):
        if seen():
            return
        await asyncio.sleep(0.005)
    pytest.fail("it is not so")


def test_the_api_begins_at_the_first_knock_and_not_before(tmp_path):
    async def work(them, folder, spawner, notes):
        await asyncio.sleep(0.05)
        assert spawner.asked == []

        with socket.socket(socket.AF_UNIX) as knock:
            knock.connect(str(folder.socket("api")))
            await until(lambda: spawner.asked)

        ((name, command, fds),) = spawner.asked
        assert (name, command[0], command[-2:]) == ("_api", "flotilla.fleet.api", ("--fd", "3"))
        assert len(fds) == 1
        assert list(them.leaders.values()) == ["_api"]

    run(tmp_path, work)


def test_the_socket_of_the_api_is_put_back_where_somebody_removed_it(tmp_path):
    async def work(them, folder, spawner, notes):
        def knock():
            with socket.socket(socket.AF_UNIX) as knock:
                knock.connect(str(folder.socket("api")))

        knock()
        await until(lambda: them.leaders)
        (first,) = them.leaders

        folder.socket("api").unlink()
        them.look()

        await until(lambda: not them.leaders)  # it listened to a socket that nobody finds
        knock()
        await until(lambda: them.leaders)
        assert first not in them.leaders

    quits = "import signal, time; signal.signal(15, lambda *_: exit(0)); time.sleep(1000)"
    run(tmp_path, work, quits)


def test_a_port_that_is_taken_is_told_of_once_and_tried_again(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "_SOONEST_S", 0.02)

    async def work(them, folder, spawner, notes):
        await asyncio.sleep(0.1)
        assert [note.data["about"] for note in notes] == ["no API"]
        taken.close()

        async def there():
            while True:
                with suppress(OSError), socket.create_connection(where):
                    return
                await asyncio.sleep(0.01)

        await asyncio.wait_for(there(), 20)
        await until(lambda: them.leaders)
        assert len(notes) == 1

    with socket.create_server(("127.0.0.1", 0)) as taken:
        where = taken.getsockname()
        run(tmp_path, work, api={"listen": f"127.0.0.1:{where[1]}"})


def test_one_that_fails_is_started_later_and_later(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "_SOONEST_S", 0.02)

    async def work(them, folder, spawner, notes):
        await until(lambda: len(spawner.asked) == 4)
        assert {name for name, _, _ in spawner.asked} == {"_alerts"}
        assert len(notes) >= 3

    alerts = {"lists": [{"to": ["env:SLACK"]}]}
    run(tmp_path, work, "raise SystemExit(1)", monitoring={"alerts": alerts})


def test_one_that_fails_now_and_then_and_ran_well_in_between_is_started_soon(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "_SOONEST_S", 0.02)
    monkeypatch.setattr(sidecars, "_LATEST_S", 1000.0)
    monkeypatch.setattr(sidecars, "_WELL_S", 0.0)  # each time

    async def work(them, folder, spawner, notes):
        end_ns = monotonic_ns() + 60_000_000_000  # later and later, the fourteenth would be after 160 s
        while len(spawner.asked) < 14 and monotonic_ns() < end_ns:
            await asyncio.sleep(0.02)
        assert len(spawner.asked) >= 14

    alerts = {"monitoring": {"alerts": {"lists": [{"to": ["env:A"]}]}}}
    run(tmp_path, work, "raise SystemExit(1)", **alerts)


def test_times_are_asked_for_where_a_platform_has_a_schedule(tmp_path):
    async def work(them, folder, spawner, notes):
        ((name, command, _),) = spawner.asked
        assert (name, command) == (
            "_times",
            ("flotilla.fleet.schedule", str(folder.fleet_file), them.times_file),
        )
        assert them.times is None
        end = now_ns() + 10**16
        (folder.path / "schedule.jsonl").write_text(
            '{"platform":"a","start_ns":1,"stop_ns":2}\n'
            f'{{"platforms":["a"],"until_ns":{end},"short":{{}}}}\n'
        )
        them.read_times()
        assert them.times.windows["a"] == ((1, 2),)

    run(tmp_path, work, platforms={"a": DAILY})


def test_hours_that_cannot_be_had_are_an_alert_and_one_only(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "_SOONEST_S", 0.02)

    async def work(them, folder, spawner, notes):
        await until(lambda: len(spawner.asked) == 3)
        (alert,) = (note for note in notes if note.kind == "alert")
        assert alert.data["severity"] == "critical"

    run(tmp_path, work, "raise SystemExit(1)", platforms={"a": DAILY})


def test_a_file_that_changes_while_times_are_asked_for_has_them_asked_for_again(tmp_path):
    async def work(them, folder, spawner, notes):
        assert len(spawner.asked) == 1
        them.renew(spec.decode_fleet({"name": "desk", "platforms": {"a": DAILY, "b": DAILY}}))
        assert len(spawner.asked) == 1  # it is at work still, by the file as it was
        await until(lambda: len(spawner.asked) == 2)

        await until(lambda: not them.leaders)
        assert len(spawner.asked) == 2

    run(tmp_path, work, "import time; time.sleep(0.1)", platforms={"a": DAILY})


def test_the_alerts_are_there_for_as_long_as_the_file_has_them(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecars, "_SOONEST_S", 0.02)
    none = spec.decode_fleet({"name": "desk", "platforms": {"a": {"command": ["x"]}}})

    async def work(them, folder, spawner, notes):
        os.kill(next(iter(them.leaders)), signal.SIGTERM)  # it ends well, and should not have
        await until(lambda: len(spawner.asked) == 2)

        await until(lambda: them.leaders)
        them.renew(none)
        await until(lambda: not them.leaders)
        await asyncio.sleep(0.2)
        assert len(spawner.asked) == 2

    ends_well = "import os, signal, time; signal.signal(15, lambda *_: os._exit(0)); time.sleep(1000)"
    run(tmp_path, work, ends_well, monitoring={"alerts": {"lists": [{"to": ["env:SLACK"]}]}})


def test_it_is_tried_again_for_ever_and_no_later_than_after_a_minute():
    assert [sidecars._wait_s(n) for n in (0, 1, 3, 6, 10_000)] == [1.0, 2.0, 8.0, 60.0, 60.0]

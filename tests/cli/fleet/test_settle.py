import os
import threading

import pytest
from tests.cli.fleet.conftest import playing

from flotilla.cli.fleet import settle
from flotilla.cli.fleet.find import FoundFleet
from flotilla.cli.fleet.settle import News, not_up, settled
from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ProcessError
from flotilla.fleet.control.client import NotHeard
from flotilla.fleet.control.status import FleetStatus, PlatformStatus
from flotilla.fleet.spec import decode_fleet


def status_of(*states):
    return FleetStatus(
        "demo", 1, "adopt", 1, tuple(PlatformStatus(f"p{n}", state) for n, state in enumerate(states))
    )


def test_it_waits_until_nothing_changes_by_itself(fleet, folder):
    fleet.states["feed"] = "starting"

    def later():
        sleep(0.3)
        fleet.states["feed"] = "ready"

    thread = threading.Thread(target=later)
    thread.start()
    status = settled(FoundFleet(folder), None, 10.0)
    thread.join()

    assert status.find("feed").state == "ready"


def test_when_the_time_is_over_all_is_told_as_it_is(fleet, folder):
    fleet.states["feed"] = "starting"

    status = settled(FoundFleet(folder), ["feed"], 0.2)

    assert status.find("feed").state == "starting"


def test_who_waits_for_what_does_not_come_is_settled(fleet, folder):
    fleet.states |= {"feed": "failed", "strategy": "waiting", "portfolio": "waiting"}
    began_ns = monotonic_ns()

    status = settled(FoundFleet(folder), None, 600.0)

    assert monotonic_ns() - began_ns < 300_000_000_000
    assert status.find("portfolio").blocked_by == ("feed",)


def test_others_are_not_waited_for(fleet, folder):
    fleet.states["feed"] = "starting"

    assert settled(FoundFleet(folder), ["report"], 0.2) is not None


def test_a_supervisor_that_is_gone_is_the_end(folder):
    assert settled(FoundFleet(folder), None, 5.0, grace_s=0.2) is None


def test_one_that_is_there_and_does_not_listen_is_waited_for_longer_and_then_told(folder, monkeypatch):
    monkeypatch.setattr(settle, "UNHEARD_S", 0.5)
    hold = folder.take()
    began_ns = monotonic_ns()

    with pytest.raises(NotHeard, match="does not listen"):
        settled(FoundFleet(folder), None, 20.0, grace_s=0.1)

    os.close(hold.lock)
    assert monotonic_ns() - began_ns > 500_000_000


def test_one_that_is_replaced_is_waited_for(folder):
    found = []
    waiting = threading.Thread(target=lambda: found.append(settled(FoundFleet(folder), None, 20.0)))
    waiting.start()
    sleep(0.3)
    with playing(folder):
        waiting.join()

    assert found[0] is not None


def test_a_supervisor_that_does_not_listen_in_time_is_told(folder):
    with pytest.raises(ProcessError, match="does not listen"):
        settled(FoundFleet(folder), None, 0.2, alive=lambda: True)


def test_news_begin_after_what_was(fleet, folder):
    news = News(FoundFleet(folder))
    before = news.read()
    FoundFleet(folder).client().ask("ack")

    assert before == []
    assert [event.kind for event in news.read()] == ["alert_acknowledged"]
    assert news.read() == []


def test_there_are_no_news_of_a_fleet_that_was_never_up(folder):
    assert News(FoundFleet(folder)).read() == []


def test_damaged_events_tell_nothing_and_hold_up_nobody(folder):
    folder.events.write_bytes(b"no database" * 100)

    assert News(FoundFleet(folder)).read() == []


def test_what_is_not_as_it_should_be_is_not_up():
    spec = decode_fleet({"name": "demo", "platforms": {f"p{n}": {"command": ["x"]} for n in range(5)}})

    found = not_up(status_of("ready", "completed", "degraded", "failed", "stopped"), spec)

    assert [platform.name for platform in found] == ["p2", "p3", "p4"]


def test_outside_its_hours_a_platform_may_be_stopped():
    schedule = {"calendar": "XNYS", "start": "09:00", "stop": "15:35"}
    spec = decode_fleet({"name": "demo", "platforms": {"p0": {"command": ["x"], "schedule": schedule}}})

    assert not_up(status_of("stopped"), spec) == []
    waiting = PlatformStatus("app", "waiting", blocked_by=("p0",))
    both = FleetStatus("demo", 1, "adopt", 1, (PlatformStatus("p0", "stopped"), waiting))
    assert not_up(both, spec) == []
    assert not_up(FleetStatus("demo", 1, "adopt", 1, (waiting,)), spec) == [waiting]

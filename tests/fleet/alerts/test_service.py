"""The whole process: events in at the control socket, messages out to a real server, kills in between."""

import signal
from contextlib import suppress

import msgspec
import psutil

from flotilla.clock import monotonic_ns, now_ns, sleep
from flotilla.fleet.alerts.outbox import Outbox, Queue
from flotilla.fleet.alerts.service import Service
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.events import Event, EventStore
from flotilla.fleet.spec.preferences import Alerts, Step

ONE = "lists: [{to: ['env:HOOK']}], per_minute: 6000, burst: 1000"


def test_an_alert_is_told_and_what_is_none_is_not(fleet, receiver, until):
    day = fleet(ONE)
    day.start_alerts(HOOK=receiver.url)
    day.happen("spawned", pid=1, generation=1)
    day.happen(severity="critical", about="failed", text="died 4 times")

    until(lambda: receiver.messages)

    assert receiver.titles() == ["[day] critical: engine: died 4 times"]
    day.process.send_signal(signal.SIGTERM)
    assert day.process.wait(10) == 0
    assert "s3cret" not in day.log.read_text()


def test_what_is_not_acknowledged_escalates_and_what_is_does_not(fleet, receiver, other, until):
    day = fleet("lists: [{to: ['env:HOOK']}, {to: ['env:BOSS'], after_minutes: 0.1}]")
    day.start_alerts(HOOK=receiver.url, BOSS=other.url)
    day.happen(severity="warning", about="slow", text="is slow")
    until(lambda: receiver.messages)  # its start is not to count
    day.happen(severity="critical", about="failed", text="died")
    day.happen(severity="critical", about="hung", text="hangs")
    until(lambda: len(receiver.messages) == 3)
    day.happen("alert_acknowledged", who="ann", about="failed")

    until(lambda: "hangs" in "".join(message["message"] for message in other.messages))

    assert "died" not in "".join(message["message"] for message in other.messages)


def test_an_alert_outlives_kills_of_the_process_and_of_the_receiver(fleet, receiver, until):
    day = fleet(ONE)
    receiver.refuses = True
    told = []
    for number in range(5):
        day.start_alerts(HOOK=receiver.url)
        for part in range(4):
            told.append(f"matter {number}-{part}")
            day.happen(severity="critical", about=told[-1], text=told[-1])
        tries = receiver.tries
        until(lambda tries=tries: receiver.tries > tries)
        sleep(0.05 * number)
        day.kill(day.process)
        told.append(f"while away {number}")
        day.happen(severity="warning", about=told[-1], text=told[-1])

    receiver.refuses = False
    day.start_alerts(HOOK=receiver.url)

    def all_there():
        text = "\n".join(message["title"] + message["message"] for message in receiver.messages)
        return all(matter in text for matter in told)

    until(all_there, seconds=20)


def test_a_kill_in_the_middle_of_a_message_sends_it_again_with_the_same_number(fleet, receiver, until):
    day = fleet(ONE)
    receiver.slow_s = 1.0
    day.start_alerts(HOOK=receiver.url)
    day.happen(severity="critical", about="failed", text="died")
    until(lambda: receiver.tries == 1)
    day.kill(day.process)
    receiver.slow_s = 0.0

    day.start_alerts(HOOK=receiver.url)
    until(lambda: len(receiver.messages) == 2)

    assert {message["message"] for message in receiver.messages} == {"(message 1)"}
    sleep(1.0)
    assert len(receiver.messages) == 2


def test_a_supervisor_that_stays_away_is_told_of_and_its_return_too(fleet, receiver, until):
    day = fleet(f"{ONE}, missed_s: 1.0")
    day.start_alerts(HOOK=receiver.url)
    day.happen(severity="warning", about="a", text="a")
    until(lambda: receiver.messages)

    day.kill(day.supervisor)
    until(lambda: len(receiver.messages) == 2)
    assert "the supervisor has not answered for" in receiver.titles()[1]

    day.start_supervisor()
    until(lambda: len(receiver.messages) == 3)
    day.happen(severity="warning", about="b", text="b")
    until(lambda: len(receiver.messages) == 4)
    assert receiver.titles()[2:] == [
        "[day] warning: fleet: the supervisor answers again",
        "[day] warning: engine: b",
    ]


def test_a_supervisor_that_is_replaced_quickly_is_no_news(fleet, receiver, until):
    day = fleet(f"{ONE}, missed_s: 5.0")
    day.start_alerts(HOOK=receiver.url)
    day.happen(severity="warning", about="a", text="a")
    until(lambda: receiver.messages)

    day.kill(day.supervisor)
    day.start_supervisor()
    day.happen(severity="warning", about="b", text="b")

    until(lambda: len(receiver.messages) == 2)
    assert receiver.titles() == ["[day] warning: engine: a", "[day] warning: engine: b"]


def test_alerts_of_long_ago_are_let_be_the_first_time(fleet, receiver, until):
    day = fleet(ONE)
    day.kill(day.supervisor)
    store = EventStore(day.folder.events)
    old = now_ns() - 3600 * 10**9
    store._log.append("events", [(old, _alert("long ago"))])
    store.append("alert", "engine", {"severity": "warning", "about": "now"}, "just now")
    store.close()
    day.start_supervisor()

    day.start_alerts(HOOK=receiver.url)

    until(lambda: receiver.messages)
    assert receiver.titles() == ["[day] warning: engine: just now"]


def _alert(text):
    return msgspec.msgpack.encode(["alert", "engine", text, {"severity": "critical", "about": text}])


class Killed(Exception):
    """Stands for a kill: nothing of the process goes on after it."""


def test_a_kill_between_what_is_said_of_lost_events_and_the_next_event_loses_no_alert(tmp_path, monkeypatch):
    folder = Folder(tmp_path / ".flotilla" / "fleet" / "day").make()
    wanted = Alerts((Step(("env:HOOK",)),))
    service = Service(folder, "day", wanted)
    service.look(Event(seq=1, ts=now_ns(), kind="alert", text="first", data={"severity": "critical"}))
    keep = Outbox.keep

    def killed_after(box, *what):
        keep(box, *what)
        raise Killed

    monkeypatch.setattr(Outbox, "keep", killed_after)
    event = Event(seq=5, ts=now_ns(), kind="alert", text="it failed", data={"severity": "critical"})
    with suppress(Killed):
        service.look(event)
    monkeypatch.undo()
    service._outbox.close()
    after = Service(folder, "day", wanted)
    after.look(event)

    titles = [letter.title for letter in after._outbox.waiting(Queue("env:HOOK", 0))]
    after.close()
    assert [title.partition(": fleet: ")[2] for title in titles] == [
        "first",
        "3 events were dropped before they could be looked at: alerts may be among them",
        "it failed",
    ]


def test_a_fleet_that_tells_nobody_says_so(fleet):
    day = fleet(ONE)
    day.folder.fleet_file.write_text("name: day\nplatforms: {engine: {command: [sleep, '1']}}\n")

    day.start_alerts()

    assert day.process.wait(20) == 1
    assert "monitoring.alerts says nobody to tell" in day.log.read_text()


def test_a_quiet_process_costs_nothing(fleet, receiver, until):
    day = fleet(ONE)
    day.start_alerts(HOOK=receiver.url)
    day.happen(severity="warning", about="a", text="a")
    until(lambda: receiver.messages)

    before, began = _spent_s(day.process.pid), monotonic_ns()
    sleep(2.0)

    assert (_spent_s(day.process.pid) - before) / ((monotonic_ns() - began) / 1e9) < 0.02


def _spent_s(pid):
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system

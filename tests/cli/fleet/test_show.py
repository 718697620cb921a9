import doctest

import pytest

from flotilla.cli import say
from flotilla.cli.fleet import show
from flotilla.clock import now_ns
from flotilla.fleet.control.status import FleetStatus, HostStatus, PlatformStatus
from flotilla.fleet.history.events import Event


def test_the_examples_in_it_hold():
    assert doctest.testmod(show).failed == 0


@pytest.mark.parametrize(
    ("kind", "data", "text", "said"),
    [
        ("state", {"old": "starting", "new": "ready"}, "", "starting → ready"),
        (
            "state",
            {"old": "ready", "new": "backoff", "reason": "exit code 1"},
            "",
            "ready → backoff: exit code 1",
        ),
        ("alert", {"severity": "critical"}, "router has failed", "alert, critical: router has failed"),
        ("spawned", {"pid": 7, "generation": 2}, "", "spawned: pid 7, generation 2"),
        (
            "command",
            {"command": "stop", "names": ["a", "b"], "who": "cli:ann"},
            "lunch",
            "cli:ann asked for stop a b: lunch",
        ),
        ("guard_lost", {}, "", "guard lost"),
        ("reloaded", {"added": ["a", "b"], "removed": []}, "", "reloaded: added a, b"),
        ("unheard_of", {}, "in words", "unheard of: in words"),
    ],
)
def test_an_event_in_words(kind, data, text, said):
    event = Event(seq=1, ts=3_723_004_000_000, kind=kind, platform="router", data=data, text=text)

    assert show.happened(event).plain == said
    assert show.event_line(event, 8).plain == f"01:02:03.004  router    {said}"


def test_an_order_in_a_line():
    assert show.order([["a", "b"], ["c"]], ["c"]).plain == "a, b → c"


def test_the_line_above_the_table_counts_the_states():
    platforms = (PlatformStatus("a", "ready"), PlatformStatus("b", "failed"), PlatformStatus("c", "ready"))

    assert show.headline(FleetStatus("demo", 1, "adopt", 1, platforms)).plain == "demo: 2 ready, 1 failed"


def test_why_is_the_reason_or_how_it_last_ended():
    platforms = (
        PlatformStatus("a", "backoff", last_exit=-9),
        PlatformStatus("b", "backoff", last_exit=1, reason="waits 2 s"),
        PlatformStatus("c", "ready", last_exit=1),
    )

    table = show.listing(FleetStatus("demo", 1, "adopt", 1, platforms))

    assert list(table.columns[-1].cells) == ["last: killed by signal 9", "waits 2 s", ""]


def test_colours_stay_with_their_platforms():
    colours = show.colours_of([f"p{n}" for n in range(20)])

    assert colours["p0"] == colours["p8"] != colours["p1"]
    assert show.tag("p0", 4, colours).plain == "p0   | "


def test_hosts_are_named_where_there_are_others_and_told_of_when_they_are_not_seen():
    platforms = (PlatformStatus("a", "ready"), PlatformStatus("b", "degraded", host="desk-2"))
    hosts = (
        HostStatus("desk-1", "10.0.0.1:9", "seen"),
        HostStatus("desk-2", "10.0.0.2:9", "lost", now_ns() - 65 * 10**9, "no answer", "degrade"),
        HostStatus("desk-3", "10.0.0.3:9", "awaited", now_ns()),
    )
    fleet = FleetStatus("demo", 1, "adopt", 1, platforms, hosts=hosts)

    table, lines = show.listing(fleet), show.headline(fleet).plain.splitlines()

    assert list(table.columns[1].cells) == ["", "desk-2"]
    assert lines[1:] == [
        "host desk-2 (10.0.0.2:9) is lost for 1 m 5 s, on_lost degrade: no answer",
        "host desk-3 (10.0.0.3:9) is awaited for 0 s",
    ]


def test_in_a_narrow_terminal_there_is_room_for_the_state_and_why(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    far = PlatformStatus("a-very-long-name", "waiting", 4_000_000, reason="needs crash, which has failed")

    say.show(show.listing(FleetStatus("demo", 1, "adopt", 1, (far,))))

    out = capsys.readouterr().out
    assert "a-very-long-name  waiting" in out
    assert "needs crash, which" in out
    assert "no room for" in out


def test_a_platform_in_a_sentence_and_whose_logs_say_why():
    crash = PlatformStatus("crash", "failed", reason="ended with exit code 3")
    waits = [PlatformStatus(name, "waiting", blocked_by=("crash", "gate")) for name in ("a", "b")]

    assert show.sentence(crash).plain == "crash is failed: ended with exit code 3"
    assert show.sentence(waits[0]).plain == "a is waiting"
    assert show.causes([*waits, crash]) == ("crash", "gate")

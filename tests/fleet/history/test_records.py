import resource
import sqlite3
from contextlib import closing, contextmanager

import pytest

from flotilla.access import audit
from flotilla.clock import monotonic_ns, now_ns, sleep
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.events import EventReader
from flotilla.fleet.history.records import Records
from flotilla.fleet.rules.states import Alert, Note
from flotilla.stream import backlog


@pytest.fixture
def kept(tmp_path):
    folder = Folder(tmp_path / "run").make()
    written = Records(folder, tmp_path / "anchor")
    yield written, folder
    written.close()


def test_a_change_of_state_is_an_event_and_a_line_of_the_audit(kept):
    written, folder = kept

    written.write(
        Note("state", "feed", "asked for", {"old": "stopped", "new": "waiting", "reason": "asked for"})
    )

    (event,) = written.read(1, 10)
    (line,) = audit.read_audit(folder.audit)
    assert (event.kind, event.platform, event.data["new"]) == ("state", "feed", "waiting")
    assert (line.who, line.action, line.target, line.why) == ("supervisor", "waiting", "feed", "asked for")


def test_what_a_supervisor_does_to_a_fleet_by_itself_is_audited_too(kept):
    written, folder = kept

    written.write(
        Note("fleet_started", "", "", {"generation": 2, "mode": "adopt"}),
        Note("adopted", "feed", "process 7 runs on", {"pid": 7, "generation": 0}),
        Note("stray_killed", "", "process 9", {"pid": 9, "reason": "of no platform"}),
        Note("fleet_stopped", "", "", {"reason": "it was told to go down"}),
    )

    assert [(line.action, line.target, line.why) for line in audit.read_audit(folder.audit)] == [
        ("fleet started", "", "generation 2, mode adopt"),
        ("adopted", "feed", "process 7 runs on"),
        ("stray killed", "", "process 9"),
        ("fleet stopped", "", "it was told to go down"),
    ]


def test_a_command_is_audited_with_who_asked(kept):
    written, folder = kept
    data = {"command": "stop", "names": ("a", "b"), "who": "ann", "why": "lunch", "outcome": "accepted"}

    written.write(Note("command", "", "lunch", data))

    (line,) = audit.read_audit(folder.audit)
    assert (line.who, line.action, line.target, line.outcome) == ("ann", "stop", "a b", "accepted")


def test_an_alert_is_told_apart_by_how_it_begins(kept):
    written, _ = kept

    written.write(Alert("critical", "feed", "killed: not gone within 10 s"))

    (event,) = written.read(1, 10)
    assert event.data == {"severity": "critical", "about": "killed"}


@contextmanager
def held(folder):
    """Hold the lock of a writer on the events, from outside."""
    with closing(sqlite3.connect(folder.events, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def stop(name):
    data = {"command": "stop", "names": (name,), "who": "ann", "why": "", "outcome": "accepted"}
    return Note("command", "", f"stop {name}", data)


def caught_up(written):
    """Wait until what had to wait is written."""
    end_ns = monotonic_ns() + 20_000_000_000
    while not written.catch_up() and monotonic_ns() < end_ns:
        sleep(0.05)


def test_events_that_somebody_locks_keep_no_command_out_of_the_audit(kept):
    written, folder = kept

    with held(folder):
        written.write(stop("a"))
        written.write(stop("b"), Note("ready", "feed", "meanwhile", {"after_s": 1.0}))
        told = [event.text for event in written.read(1, 100)]
        audited = [(line.action, line.target) for line in audit.read_audit(folder.audit)]
    caught_up(written)

    assert told == []
    assert audited == [("alert", ""), ("stop", "a"), ("stop", "b")]
    assert audit.read_audit(folder.audit)[0].why.startswith("events cannot be written, and wait: ")
    assert [event.text for event in written.read(1, 100)] == ["stop a", "stop b", "meanwhile"]
    assert audit.verify(folder.audit, folder.audit_key, folder.anchor()).ok


def test_what_had_to_wait_is_written_with_the_time_at_which_it_happened(kept):
    written, folder = kept

    with held(folder):
        written.write(stop("a"))
        after_ns = now_ns()
    caught_up(written)

    (event,) = written.read(1, 100)
    assert event.ts <= after_ns


def test_nobody_waits_long_for_events_that_somebody_locks(kept, monkeypatch):
    written, folder = kept
    monkeypatch.setattr(backlog, "_AGAIN_NS", 0)  # each is a try
    begun_ns = monotonic_ns()

    with held(folder):
        for _ in range(20):
            written.write(Note("ready", "feed", "", {"after_s": 1.0}))

    assert monotonic_ns() - begun_ns < 60_000_000_000, "SQLite itself would wait for five seconds each time"


@contextmanager
def no_file_longer_than(size):
    """Let no file of this process grow beyond `size` bytes, as if the disk were full there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_an_audit_that_fails_keeps_no_event_back_and_loses_nothing(kept):
    written, folder = kept
    for number in range(2000):  # until it is the longest file by far
        written.audit("ann", "stop", f"p{number}", "x" * 900, "accepted")

    with no_file_longer_than(folder.audit.stat().st_size + 100):
        written.write(stop("a"), stop("b"))
        written.write(stop("c"))
    told = [event.text for event in written.read(1, 100)]
    end_ns = monotonic_ns() + 20_000_000_000
    while len(audit.read_audit(folder.audit, 2001)) < 4 and monotonic_ns() < end_ns:
        written.catch_up()
        sleep(0.05)

    assert told[:2] == ["stop a", "stop b"]
    assert told[2].startswith("the audit cannot be written, and waits: ")
    assert told[3:] == ["stop c"]
    assert [(line.action, line.target) for line in audit.read_audit(folder.audit, 2001)] == [
        ("audit mended", "audit.log"),
        ("stop", "a"),
        ("stop", "b"),
        ("stop", "c"),
    ]
    assert audit.verify(folder.audit, folder.audit_key, folder.anchor()).ok


def test_what_waits_is_written_at_the_end(kept):
    written, folder = kept
    with held(folder):
        written.write(stop("a"))

    written.close()

    with closing(EventReader(folder.events)) as reader:
        assert [event.text for event in reader.read()] == ["stop a"]


def test_events_that_are_damaged_while_one_supervises_begin_anew(kept):
    written, folder = kept
    written.write(stop("a"))
    with closing(sqlite3.connect(folder.events, isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    folder.events.write_bytes(b"garbage" * 1000)

    end_ns = monotonic_ns() + 20_000_000_000
    while not list(folder.path.glob("events.db.damaged-*")) and monotonic_ns() < end_ns:
        written.write(Note("ready", "feed", "after", {"after_s": 1.0}))
        sleep(0.05)

    texts = [event.text for event in written.read(1, 100)]
    assert texts[0].startswith("the events begin anew")
    assert texts[-1] == "after"


def test_events_that_are_removed_while_one_supervises_begin_anew(kept):
    written, folder = kept
    written.write(stop("a"))
    folder.events.unlink()

    end_ns = monotonic_ns() + 20_000_000_000
    while not folder.events.exists() and monotonic_ns() < end_ns:
        written.write(Note("ready", "feed", "after", {"after_s": 1.0}))
        sleep(0.05)

    texts = [event.text for event in written.read(1, 100)]
    assert texts[0].startswith(f"the events begin anew: {folder.events} was removed while it was written")
    assert texts[-1] == "after"


def test_what_is_old_is_dropped(kept):
    written, _ = kept
    for text in ("old", "older"):
        written.write(Note("ready", "feed", text, {"said": text}))
    sleep(0.01)

    dropped = written.expire(1e-9)

    assert dropped >= 1
    assert len(written.read(1, 10)) == 2 - dropped


def test_a_platform_that_talks_without_end_drives_nothing_out(kept):
    written, _ = kept

    for n in range(100):
        written.write(Note("status", "feed", f"bar {n}", {"said": f"bar {n}"}))
        written.write(Note("status", "app", "warm", {"said": "warm"}))

    told = [event.text for event in written.read(1, 1000) if event.platform == "feed"]
    assert told == [f"bar {n}" for n in range(20)]
    assert [event.text for event in written.read(1, 1000) if event.platform == "app"] == ["warm"]


def test_events_that_are_damaged_are_put_aside_and_said_and_keep_nobody_from_supervising(tmp_path):
    folder = Folder(tmp_path / "run").make()
    folder.events.write_bytes(b"garbage" * 1000)

    written = Records(folder, tmp_path / "anchor")

    (event,) = written.read(1, 10)
    written.close()
    (aside,) = folder.path.glob("events.db.damaged-*")
    assert event.kind == "alert"
    assert aside.name in event.text
    assert aside.read_bytes() == b"garbage" * 1000


def anchored(folder, anchor):
    """Open and close records with an anchor; return what is wrong, where the anchor is, what was told."""
    written = Records(folder, anchor)
    told = [event.text for event in written.read(1, 100)]
    written.close()
    return written.broken, folder.anchor(), told


def test_an_anchor_that_the_file_has_elsewhere_by_now_moves_and_the_trail_verifies(tmp_path):
    folder, first, second = Folder(tmp_path / "run").make(), tmp_path / "first", tmp_path / "second"
    assert anchored(folder, first) == ("", first, [])

    assert anchored(folder, second) == ("", second, [])

    assert audit.verify(folder.audit, folder.audit_key, second).ok
    assert anchored(folder, first) == ("", first, []), "and back"
    assert audit.verify(folder.audit, folder.audit_key, first).ok


def test_an_anchor_that_was_moved_by_hand_is_found_at_its_new_place(tmp_path):
    folder, first, second = Folder(tmp_path / "run").make(), tmp_path / "first", tmp_path / "second"
    anchored(folder, first)

    first.rename(second)

    assert anchored(folder, second) == ("", second, [])


def test_an_anchor_that_cannot_move_stays_and_a_person_is_told(tmp_path):
    folder, first = Folder(tmp_path / "run").make(), tmp_path / "first"
    anchored(folder, first)

    broken, place, told = anchored(folder, tmp_path / "nowhere" / "second")

    assert (broken, place) == ("", first)
    assert told[0].startswith(f"the audit's anchor stays at {first}: ")
    assert audit.verify(folder.audit, folder.audit_key, first).ok


def test_a_trail_that_was_cut_off_does_not_become_whole_by_another_anchor(tmp_path):
    folder, first, second = Folder(tmp_path / "run").make(), tmp_path / "first", tmp_path / "second"
    written = Records(folder, first)
    for outcome in ("accepted", "refused"):
        written.audit("ann", "stop", "feed", "", outcome)
    written.close()
    folder.audit.write_bytes(folder.audit.read_bytes().splitlines(keepends=True)[0])

    broken, place, _ = anchored(folder, second)

    assert "the log ends after record 1, and the anchor says 2" in broken
    assert place == second
    assert not audit.verify(folder.audit, folder.audit_key, second).ok

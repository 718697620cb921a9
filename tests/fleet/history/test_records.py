import pytest

from flotilla.clock import sleep
from flotilla.errors import StreamError
from flotilla.fleet.folder import Folder
from flotilla.fleet.history import audit, records
from flotilla.fleet.history.records import Records
from flotilla.fleet.rules.states import Alert, Note


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
    (line,) = audit.read(folder.audit)
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

    assert [(line.action, line.target, line.why) for line in audit.read(folder.audit)] == [
        ("fleet started", "", "generation 2, mode adopt"),
        ("adopted", "feed", "process 7 runs on"),
        ("stray killed", "", "process 9"),
        ("fleet stopped", "", "it was told to go down"),
    ]


def test_a_command_is_audited_with_who_asked(kept):
    written, folder = kept
    data = {"command": "stop", "names": ("a", "b"), "who": "ann", "why": "lunch", "outcome": "accepted"}

    written.write(Note("command", "", "lunch", data))

    (line,) = audit.read(folder.audit)
    assert (line.who, line.action, line.target, line.outcome) == ("ann", "stop", "a b", "accepted")


def test_an_alert_is_told_apart_by_how_it_begins(kept):
    written, _ = kept

    written.write(Alert("critical", "feed", "killed: not gone within 10 s"))

    (event,) = written.read(1, 10)
    assert event.data == {"severity": "critical", "about": "killed"}


def test_a_disk_that_fails_stops_nothing_and_is_told_of_when_it_is_back(kept, monkeypatch):
    written, _ = kept
    real = records.EventStore

    class Full(real):
        def append(self, *args):
            raise StreamError("no space left")

    written.close()
    monkeypatch.setattr(records, "EventStore", Full)
    monkeypatch.setattr(records, "_AGAIN_NS", 0)
    written.write(Note("ready", "feed", "lost", {"said": "lost"}))
    written.write(Alert("warning", "feed", "lost"))
    monkeypatch.setattr(records, "EventStore", real)
    written.write(Note("ready", "feed", "kept", {"said": "kept"}))

    texts = [event.text for event in written.read(1, 100)]
    assert texts[-1] == "kept"
    assert any("records were lost" in text for text in texts)
    assert written.last_seq == len(texts)


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

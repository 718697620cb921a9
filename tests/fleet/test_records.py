import pytest

from flotilla.clock import sleep
from flotilla.errors import StreamError
from flotilla.fleet import audit, records
from flotilla.fleet.folder import Folder
from flotilla.fleet.records import Records
from flotilla.fleet.states import Alert, Note


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
    written.write(Note("status", "feed", "lost", {"said": "lost"}))
    written.write(Alert("warning", "feed", "lost"))
    monkeypatch.setattr(records, "EventStore", real)
    written.write(Note("status", "feed", "kept", {"said": "kept"}))

    texts = [event.text for event in written.read(1, 100)]
    assert texts[-1] == "kept"
    assert any("records were lost" in text for text in texts)
    assert written.last_seq == len(texts)


def test_what_is_old_is_dropped(kept):
    written, _ = kept
    for text in ("old", "older"):
        written.write(Note("status", "feed", text, {"said": text}))
    sleep(0.01)

    dropped = written.expire(1e-9)

    assert dropped >= 1
    assert len(written.read(1, 10)) == 2 - dropped

"""The events of a fleet: in order, without a gap, for some days, for readers of any speed."""

import stat
import subprocess
import sys
from contextlib import closing

import pytest

from flotilla.clock import DAY_NS, monotonic_ns, now_ns
from flotilla.errors import StreamError
from flotilla.fleet.history import events as module
from flotilla.fleet.history.events import Event, EventReader, EventStore
from flotilla.fleet.history.kinds import mistake


@pytest.fixture
def path(tmp_path):
    return tmp_path / "events.db"


@pytest.fixture
def store(path):
    with closing(EventStore(path)) as opened:
        yield opened


def numbers(events):
    return [event.seq for event in events]


def test_an_event_is_read_back_as_it_was_told(store, path):
    seq = store.append("exited", "feed", {"code": -9}, "killed by somebody")

    (event,) = store.read(seq)
    with closing(EventReader(path)) as reader:
        (elsewhere,) = reader.read(seq)

    told = {"kind": "exited", "platform": "feed", "text": "killed by somebody", "data": {"code": -9}}
    assert event == elsewhere == Event(seq=1, ts=event.ts, **told)


def test_reading_begins_where_it_is_asked_to_and_ends_after_the_limit(store):
    for number in range(5):
        store.append("status", "feed", {"said": str(number)})

    assert numbers(store.read(3)) == [3, 4, 5]
    assert numbers(store.read(0, limit=2)) == [1, 2]
    assert store.read(6) == []


def test_an_event_that_was_changed_on_the_disk_hides_none_of_the_others(path):
    with closing(EventStore(path)) as store:
        for number in range(5):
            store.append("status", "feed", {"said": f"word {number}"})
    path.write_bytes(path.read_bytes().replace(b"word 2", b"ward 2"))

    with closing(EventStore(path)) as store:
        store.append("status", "feed", {"said": "word 5"})
        found = store.read()

    assert numbers(found) == [1, 2, 3, 4, 5, 6]
    assert [event.data.get("said") for event in found] == [
        "word 0",
        "word 1",
        None,
        "word 3",
        "word 4",
        "word 5",
    ]
    assert (found[2].kind, mistake("damaged", found[2].data)) == ("damaged", "")
    assert "row 3 of events is damaged" in found[2].text


def test_numbers_go_on_after_a_restart(path):
    with closing(EventStore(path)) as store:
        store.append("fleet_started", data={"generation": 1})
    with closing(EventStore(path)) as store:
        assert store.append("fleet_started", data={"generation": 2}) == 2


def test_a_second_writer_is_refused_and_the_file_is_private(store, path):
    with pytest.raises(StreamError, match="has a writer already"):
        EventStore(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_old_goes_and_the_numbers_stay(store, monkeypatch):
    now = now_ns()
    monkeypatch.setattr(module, "now_ns", lambda: now - 2 * DAY_NS)
    first = [store.append("status", "feed", {"said": str(n)}) for n in range(4)]

    kept = store.expire(days=3, now=now)
    dropped = store.expire(days=1, now=now)

    assert (kept, dropped) == (0, 3), "the last one stays, or its number would be given again"
    assert store.first_seq() == first[-1]
    assert numbers(store.read(1)) == [4], "who asks for what is gone gets what is left"
    assert store.append("status", "feed") == 5


def test_a_clock_that_is_a_month_ahead_drops_nothing(store):
    for _ in range(4):
        store.append("status", "feed")

    assert store.expire(days=7, now=now_ns() + 30 * DAY_NS) == 0


def test_what_was_there_before_a_long_pause_goes_as_the_fleet_runs_on(path, monkeypatch):
    with closing(EventStore(path)) as store, monkeypatch.context() as then:
        then.setattr(module, "now_ns", lambda: now_ns() - 30 * DAY_NS)
        for _ in range(4):
            store.append("status", "feed")

    with closing(EventStore(path)) as store:
        store.append("status", "feed")
        at_first = store.expire(days=7, now=now_ns())
        monkeypatch.setattr(module, "monotonic_ns", lambda: monotonic_ns() + 8 * DAY_NS)
        later = store.expire(days=7, now=now_ns())

    assert (at_first, later) == (0, 4)


def test_too_many_events_go_however_young(store):
    for number in range(10):
        store.append("status", "feed", {"said": str(number)})

    store.expire(days=7, now=store.read()[0].ts, most=4)

    assert numbers(store.read()) == [7, 8, 9, 10]


def test_an_event_survives_the_death_of_its_writer(path):
    script = (
        "import os, sys, pathlib\nfrom flotilla.fleet.history.events import EventStore\n"
        "store = EventStore(pathlib.Path(sys.argv[1]))\n"
        "for n in range(100): store.append('status', 'feed', {'said': str(n)})\n"
        "os.kill(os.getpid(), 9)"
    )

    died = subprocess.run([sys.executable, "-c", script, str(path)], check=False)

    assert died.returncode == -9
    with closing(EventReader(path)) as reader:
        assert numbers(reader.read()) == list(range(1, 101))


def test_a_full_disk_loses_what_it_would_not_have_and_no_more(path):
    script = """
import pathlib, resource, signal, sys
from flotilla.errors import StreamError
from flotilla.fleet.history import events
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
events._AGAIN_NS = 0
store = events.EventStore(pathlib.Path(sys.argv[1]))
store.append("status", "feed", {"said": "before"})
resource.setrlimit(resource.RLIMIT_FSIZE, (1, -1))
for _ in range(3):
    try:
        store.append("status", "feed", {"said": "x" * 9000})
    except StreamError as error:
        print("refused")
resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
print(store.append("status", "feed", {"said": "after"}))
print([event.data["said"] for event in store.read()])
"""
    said = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, text=True
    )

    assert said.stdout.splitlines() == ["refused"] * 3 + ["2", "['before', 'after']"]


def test_a_file_that_failed_is_not_opened_again_at_once(store, monkeypatch):
    store._failed_ns = monotonic_ns()

    with pytest.raises(StreamError, match="failed a moment ago"):
        store.append("status")
    store._failed_ns -= 3_000_000_000

    assert store.append("status") == 1


def test_of_an_append_that_failed_it_is_told_what_is_there_all_the_same(store):
    store.append("status")
    store.append("status")
    store._failed_ns = 0  # as if the disk had said no, and had taken it

    assert (store.mend(), store.mend()) == (1, 0)
    assert store.append("status") == 3


def test_the_store_is_light():
    script = (
        "import sys, flotilla.fleet.history.events, flotilla.access.audit\n"
        "heavy = ('numpy', 'pandas', 'pyarrow', 'fastapi', 'rich', 'pydantic', 'zmq')\n"
        "print([name for name in heavy if name in sys.modules])"
    )

    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout

    assert said == "[]\n", "the supervisor holds it, for months"

"""A stream on disk: what was committed is there, whole, once, and damage is found."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.errors import ConfigError, DataError, StreamError
from flotilla.stream.log import Checkpoint, LogBusy, LogReader, LogWriter


def entries(*payloads: bytes) -> list[tuple[int, bytes]]:
    return [(1_000 + i, payload) for i, payload in enumerate(payloads)]


def test_rows_are_numbered_from_one_without_a_gap(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))

    first = log.append("bars", entries(b"a", b"b"))
    second = log.append("bars", entries(b"c"))

    assert [row.seq for row in first + second] == [1, 2, 3]
    assert own(LogReader(folder / "bars.db", "bars")).read(0, 10) == first + second


def test_entries_can_be_sent_as_the_rows_that_they_will_be(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))
    log.append("bars", entries(b"a"))

    sent = log.numbered("bars", entries(b"b", b"c"))

    assert log.last_seq("bars") == 1
    assert log.append("bars", entries(b"b", b"c")) == sent


def test_a_reader_asks_for_what_follows_its_cursor(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))
    reader = own(LogReader(folder / "bars.db", "bars"))
    assert (reader.last_seq(), reader.read(0, 10)) == (0, [])

    log.append("bars", entries(b"a", b"b", b"c"))

    assert reader.last_seq() == 3
    assert [row.payload for row in reader.read(1, 1)] == [b"b"]
    assert reader.read(3, 10) == []


def test_streams_in_one_file_count_by_themselves(folder, own):
    log = own(LogWriter(folder / "orders.db", ["intents", "fills"]))

    log.append("intents", entries(b"i1", b"i2"))
    (fill,) = log.append("fills", entries(b"f1"))

    assert fill.seq == 1
    assert own(LogReader(folder / "orders.db", "intents")).last_seq() == 2


def test_a_transaction_is_there_as_a_whole_or_not_at_all(folder, own):
    log = own(LogWriter(folder / "orders.db", ["intents", "fills"]))
    log.append("intents", entries(b"before"))

    with suppress(KeyError), log.transaction():
        log.append("intents", entries(b"lost"))
        log.checkpoint("gateway", {"intents": 2}, b"lost")
        raise KeyError("half way")
    with log.transaction():
        log.append("intents", entries(b"kept"))
        log.append("fills", entries(b"fill"))
        log.checkpoint("gateway", {"intents": 2}, b"state")

    assert [row.payload for row in own(LogReader(log.path, "intents")).read(0, 10)] == [b"before", b"kept"]
    assert own(LogReader(log.path, "fills")).last_seq() == 1
    assert log.checkpointed("gateway") == Checkpoint({"intents": 2}, b"state")
    assert log.checkpointed("nobody") is None


def test_a_writer_goes_on_where_the_last_one_stopped(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"], durability="normal"))
    log.append("bars", entries(b"a"))
    log.close()

    again = own(LogWriter(folder / "bars.db", ["bars"], durability="normal"))

    assert [row.seq for row in again.append("bars", entries(b"b"))] == [2]


def test_a_second_writer_is_refused_by_the_name_of_the_first(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))

    with pytest.raises(StreamError, match=f"has a writer already: process {os.getpid()}"):
        own(LogWriter(folder / "bars.db", ["bars"]))
    log.close()

    LogWriter(folder / "bars.db", ["bars"]).close()


DIES = """
import os, sys
from pathlib import Path
from flotilla.stream.log import LogWriter
log = LogWriter(Path(sys.argv[1]), ["bars"], durability=sys.argv[2])
for n in range(50):
    log.append("bars", [(n, b"x%d" % n)])
log._db.execute("BEGIN IMMEDIATE")
log._db.execute("INSERT INTO bars VALUES (51, 51, 0, 'not committed')")
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("durability", ["full", "normal"])
def test_what_a_killed_writer_committed_is_all_there(folder, own, durability):
    path = folder / "bars.db"
    subprocess.run([sys.executable, "-c", DIES, str(path), durability], check=False)

    rows = own(LogReader(path, "bars")).read(0, 100)
    (following,) = own(LogWriter(path, ["bars"])).append("bars", entries(b"next"))

    assert [row.payload for row in rows] == [b"x%d" % n for n in range(50)]
    assert following.seq == 51


def test_a_write_torn_by_a_crash_loses_its_own_transaction_alone(folder, own):
    path = folder / "bars.db"
    subprocess.run([sys.executable, "-c", DIES, str(path), "normal"], check=False)
    wal = Path(f"{path}-wal")
    os.truncate(wal, wal.stat().st_size - 2_000)  # the last page, of the last commit, is half written
    Path(f"{path}-shm").unlink()

    rows = own(LogReader(path, "bars")).read(0, 100)

    assert 0 < len(rows) < 50
    assert [row.payload for row in rows] == [b"x%d" % n for n in range(len(rows))]


def damage(path: Path, old: bytes, new: bytes) -> None:
    raw = path.read_bytes()
    assert raw.count(old) == 1
    path.write_bytes(raw.replace(old, new))


def test_a_damaged_row_is_found_and_named(folder, own):
    path = folder / "bars.db"
    log = own(LogWriter(path, ["bars"]))
    log.append("bars", entries(b"first payload", b"second payload", b"third payload"))
    log.close()
    damage(path, b"second payload", b"sEcond payload")

    reader = own(LogReader(path, "bars"))

    assert [row.payload for row in reader.read(0, 1)] == [b"first payload"]
    with pytest.raises(DataError, match=r"bars\.db: row 2 of bars is damaged"):
        reader.read(0, 10)


def test_a_row_that_is_gone_is_not_taken_for_the_end(folder, own):
    path = folder / "bars.db"
    log = own(LogWriter(path, ["bars"]))
    log.append("bars", entries(b"a", b"b", b"c"))
    log.close()
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM bars WHERE seq = 2")

    with pytest.raises(DataError, match="row 2 of bars is missing"):
        own(LogReader(path, "bars")).read(0, 10)


def test_a_damaged_checkpoint_is_found(folder, own):
    path = folder / "portfolio.db"
    log = own(LogWriter(path, ["equity"]))
    log.checkpoint("portfolio", {"bars": 7}, b"all that it knows")
    log.close()
    damage(path, b"all that it knows", b"all that it knew.")

    with pytest.raises(DataError, match="checkpoint of portfolio is damaged"):
        own(LogWriter(path, ["equity"])).checkpointed("portfolio")


@given(st.integers(0, 3 * 4096 - 1), st.integers(0, 255))
def test_any_damaged_byte_is_refused_or_does_not_matter(tmp_path_factory, position, value):
    path = tmp_path_factory.mktemp("damage") / "bars.db"
    log = LogWriter(path, ["bars"], durability="normal")
    good = log.append("bars", [(n, b"payload %d" % n) for n in range(5)])
    log.close()
    raw = bytearray(path.read_bytes())
    raw[position % len(raw)] = value
    path.write_bytes(raw)

    try:
        LogWriter(path, ["bars"], durability="normal").close()
        with closing(LogReader(path, "bars")) as reader:
            rows = reader.read(0, 10)
    except (DataError, StreamError):
        return

    assert rows == good


def test_a_file_of_somebody_else_is_refused(folder, own):
    with sqlite3.connect(folder / "other.db") as db:
        db.execute("CREATE TABLE t (x)")
    (folder / "text.db").write_text("not a database at all, but long enough to have a header " * 3)

    with pytest.raises(DataError, match="not a log of version 1"):
        own(LogWriter(folder / "other.db", ["bars"]))
    with pytest.raises(DataError, match="is damaged, or no log"):
        own(LogWriter(folder / "text.db", ["bars"]))


def test_a_writer_that_failed_refuses_all_that_follows(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))
    log.append("bars", entries(b"a"))
    log._db.execute("PRAGMA query_only = on")  # the disk says no

    with pytest.raises(StreamError, match="cannot be written"):
        log.append("bars", entries(b"b"))
    log._db.execute("PRAGMA query_only = off")

    with pytest.raises(StreamError, match="failed before"):
        log.append("bars", entries(b"b"))
    assert log.last_seq("bars") == 1


def test_a_lock_of_somebody_else_is_not_waited_for_without_end_and_no_failure(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"], patience_s=0.01))
    other = own(sqlite3.connect(folder / "bars.db", isolation_level=None))
    other.execute("BEGIN IMMEDIATE")

    for payloads in ((b"a",), (b"a", b"b")):
        with pytest.raises(LogBusy, match="locked"):
            log.append("bars", entries(*payloads))
    other.execute("ROLLBACK")

    assert [row.seq for row in log.append("bars", entries(b"a", b"b"))] == [1, 2]


def test_a_file_with_streams_that_nobody_declared_is_refused(folder, own):
    LogWriter(folder / "bars.db", ["bars", "quotes"]).close()

    with pytest.raises(DataError, match=r"not known here.*quotes"):
        own(LogWriter(folder / "bars.db", ["bars"]))


def test_only_the_owner_may_read_the_file(folder, own):
    own(LogWriter(folder / "bars.db", ["bars"])).append("bars", entries(b"a"))

    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_stream_has_a_plain_name(folder, own):
    with pytest.raises(ConfigError, match="cannot name a stream"):
        own(LogWriter(folder / "bars.db", ['bars"; DROP TABLE bars; --']))
    with pytest.raises(StreamError, match="there is no log"):
        own(LogReader(folder / "bars.db", "bars"))


def test_the_oldest_rows_can_be_dropped_and_never_the_last(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))
    reader = own(LogReader(folder / "bars.db", "bars"))
    assert (reader.first_seq(), log.drop("bars", 10**18, 10)) == (1, 0)
    log.append("bars", entries(b"a", b"b", b"c", b"d"))  # at 1,000 to 1,003

    dropped = [log.drop("bars", 1_003, 2), log.drop("bars", 1_003, 2), log.drop("bars", 10**18, 10)]

    assert dropped == [2, 1, 0]
    assert reader.first_seq() == reader.last_seq() == 4
    assert [row.payload for row in reader.read(3, 10)] == [b"d"]


def test_a_reader_is_told_that_what_it_asks_for_was_dropped(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))
    log.append("bars", entries(b"a", b"b", b"c"))

    log.drop("bars", 1_001, 10)

    with pytest.raises(DataError, match="row 1 of bars is missing"):
        own(LogReader(folder / "bars.db", "bars")).read(0, 10)


def test_an_old_row_behind_a_young_one_stays(folder, own):
    log = own(LogWriter(folder / "bars.db", ["bars"]))
    log.append("bars", [(5, b"a"), (9, b"young"), (5, b"b"), (9, b"c")])

    assert log.drop("bars", 8, 10) == 1


@pytest.mark.parametrize("taken", ["", "-wal"])
def test_a_file_that_is_taken_away_is_missed_at_the_next_write(folder, own, monkeypatch, taken):
    monkeypatch.setattr("flotilla.stream.log._LOOK_NS", 0)
    path = folder / "bars.db"
    log = own(LogWriter(path, ["bars"]))
    log.append("bars", entries(b"a"))

    Path(f"{path}{taken}").unlink()

    assert log.removed
    with pytest.raises(StreamError, match=f"{path} was removed, or replaced"):
        log.append("bars", entries(b"b"))
    with pytest.raises(StreamError, match="open it again"):
        log.append("bars", entries(b"b"))


def test_a_log_that_is_needed_is_not_begun_anew_where_it_is_gone(folder):
    path = folder / "orders.db"
    with closing(LogWriter(path, ["intents"], once=True)) as log:
        log.append("intents", entries(b"a"))
    LogWriter(path, ["intents"], once=True).close()  # it is there: nothing is said

    path.unlink()

    with pytest.raises(StreamError, match="is gone, which was there before"):
        LogWriter(path, ["intents"], once=True)
    with closing(LogWriter(path, ["intents"])) as log:  # where it is not needed it is
        assert log.last_seq("intents") == 0


def test_a_new_log_takes_up_nothing_of_one_that_was_removed(folder):
    path, kept = folder / "orders.db", folder / "kept"
    log = LogWriter(path, ["intents"])
    log.append("intents", entries(b"a"))
    kept.write_bytes(Path(f"{path}-wal").read_bytes())
    log.close()
    path.unlink()
    kept.rename(f"{path}-wal")

    with closing(LogWriter(path, ["intents"])) as anew:
        assert anew.last_seq("intents") == 0

"""A stream that survives: a SQLite table, written by one process and read by many.

1. A file belongs to one writer, which holds an OS lock on `<file>.lock` for as long as it
   lives (`_claim`); a second one is refused by name. Readers open the file read-only.
   (SQLite before 3.51.3 could corrupt a WAL file when two connections wrote or
   checkpointed at the same moment. Here only one ever may, so no version is refused.)
2. A stream is a table of rows (seq, ts, checksum, payload), `seq` gapless from 1. A writer
   may keep several streams in its file; what it appends inside one `transaction` is there
   after a crash as a whole or not at all. It may `drop` the oldest rows, never the last one,
   so that no number is used twice; `first_seq` tells a reader where the stream begins now.
3. A consumer keeps its cursors and its state (`checkpoint`) in its own file, in the same
   transaction as the rows that they caused: after a crash it reads its sources from the
   cursors, and nothing has happened twice or half.
4. Every row read is checked against its checksum, and for being the next one (`_rows`), so
   a damaged file is named with the row and is never taken for a shorter one.

Durability is the caller's choice. "full" waits for the disk at each commit: orders and
fills. "normal" survives the death of the process, not that of the machine, which may lose
the last moments: market data and signals, which can be had again.

The file has mode 0600. A writer whose disk failed refuses everything after: what the disk
holds is known only by opening it again. Where somebody else's lock kept it from writing
(`LogBusy`), nothing was written, and the same may be tried again. One whose file was taken away
says so at its next write, a fifth of a second later: what it wrote on would be seen by nobody.
"""

from __future__ import annotations

import re
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple, Protocol
from zlib import crc32

import msgspec

from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError, DataError, StreamError
from flotilla.stream.codec import LogRow
from flotilla.stream.files import without_room
from flotilla.stream.log_file import BUSY_S, THERE, claim, connect, files, made

Durability = Literal["full", "normal"]

_APPLICATION = 0x464C4F47  # "FLOG", in SQLite's header, so that another file is not taken for ours
_SCHEMA = 1
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,47}")
_CHECKPOINT = (
    "CREATE TABLE _checkpoint (consumer TEXT PRIMARY KEY, cursors BLOB NOT NULL, state BLOB NOT NULL, "
    "crc INTEGER NOT NULL)"
)
_TABLE = (
    'CREATE TABLE "{}" (seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, crc INTEGER NOT NULL, '
    "payload BLOB NOT NULL)"
)
_ROOM = 4_100_000  # bytes: a little more than the 1,000 pages after which SQLite begins its journal anew
_LOOK_NS = 200_000_000  # between two looks whether the file is still there
_pair = struct.Struct("<qq").pack


class LogBusy(StreamError):
    """Somebody else holds a lock on the file; nothing was written."""

    retry = True


class LogNotBegun(StreamError):
    """The log is not there yet, or its writer died, or had no room, before it made the stream."""

    retry = True


class Replay(Protocol):
    """Where the rows of one stream can be had again."""

    def read(self, after_seq: int, limit: int) -> list[LogRow]:
        """Return at most `limit` rows that follow `after_seq`, without a hole."""

    def last_seq(self) -> int:
        """Return the seq of the last row, 0 where there is none."""


class Checkpoint(NamedTuple):
    """How far a consumer has come, and what it knows there."""

    cursors: dict[str, int]  # stream -> seq of the last row that `state` holds
    state: bytes


class LogWriter:
    """The one writer of a log file."""

    def __init__(
        self,
        path: Path,
        streams: Sequence[str],
        *,
        durability: Durability = "full",
        patience_s: float = BUSY_S,
        once: bool = False,
    ) -> None:
        """Open `path`, made if it is not there; check it; take it for this process.

        patience_s: how long a write waits for a lock that somebody holds who should not. once: a log that was
        there before and is gone is not begun anew, `StreamError`: what it held is needed.
        """
        for stream in streams:
            _check_name(stream)
        self.path = path
        self._failed = ""
        self._inside = False
        with ExitStack() as opened, _named(path):
            self._lock = opened.enter_context(claim(path, once))
            self._db = opened.enter_context(closing(made(path)))
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(f"PRAGMA synchronous = {durability}")
            _check(self._db, path)
            self._last = _tables(self._db, path, streams)
            if durability == "full":
                _make_room(self._db)
            self._db.execute(f"PRAGMA busy_timeout = {round(patience_s * 1000)}")
            self._lock.write(THERE)
            self._lock.flush()
            self._once, self._files, self._looked_ns = once, files(path), monotonic_ns()
            opened.pop_all()  # all is well: they stay open

    @property
    def removed(self) -> bool:
        """Return whether somebody took the file away, or put another in its place."""
        self._looked_ns = monotonic_ns()
        return files(self.path) != self._files

    @property
    def _begun_anew(self) -> bool:
        """Return whether a log that was removed could be begun anew where it lay, or must not be."""
        # With its whole folder gone nobody begins another, and who holds it open still hears the last words.
        return self._once or self.path.parent.is_dir()

    def last_seq(self, stream: str) -> int:
        """Return the seq of the last row of `stream`, 0 where there is none."""
        return self._last[stream]

    def numbered(self, stream: str, entries: Iterable[tuple[int, bytes]]) -> list[LogRow]:
        """Return the rows that (ts, payload) entries would be, were they appended now."""
        return [LogRow(seq, ts, payload) for seq, (ts, payload) in enumerate(entries, self._last[stream] + 1)]

    def append(self, stream: str, entries: Iterable[tuple[int, bytes]]) -> list[LogRow]:
        """Append (ts, payload) entries and return them as rows: committed, unless a transaction is open."""
        insert = f'INSERT INTO "{stream}" VALUES (?, ?, ?, ?)'  # noqa: S608 the name was checked
        rows = self.numbered(stream, entries)
        values = [(row.seq, row.ts, _checksum(row), row.payload) for row in rows]
        if len(rows) == 1 and not self._inside:
            with self._written():  # one statement is a transaction by itself, and faster
                self._db.execute(insert, values[0])
                self._last[stream] += 1
        else:
            with self.transaction():
                self._db.executemany(insert, values)
                self._last[stream] += len(rows)
        return rows

    def drop(self, stream: str, older_than: int, limit: int) -> int:
        """Drop at most `limit` rows from the front of `stream` with a ts below `older_than`; return how many.

        It stops at the first row that is young enough, and before the last one.
        """
        name = f'"{stream}"'
        young = f"SELECT min(seq) FROM (SELECT seq, ts FROM {name} ORDER BY seq LIMIT ?) WHERE ts >= ?"  # noqa: S608
        with self.transaction():
            first = _first_seq(self._db, stream)
            end = min(first + limit, self._last[stream])
            (found,) = self._db.execute(young, (limit, older_than)).fetchone()
            end = end if found is None else min(end, found)
            self._db.execute(f"DELETE FROM {name} WHERE seq < ?", (end,))  # noqa: S608
        return max(end - first, 0)

    def checkpoint(self, consumer: str, cursors: Mapping[str, int], state: bytes) -> None:
        """Remember how far `consumer` has come, in place of what was remembered before."""
        packed = msgspec.msgpack.encode(dict(cursors))
        with self.transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO _checkpoint VALUES (?, ?, ?, ?)",
                (consumer, packed, state, crc32(state, crc32(packed))),
            )

    def checkpointed(self, consumer: str) -> Checkpoint | None:
        """Return what `consumer` last remembered."""
        with _named(self.path):
            row = self._db.execute("SELECT * FROM _checkpoint WHERE consumer = ?", (consumer,)).fetchone()
        if row is None:
            return None
        _, packed, state, crc = row
        if crc32(state, crc32(packed)) != crc:
            raise DataError(f"{self.path}: the checkpoint of {consumer} is damaged")
        return Checkpoint(msgspec.msgpack.decode(packed, type=dict[str, int]), state)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit what is appended and checkpointed inside as a whole; nothing of it on an error."""
        if self._inside:
            yield
            return
        before = dict(self._last)
        try:
            with self._written():
                self._db.execute("BEGIN IMMEDIATE")
                self._inside = True
                yield
                self._db.execute("COMMIT")
        finally:
            self._inside = False
            if self._db.in_transaction:  # an error came out of it
                self._last = before
                with suppress(sqlite3.Error):  # the file is closed to us either way
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _written(self) -> Iterator[None]:
        """Let something be written, unless a write failed before."""
        if self._failed:
            raise StreamError(f"{self.path} failed before ({self._failed}); open it again")
        if monotonic_ns() - self._looked_ns > _LOOK_NS and self.removed and self._begun_anew:
            self._failed = "it was removed"
            raise StreamError(f"{self.path} was removed, or replaced, while it was written")
        try:
            yield
        except sqlite3.Error as error:
            if _primary(error) == sqlite3.SQLITE_BUSY:
                raise LogBusy(f"{self.path} cannot be written now: {error}") from error
            # After a failed write or sync nobody knows what the disk holds: a second try that
            # succeeds would prove nothing (the kernel may have dropped the dirty pages).
            self._failed = str(error)
            room = without_room(self.path)
            raise StreamError(f"{self.path} cannot be written: {error}{room}") from error

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._db.close()
        self._lock.close()


class LogReader:
    """A reader of one stream of a log file, in any process. A `Replay`."""

    def __init__(self, path: Path, stream: str) -> None:
        _check_name(stream)
        self.path, self.stream = path, stream
        if not path.exists():
            raise LogNotBegun(f"there is no log at {path}")
        with ExitStack() as opened, _named(path):
            self._db = opened.enter_context(closing(connect(path, "ro")))
            found = self._db.execute("SELECT sql FROM sqlite_schema WHERE name = ?", (stream,)).fetchone()
            if found is None:
                raise LogNotBegun(f"{path} holds no stream {stream} yet")
            if found != (_TABLE.format(stream),):
                raise StreamError(f"{path} holds no stream {stream}")
            opened.pop_all()

    def read(self, after_seq: int, limit: int) -> list[LogRow]:
        """Return at most `limit` rows that follow `after_seq`; `DataError` names a damaged one."""
        with _named(self.path):
            return _rows(self._db, self.path, self.stream, after_seq, limit)

    def last_seq(self) -> int:
        """Return the seq of the last row, 0 where there is none."""
        with _named(self.path):
            return _last_seq(self._db, self.stream)

    def first_seq(self) -> int:
        """Return the seq of the oldest row that is kept, 1 where there is none."""
        with _named(self.path):
            return _first_seq(self._db, self.stream)

    def close(self) -> None:
        """Close the file."""
        self._db.close()


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, with the file's name."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StreamError(f"{path} cannot be used: {error}{without_room(path)}") from error
    except OSError as error:
        raise StreamError(f"{path} cannot be used: {error.strerror or error}{without_room(path)}") from error
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: damaged bytes in a message
        raise DataError(f"{path} is damaged, or no log: {error}") from error


def _primary(error: sqlite3.Error) -> int:
    """Return SQLite's own number of an error, without what it adds to it; 0 for one of Python's."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _check_name(stream: str) -> None:
    if not _NAME.fullmatch(stream):
        raise ConfigError(f"{stream!r} cannot name a stream; it must match {_NAME.pattern}")


def _check(db: sqlite3.Connection, path: Path) -> None:
    """Raise `DataError` where the file is not a whole log of ours; a new file is made one."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (schema,) = db.execute("PRAGMA user_version").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables == 0:  # new, or its maker died before the first commit
        db.execute("BEGIN IMMEDIATE")
        db.execute(f"PRAGMA application_id = {_APPLICATION}")
        db.execute(f"PRAGMA user_version = {_SCHEMA}")
        db.execute(_CHECKPOINT)
        db.execute("COMMIT")
    elif (application, schema) != (_APPLICATION, _SCHEMA):
        raise DataError(f"{path} is not a log of version {_SCHEMA} (it says {application:#x}, {schema})")
    (verdict,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise DataError(f"{path} is damaged: {verdict}")


def _tables(db: sqlite3.Connection, path: Path, streams: Sequence[str]) -> dict[str, int]:
    """Make the streams that are not there yet; return the last seq of each."""
    # Else a stream whose entry in the schema is damaged would be begun anew beside its rows, or
    # have them hidden; SQLite itself does not check the text of a schema.
    db.execute("DROP TABLE IF EXISTS _room")  # its maker died before it could
    known = {("table", "_checkpoint", _CHECKPOINT), ("index", "sqlite_autoindex__checkpoint_1", None)}
    known |= {("table", stream, _TABLE.format(stream)) for stream in streams}
    if strange := set(db.execute("SELECT type, name, sql FROM sqlite_schema")) - known:
        raise DataError(f"{path} holds what is not known here: {strange}")
    made = {name for (name,) in db.execute("SELECT name FROM sqlite_schema")}
    for stream in streams:
        if stream not in made:
            db.execute(_TABLE.format(stream))
    return {stream: _last_seq(db, stream) for stream in streams}


def _make_room(db: sqlite3.Connection) -> None:
    """Let SQLite's journal (the WAL) grow to its full size now.

    A commit that makes a file longer waits for the file system's own journal as well: twice
    as long, measured, as one that writes over old frames. Without this the first several
    hundred commits of a process, a day's orders perhaps, would each wait for that.
    """
    db.execute("CREATE TABLE _room (space BLOB)")
    db.execute("INSERT INTO _room VALUES (zeroblob(?))", (_ROOM,))
    db.execute("DROP TABLE _room")


def _checksum(row: LogRow) -> int:
    # Over the seq and the time too: a row copied to another place is found as well.
    return crc32(row.payload, crc32(_pair(row.seq, row.ts)))


def _rows(db: sqlite3.Connection, path: Path, stream: str, after_seq: int, limit: int) -> list[LogRow]:
    rows = []
    query = f'SELECT seq, ts, payload, crc FROM "{stream}" WHERE seq > ? ORDER BY seq LIMIT ?'  # noqa: S608
    found = db.execute(query, (after_seq, limit))
    for expected, (seq, ts, payload, crc) in enumerate(found, after_seq + 1):
        row = LogRow(seq, ts, payload)
        if seq != expected:
            raise DataError(f"{path}: row {expected} of {stream} is missing (the next is {seq})")
        if not isinstance(payload, bytes) or not isinstance(ts, int) or _checksum(row) != crc:
            raise DataError(f"{path}: row {seq} of {stream} is damaged")
        rows.append(row)
    return rows


def _last_seq(db: sqlite3.Connection, stream: str) -> int:
    (last,) = db.execute(f'SELECT max(seq) FROM "{stream}"').fetchone()  # noqa: S608
    return last or 0


def _first_seq(db: sqlite3.Connection, stream: str) -> int:
    (first,) = db.execute(f'SELECT min(seq) FROM "{stream}"').fetchone()  # noqa: S608
    return first or 1

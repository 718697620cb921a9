"""What was decided and not yet sent, kept over any crash: one SQLite file with one writer.

The cursor into the fleet's events, the rules' state and the messages that follow from them
change in one transaction: after a kill, either the event is read again or its messages are
there. A letter goes to each address of its target, by its number there: which they are stands
elsewhere, so `split` says how many once that is known. What was sent to an address is not owed to
it any more, and a letter that is owed to nobody is deleted; a kill between sending and that sends
it twice, with the same number, and never not at all.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from flotilla.errors import StreamError
from flotilla.fleet.alerts.rules import AlertState, Message
from flotilla.fleet.spec.preferences import Alerts

_TABLES = """
CREATE TABLE IF NOT EXISTS kept (one INTEGER PRIMARY KEY CHECK (one = 1), cursor INTEGER, state BLOB);
CREATE TABLE IF NOT EXISTS letters (
    number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, target TEXT, severity TEXT, title TEXT, body TEXT);
CREATE INDEX IF NOT EXISTS by_target ON letters (target, number);
CREATE TABLE IF NOT EXISTS owed (
    number INTEGER, address INTEGER, PRIMARY KEY (number, address)) WITHOUT ROWID;
CREATE VIEW IF NOT EXISTS waiting AS
    SELECT number, at, target, ifnull(address, 0) AS address, severity, title, body
    FROM letters LEFT JOIN owed USING (number);
"""


class Queue(NamedTuple):
    """Whom letters wait for."""

    target: str  # "env:NAME" or "file:PATH", never what it stands for
    address: int  # of the target's, counted from 1; 0: how many it has is not known yet


class Letter(NamedTuple):
    """A message to one target, that was not sent yet to all of its addresses."""

    number: int  # the same whenever it is sent again
    at: int  # ns since 1970 UTC, when it was decided
    target: str  # "env:NAME" or "file:PATH", never what it stands for
    severity: str
    title: str
    body: str


class Outbox:
    """The file. `cursor`: the number of the last event that was looked at, 0 for none."""

    def __init__(self, path: Path) -> None:
        """Open `path`, made if need be (0600); StreamError if it is no outbox, or in use."""
        self.is_new = not path.exists()
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._base = sqlite3.connect(path, isolation_level=None, timeout=2.0)
        try:
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")  # one writer: two would tell twice
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            self._base.executescript(_TABLES)
            row = self._base.execute("SELECT cursor, state FROM kept").fetchone()
            self.cursor: int = row[0] if row else 0
            self.state = msgspec.json.decode(row[1], type=AlertState) if row else AlertState()
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            self._base.close()
            raise StreamError(f"{path} cannot be used: {error}") from error

    def keep(
        self, cursor: int, state: AlertState, messages: Sequence[Message], wanted: Alerts, now_ns: int
    ) -> None:
        """Keep what an event came to: where we are, what we know, and a letter to each target."""
        letters = [
            (now_ns, target, message.severity, message.title, message.body)
            for message in messages
            # A list that was taken out since has its messages go to the last that there is.
            for target in wanted.lists[min(message.to, len(wanted.lists) - 1)].to
        ]
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.execute(
                "INSERT OR REPLACE INTO kept VALUES (1, ?, ?)", (cursor, msgspec.json.encode(state))
            )
            self._base.executemany(
                "INSERT INTO letters (at, target, severity, title, body) VALUES (?, ?, ?, ?, ?)", letters
            )
        self.cursor, self.state = cursor, state

    def queues(self) -> list[Queue]:
        """Return for whom letters wait."""
        return [Queue(*row) for row in self._base.execute("SELECT DISTINCT target, address FROM waiting")]

    def split(self, target: str, addresses: int) -> None:
        """Owe the letters of a target to each of its addresses, now that it is known how many it has."""
        letters = self.waiting(Queue(target, 0), most=-1)
        owed = [(one.number, address) for one in letters for address in range(1, addresses + 1)]
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany("INSERT INTO owed VALUES (?, ?)", owed)

    def waiting(self, queue: Queue, most: int = 100) -> list[Letter]:
        """Return the letters of a queue, oldest first. most: -1 is all of them."""
        rows = self._base.execute(
            "SELECT number, at, target, severity, title, body FROM waiting "
            "WHERE target = ? AND address = ? ORDER BY number LIMIT ?",
            (*queue, most),
        )
        return [Letter(*row) for row in rows]

    def sent(self, letters: Sequence[Letter], address: int) -> None:
        """Take note that letters were sent to an address of their target."""
        done = [(one.number, address) for one in letters]
        gone = "DELETE FROM letters WHERE number = ? AND number NOT IN (SELECT number FROM owed)"
        with self._base:
            self._base.execute("BEGIN IMMEDIATE")
            self._base.executemany("DELETE FROM owed WHERE number = ? AND address = ?", done)
            self._base.executemany(gone, [(one.number,) for one in letters])

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._base.close()

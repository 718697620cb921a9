"""What happened in a fleet, in order: events with gapless numbers, kept for some days.

1. The supervisor is the one writer (`EventStore`). It waits for no disk: an event survives the
   death of every process of ours, not that of the machine. What must survive that is in the audit.
2. Anyone reads, from a number on, in any process (`EventReader`), while the supervisor writes or
   when it is gone. Numbers below `first_seq` were dropped by age; a reader that asks for them gets
   what follows, and sees the hole in the numbers. One that was changed on the disk is told of as such.
3. A reader that follows is a cursor, not a queue: however slow it is, nothing grows.
4. An event is old when it is so by the machine's clock, and by the events' own time as well: that of the
   newest one that was there when the store was opened, and what has passed since. So a clock that is set a
   month ahead drops nothing; and what was kept before a long pause goes only as the fleet runs on.

There is one record type per kind of event (kinds.py). Readers get it as an `Event`, whose
`data` holds the kind's own fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from flotilla.clock import DAY_NS, monotonic_ns, now_ns
from flotilla.errors import DataError, FlotillaError, StreamError
from flotilla.fleet.history.kinds import Happening, event_fields
from flotilla.stream.log import LogBusy, LogReader, LogWriter

STREAM = "events"
MOST = 500_000  # events that are kept, however young
_AGAIN_NS = 2_000_000_000  # between two openings of a file that failed
_PATIENCE_S = 0.05  # for a lock that somebody else holds: the loop that writes here has more to do
_LATER = 2**63 - 1  # ns since 1970: after every event
_BATCH = 1_000  # rows that are read, or dropped, in one go: the loop that asks is not held up for longer


class NewEvent(NamedTuple):
    """An event as it is handed in: without its number."""

    kind: str
    platform: str
    data: Mapping[str, Any] | Happening
    text: str
    ts: int = 0  # ns since 1970, UTC; 0: now


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that happened."""

    seq: int  # counts the events of a fleet, from 1
    ts: int  # ns since 1970, UTC
    kind: str  # of kinds.py
    platform: str = ""  # empty: the fleet as a whole
    text: str = ""  # for a person
    data: dict[str, Any] = {}


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    kind: str
    platform: str
    text: str
    data: dict[str, Any]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Stored).decode


class EventReader:
    """A reader of a fleet's events, in any process."""

    def __init__(self, path: Path) -> None:
        """Open the store at `path`; `StreamError` where there is none."""
        self._log = LogReader(path, STREAM)

    def read(self, from_seq: int = 1, limit: int = _BATCH) -> list[Event]:
        """Return at most `limit` events, oldest first, with `from_seq` or the next that is kept."""
        after = max(from_seq, 1) - 1
        while True:
            try:
                return [_event(*row) for row in self._log.read(after, limit)]
            except DataError:
                kept = self._log.first_seq() - 1
                if after >= kept:  # not dropped by age, then
                    return self._one_by_one(after, limit)
                after = kept

    def _one_by_one(self, after: int, limit: int) -> list[Event]:
        """Return events around one that is damaged, and in its place that it is."""
        found = []
        for seq in range(after + 1, min(after + limit, self.last_seq()) + 1):
            try:
                found += [_event(*row) for row in self._log.read(seq - 1, 1)]
            except DataError as error:
                found.append(Event(seq=seq, ts=0, kind="damaged", text=str(error), data={"why": str(error)}))
        return found

    def last_seq(self) -> int:
        """Return the number of the last event, 0 where there is none."""
        return self._log.last_seq()

    def first_seq(self) -> int:
        """Return the number of the oldest event that is kept, 1 where there is none."""
        return self._log.first_seq()

    def close(self) -> None:
        """Close the file."""
        self._log.close()


class EventStore:
    """The one writer of a fleet's events, and a reader beside it."""

    def __init__(self, path: Path) -> None:
        """Open `path`, made if need be (0600); `StreamError` where another process writes it."""
        self._path = path
        self._log = self._writer()
        self._failed_ns: int | None = None
        self._sure = 0  # the last event that is no part of the append that failed
        try:
            self._reader = EventReader(path)
            newest = self._reader.read(self.last_seq(), 1)
        except FlotillaError:
            self._log.close()
            raise
        self._newest_ns = (newest[0].ts if newest else 0) or now_ns()
        self._opened_ns = monotonic_ns()

    def append(
        self, kind: str, platform: str = "", data: Mapping[str, Any] | Happening | None = None, text: str = ""
    ) -> int:
        """Append what happened now and return its number. A kind or field that is not known is kept too.

        `StreamError` where the disk would not have it, and a later append opens the file again (`mend`) and
        goes on; or where somebody else holds a lock on it (`LogBusy`).
        """
        return self.append_all([NewEvent(kind, platform, {} if data is None else data, text)])

    def append_all(self, told: Sequence[NewEvent]) -> int:
        """As `append`, of all that happened at once; return the number of the last."""
        self.mend()
        now = now_ns()
        entries = [
            (one.ts or now, _encode(_Stored(one.kind, one.platform, one.text, event_fields(one.data))))
            for one in told
        ]
        self._sure = self.last_seq()
        try:
            self._log.append(STREAM, entries)
        except LogBusy:  # it is as it was
            raise
        except StreamError:
            self._failed_ns = monotonic_ns()
            raise
        return self.last_seq()

    def read(self, from_seq: int = 1, limit: int = _BATCH) -> list[Event]:
        """As `EventReader.read`."""
        return self._reader.read(from_seq, limit)

    def last_seq(self) -> int:
        """Return the number of the last event, 0 where there is none."""
        return self._log.last_seq(STREAM)

    def first_seq(self) -> int:
        """Return the number of the oldest event that is kept, 1 where there is none."""
        return self._reader.first_seq()

    def expire(self, days: float, now: int, most: int = MOST) -> int:
        """Drop a batch of what is older than `days` before `now` (ns UTC), or more than `most`; return it.

        Nothing is dropped when it returns 0; until then it is worth another call.
        """
        own = self._newest_ns + monotonic_ns() - self._opened_ns
        dropped = self._log.drop(STREAM, min(now, own) - int(days * DAY_NS), _BATCH)
        excess = self.last_seq() - self.first_seq() + 1 - most
        if excess > 0:
            dropped += self._log.drop(STREAM, _LATER, min(excess, _BATCH))
        return dropped

    def close(self) -> None:
        """Close the file and let another process have it."""
        self._reader.close()
        self._log.close()

    def mend(self) -> int:
        """Open the file again after a write that failed: what the disk holds is known only then.

        Return how many events of the append that failed are there all the same. `StreamError` where it
        cannot be opened, or failed a moment ago; `DataError` where it is damaged, or was removed.
        """
        if self._failed_ns is None:
            return 0
        if monotonic_ns() - self._failed_ns < _AGAIN_NS:
            raise StreamError(f"{self._path} failed a moment ago")
        self._failed_ns = monotonic_ns()
        removed = self._log.removed
        self._log.close()
        if removed:
            raise DataError(f"{self._path} was removed while it was written, and what it held is lost")
        try:
            self._log = self._writer()
        except OSError as error:
            raise StreamError(f"{self._path} cannot be opened again: {error}") from error
        self._failed_ns = None
        return max(self.last_seq() - self._sure, 0)

    def _writer(self) -> LogWriter:
        return LogWriter(self._path, [STREAM], durability="normal", patience_s=_PATIENCE_S)


def _event(seq: int, ts: int, payload: bytes) -> Event:
    try:
        stored = _decode(payload)
    except msgspec.MsgspecError as error:
        raise DataError(f"event {seq} cannot be read: {error}") from error
    kind, platform, text, data = stored.kind, stored.platform, stored.text, stored.data
    return Event(seq=seq, ts=ts, kind=kind, platform=platform, text=text, data=data)

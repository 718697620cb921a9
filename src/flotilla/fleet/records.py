"""What the supervisor writes down: events for whoever looks, the audit trail for whoever must prove.

A fleet is not stopped for its diary. Where the disk is full or fails, what happens is done all the
same; the files are opened anew now and then, and what was lost meanwhile is counted and said.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import DataError, StreamError
from flotilla.fleet.audit import Chain
from flotilla.fleet.events import Event, EventStore
from flotilla.fleet.folder import Folder
from flotilla.fleet.states import Alert, Instruction, Note

_AGAIN_NS = 10_000_000_000  # between two tries to open what failed
_TALKS, _TALK_NS = 20, 10_000_000_000  # so much of what a platform says of itself is kept in so long


class Records:
    """The events and the audit trail of a fleet; one writer of both."""

    def __init__(self, folder: Folder, anchor: Path) -> None:
        """Open both. StreamError where another process writes them."""
        self._folder, self._anchor = folder, anchor
        self._events: EventStore | None = _events(folder.events)
        self._chain: Chain | None = Chain(folder.audit, folder.audit_key, anchor)
        self.broken = self._chain.found  # what is wrong with the trail, empty if nothing
        self._lost = 0
        self._failed_ns = 0
        self._said: dict[str, tuple[int, int, str]] = {}  # by platform: since when, how often, and what last

    @property
    def last_seq(self) -> int:
        """Return the number of the last event."""
        return 0 if self._events is None else self._events.last_seq()

    def read(self, from_seq: int, limit: int) -> Sequence[Event]:
        """Return events from a number on; none while they cannot be read."""
        return [] if self._events is None else self._events.read(max(from_seq, 1), limit)

    def expire(self, days: float) -> int:
        """Drop some of what is older than `days`; return how many, 0 where nothing is left to drop."""
        return 0 if self._events is None else self._events.expire(days, now_ns())

    def event(self, kind: str, name: str, data: dict[str, Any], text: str) -> None:
        """Write an event."""
        if self._events is None and not self._opened():
            return
        try:
            if self._events is not None:
                self._events.append(kind, name, data, text)
        except StreamError:
            self._failed()

    def audit(
        self, who: str, action: str, target: str, why: str, outcome: str, *, sync: bool = False
    ) -> None:
        """Write into the audit trail. sync: wait for the disk."""
        if self._chain is None and not self._opened():
            return
        try:
            if self._chain is not None:
                self._chain.append(who, action, target, why, outcome, sync=sync)
        except StreamError:
            self._failed()

    def write(self, what: Instruction) -> None:
        """Write down what was decided."""
        if isinstance(what, Alert):
            about = what.text.partition(":")[0]
            self.event("alert", what.name, {"severity": what.severity, "about": about}, what.text)
            self.audit("supervisor", "alert", what.name, what.text, what.severity)
        elif isinstance(what, Note) and not self._too_often(what):
            self.event(what.kind, what.name, what.data, what.text)
            if what.kind == "state":
                self.audit("supervisor", what.data["new"], what.name, what.text, "done")
            elif what.kind == "command":
                names = " ".join(what.data["names"])
                who, outcome = what.data["who"] or "supervisor", what.data["outcome"]
                self.audit(who, what.data["command"], names, what.text, outcome, sync=who != "supervisor")

    def _too_often(self, note: Note) -> bool:
        """Return whether a platform talks so much that it would drive out what others have to tell."""
        if note.kind != "status" or not note.name:
            return False
        since_ns, count, before = self._said.get(note.name, (0, 0, ""))
        if monotonic_ns() - since_ns >= _TALK_NS:
            since_ns, count = monotonic_ns(), 0
        if note.text == before or count >= _TALKS:
            return True
        self._said[note.name] = since_ns, count + 1, note.text
        return False

    def close(self) -> None:
        """Close both."""
        if self._chain is not None:
            self._chain.close()
        if self._events is not None:
            self._events.close()
        self._chain = self._events = None

    def _failed(self) -> None:
        self._failed_ns = monotonic_ns()
        self._lost += 1
        for file in (self._chain, self._events):
            with suppress(StreamError, OSError):
                if file is not None:
                    file.close()
        self._chain = self._events = None

    def _opened(self) -> bool:
        """Open them again, if it is time to try; return whether they are."""
        if monotonic_ns() - self._failed_ns < _AGAIN_NS:
            self._lost += 1
            return False
        lost = self._lost
        text = f"the disk failed: {lost} records were lost"
        try:
            self._events = _events(self._folder.events)
            self._chain = Chain(self._folder.audit, self._folder.audit_key, self._anchor)
            data = {"severity": "critical", "about": "the disk failed"}
            self._events.append("alert", "", data, text)
            self._chain.append("supervisor", "alert", "", text, "critical")
        except (StreamError, OSError):
            self._failed()
            return False
        self._lost = 0
        return True


def _events(path: Path) -> EventStore:
    """Open the events; a file that is damaged is put aside: who runs is more than what was told of it."""
    try:
        return EventStore(path)
    except DataError as error:
        aside = path.with_name(f"{path.name}.damaged-{now_ns()}")
        path.rename(aside)
        for more in ("-wal", "-shm"):
            path.with_name(path.name + more).unlink(missing_ok=True)
        store = EventStore(path)
        data = {"severity": "critical", "about": "events damaged"}
        store.append("alert", "", data, f"the events begin anew: {error}; the file is kept as {aside.name}")
        return store

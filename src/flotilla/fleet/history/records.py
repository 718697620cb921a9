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
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.audit import Chain, Deed
from flotilla.fleet.history.events import Event, EventStore, Told
from flotilla.fleet.rules.states import Alert, Instruction, Note

_OWN_DEEDS = frozenset({"fleet_started", "fleet_stopped", "adopted", "stray_killed"})
_AGAIN_NS = 10_000_000_000  # between two tries to open what failed
_TALKS, _TALK_NS = 20, 10_000_000_000  # so much of what a platform says of itself is kept in so long


class Records:
    """The events and the audit trail of a fleet; one writer of both."""

    def __init__(self, folder: Folder, anchor: Path) -> None:
        """Open both, and move the anchor there if it was elsewhere. StreamError where another writes them."""
        self._folder = folder
        self._lost = 0
        self._failed_ns = 0
        self._said: dict[str, tuple[int, int, str]] = {}  # by platform: since when, how often, and what last
        before = folder.anchor()
        # Without the old one, and with the new: whoever changed the file has moved it by hand.
        self._anchor = anchor if before is None or (anchor.exists() and not before.exists()) else before
        self._events: EventStore | None = _events(folder.events)
        self._chain: Chain | None = Chain(folder.audit, folder.audit_key, self._anchor)
        self.broken = self._chain.found  # what is wrong with the trail, empty if nothing
        if self._anchor != anchor:
            self._move(self._chain, anchor)
        folder.note_anchor(self._anchor)

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
        self._tell([(kind, name, data, text)])

    def audit(
        self, who: str, action: str, target: str, why: str, outcome: str, *, sync: bool = False
    ) -> None:
        """Write into the audit trail. sync: wait for the disk."""
        self._seal([Deed(who, action, target, why, outcome)], sync=sync)

    def _move(self, chain: Chain, anchor: Path) -> None:
        try:
            chain.move(anchor)
        except StreamError as error:
            self.write(Alert("critical", "", f"the audit's anchor stays at {self._anchor}: {error}"))
        else:
            self._anchor = anchor

    def _seal(self, deeds: Sequence[Deed], *, sync: bool) -> None:
        if not deeds or (self._chain is None and not self._opened(len(deeds))):
            return
        try:
            if self._chain is not None:
                self._chain.append_all(deeds, sync=sync)
        except StreamError:
            self._failed(len(deeds))

    def write(self, *decided: Instruction) -> None:
        """Write down what was decided at once."""
        kept = [one for one in decided if not (isinstance(one, Note) and self._too_often(one))]
        self._tell([event for one in kept if (event := _event(one)) is not None])
        deeds = [deed for one in kept if (deed := _deed(one)) is not None]
        self._seal(deeds, sync=any(deed.who != "supervisor" for deed in deeds))

    def _tell(self, told: Sequence[Told]) -> None:
        if not told or (self._events is None and not self._opened(len(told))):
            return
        try:
            if self._events is not None:
                self._events.append_all(told)
        except StreamError:
            self._failed(len(told))

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

    def _failed(self, lost: int = 1) -> None:
        self._failed_ns = monotonic_ns()
        self._lost += lost
        for file in (self._chain, self._events):
            with suppress(StreamError, OSError):
                if file is not None:
                    file.close()
        self._chain = self._events = None

    def _opened(self, waiting: int = 1) -> bool:
        """Open them again, if it is time to try; return whether they are. waiting: records, lost if not."""
        if monotonic_ns() - self._failed_ns < _AGAIN_NS:
            self._lost += waiting
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


def _event(decided: Instruction) -> Told | None:
    if isinstance(decided, Alert):
        data = {"severity": decided.severity, "about": decided.text.partition(":")[0]}
        return "alert", decided.name, data, decided.text
    return (decided.kind, decided.name, decided.data, decided.text) if isinstance(decided, Note) else None


def _deed(decided: Instruction) -> Deed | None:
    if isinstance(decided, Alert):
        return Deed("supervisor", "alert", decided.name, decided.text, decided.severity)
    if isinstance(decided, Note) and decided.kind == "state":
        return Deed("supervisor", decided.data["new"], decided.name, decided.text, "done")
    if isinstance(decided, Note) and decided.kind == "command":
        data = decided.data
        who = data["who"] or "supervisor"
        return Deed(who, data["command"], " ".join(data["names"]), decided.text, data["outcome"])
    if isinstance(decided, Note) and decided.kind in _OWN_DEEDS:
        fields = ", ".join(f"{key} {value}" for key, value in decided.data.items())
        why = decided.text or decided.data.get("reason") or fields
        return Deed("supervisor", decided.kind.replace("_", " "), decided.name, why, "done")
    return None


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

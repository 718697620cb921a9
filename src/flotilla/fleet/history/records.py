"""What the supervisor writes down: events for whoever looks, the audit trail for whoever must prove.

A fleet is not stopped for its diary. Where the disk is full or fails, or somebody holds a lock on the
events, what happens is done all the same. Each of the two files has a backlog of its own (backlog.py): while
one cannot be written the other goes on, and is told of it; what waits is written once it can be.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flotilla.access.audit import Chain, Deed
from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import DataError, StreamError
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.events import Event, EventStore, NewEvent
from flotilla.fleet.rules.states import Alert, Instruction, Note
from flotilla.stream.backlog import Backlog
from flotilla.words import counted

_OWN_DEEDS = frozenset({"fleet_started", "fleet_stopped", "adopted", "stray_killed"})
_TALKS, _TALK_NS = 20, 10_000_000_000  # so much of what a platform says of itself is kept in so long
_LATEST = 1_000  # events that are looked through for who is ready


class Records:
    """The events and the audit trail of a fleet; one writer of both."""

    def __init__(self, folder: Folder, anchor: Path) -> None:
        """Open both, and move the anchor there if it was elsewhere. StreamError where another writes them."""
        self._folder = folder
        self._sync = False
        self._said: dict[str, tuple[int, int, str]] = {}  # by platform: since when, how often, and what last
        before = folder.anchor()
        # Without the old one, and with the new: whoever changed the file has moved it by hand.
        self._anchor = anchor if before is None or (anchor.exists() and not before.exists()) else before
        self._events: EventStore | None = _events(folder.events)
        self._chain: Chain | None = Chain(folder.audit, folder.audit_key, self._anchor)
        self._told = Backlog(self._append, self._mend_events, self._on_events_failed, self._on_events_lost)
        self._sealed = Backlog(self._link, self._mend_audit, self._on_audit_failed, self._on_audit_lost)
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

    def ready(self) -> dict[str, int]:
        """Return the processes, by platform, that are ready by the latest events.

        Events are written as they happen; state.json is, in a storm of them, a moment later.
        """
        there: dict[str, int] = {}
        ready: dict[str, int] = {}
        for event in self.read(self.last_seq - _LATEST + 1, _LATEST):
            if event.kind == "spawned":
                there[event.platform] = event.data["pid"]
            elif event.kind == "ready" and event.platform in there:
                ready[event.platform] = there[event.platform]
        return ready

    def expire(self, days: float) -> int:
        """Drop some of what is older than `days`; return how many, 0 where nothing is left to drop.

        Where it cannot be now it is nothing either: there is another time.
        """
        try:
            return 0 if self._events is None else self._events.expire(days, now_ns())
        except StreamError:
            return 0

    def event(self, kind: str, name: str, data: dict[str, Any], text: str) -> None:
        """Write an event."""
        self._tell([NewEvent(kind, name, data, text)])

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

    def write(self, *decided: Instruction) -> None:
        """Write down what was decided at once."""
        kept = [one for one in decided if not (isinstance(one, Note) and self._too_often(one))]
        self._tell([event for one in kept if (event := _event(one)) is not None])
        deeds = [deed for one in kept if (deed := _deed(one)) is not None]
        self._seal(deeds, sync=any(deed.who != "supervisor" for deed in deeds))

    def catch_up(self) -> bool:
        """Write what had to wait; return whether there are new events by it. Call it now and then."""
        self._sealed.catch_up()
        return self._told.catch_up()

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
        """Write what waits, if that can be, and close both."""
        self._sealed.catch_up(at_once=True)
        self._told.catch_up(at_once=True)
        if self._chain is not None:
            self._chain.close()
        if self._events is not None:
            self._events.close()
        self._chain = self._events = None

    def _tell(self, told: Sequence[NewEvent]) -> None:
        self._told.put([one._replace(ts=now_ns()) for one in told])

    def _append(self, told: Sequence[NewEvent]) -> None:
        if self._events is None:
            raise StreamError(f"{self._folder.events} is closed")
        self._events.append_all(told)

    def _mend_events(self) -> int:
        try:
            return 0 if self._events is None else self._events.mend()
        except DataError as error:
            damaged, self._events = self._events, _begun_anew(self._folder.events, error)
            if damaged is not None:
                damaged.close()
            return 0

    def _seal(self, deeds: Sequence[Deed], *, sync: bool) -> None:
        self._sync |= sync
        self._sealed.put([one._replace(ts=now_ns()) for one in deeds])

    def _link(self, deeds: Sequence[Deed]) -> None:
        if self._chain is None:
            raise StreamError(f"{self._folder.audit} is closed")
        self._chain.append_all(deeds, sync=self._sync)
        self._sync = False

    def _mend_audit(self) -> int:
        return 0 if self._chain is None else self._chain.mend()

    def _on_events_failed(self, why: str) -> None:
        told = Deed("supervisor", "alert", "", f"events cannot be written, and wait: {why}", "warning")
        self._seal([told], sync=False)

    def _on_audit_failed(self, why: str) -> None:
        self._tell([_alert(Alert("critical", "", f"the audit cannot be written, and waits: {why}"))])

    def _on_events_lost(self, count: int) -> None:
        self.write(Alert("critical", "", f"the disk failed: {counted(count, 'event')} lost"))

    def _on_audit_lost(self, count: int) -> None:
        self.write(Alert("critical", "", f"the disk failed: {counted(count, 'record')} of the audit lost"))


def _event(decided: Instruction) -> NewEvent | None:
    if isinstance(decided, Alert):
        return _alert(decided)
    if isinstance(decided, Note):
        return NewEvent(decided.kind, decided.name, decided.data, decided.text)
    return None


def _alert(decided: Alert) -> NewEvent:
    data = {"severity": decided.severity, "about": decided.text.partition(":")[0]}
    return NewEvent("alert", decided.name, data, decided.text)


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
    try:
        return EventStore(path)
    except DataError as error:
        return _begun_anew(path, error)


def _begun_anew(path: Path, error: DataError) -> EventStore:
    """Put a file that is damaged aside, and begin another: who runs is more than what was told of it."""
    aside = path.with_name(f"{path.name}.damaged-{now_ns()}")
    kept = f"; the file is kept as {aside.name}" if path.exists() else ""
    try:
        if kept:
            path.rename(aside)
        for more in ("-wal", "-shm"):
            path.with_name(path.name + more).unlink(missing_ok=True)
        store = EventStore(path)
    except OSError as failed:
        raise StreamError(f"{path} cannot be begun anew: {failed.strerror}") from failed
    data = {"severity": "critical", "about": "events damaged"}
    store.append("alert", "", data, f"the events begin anew: {error}{kept}")
    return store

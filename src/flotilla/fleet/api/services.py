"""What the routes are handed: the way to the supervisor, the events, the tokens, the counts."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from fastapi import Request

from flotilla.access.gate import Gate
from flotilla.fleet.api.audit_queue import AuditQueue
from flotilla.fleet.api.link import ApiLink
from flotilla.fleet.history.events import EventReader


class Services:
    """One per app."""

    def __init__(self, link: ApiLink, gate: Gate, audit: AuditQueue, *, events: Path, tokens: Path) -> None:
        self.link, self.gate, self.audit, self.tokens = link, gate, audit, tokens
        self.answers: Counter[tuple[str, int]] = Counter()  # (method, status), for the metrics
        self.streams = 0  # that are open
        self._events = events
        self._reader: Opened | None = None

    def reader(self) -> EventReader:
        """Return the events' reader, opened when first asked for; StreamError where there are none yet."""
        inode = self._events.stat().st_ino if self._events.exists() else 0
        if self._reader is None or self._reader.inode != inode:  # begun anew, perhaps
            self.close()
            self._reader = Opened(EventReader(self._events), inode)
        return self._reader.reader

    def close(self) -> None:
        """Close what was opened."""
        if self._reader is not None:
            self._reader.reader.close()
            self._reader = None


class Opened(NamedTuple):
    """A reader, and which file it has."""

    reader: EventReader
    inode: int


def services(request: Request) -> Services:
    """Return what the app of `request` was built with."""
    found = request.app.state.services
    if not isinstance(found, Services):
        raise TypeError("the app was not built by app.build")
    return found

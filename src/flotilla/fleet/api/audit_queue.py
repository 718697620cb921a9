"""What the API tells the audit: logins, denials, tokens made and revoked.

Commands are recorded by the supervisor itself. The audit is the supervisor's, so each record is a command to
it (`record`). Nobody who asks waits for that, and nobody can fill the audit by being denied: of one kind from
one place the first few in a minute are told one by one, and the rest as a number.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from flotilla.access.audit_entry import AuditEntry
from flotilla.clock import monotonic_ns
from flotilla.errors import FlotillaError
from flotilla.fleet.api.link import ApiLink

ONE_BY_ONE = 10  # of a kind, in a window
WINDOW_S = 60.0
_MOST = 1_000  # that wait for the supervisor; beyond that they are only counted, and the number is told
_AGAIN_S = 1.0
_NS = 1_000_000_000


class _Window:
    """How often something was told lately."""

    def __init__(self, since_ns: int) -> None:
        self.since_ns, self.count = since_ns, 0


class AuditQueue:
    """Tells the audit. Run `keep` beside the server."""

    def __init__(self, link: ApiLink, *, now: Callable[[], int] = monotonic_ns) -> None:
        self._link, self._now = link, now
        self._waiting: deque[AuditEntry] = deque()
        self._some = asyncio.Event()
        self._windows: dict[tuple[str, str, str], _Window] = {}
        self._lost = 0  # that could not even wait

    def tell(self, entry: AuditEntry) -> None:
        """Have an entry recorded, soon; where there is too much of it, as a number."""
        self._count_out()
        kind = (entry.who, entry.action, entry.outcome)
        window = self._windows.setdefault(kind, _Window(self._now()))
        window.count += 1
        if window.count <= ONE_BY_ONE:
            self._put(entry)

    async def tell_now(self, entry: AuditEntry) -> None:
        """Have an entry recorded before this returns; raises what the supervisor does."""
        data: dict[str, Any] = {"action": entry.action, "target": entry.target, "outcome": entry.outcome}
        data |= {"alarm": True} if entry.alarm else {}
        await self._link.ask("record", who=entry.who, why=entry.why, data=data)

    async def keep(self) -> None:
        """Tell the supervisor what there is to tell, for ever; wait where there is none."""
        while True:
            await self._some.wait()
            while self._waiting:
                try:
                    await self.tell_now(self._waiting[0])
                except FlotillaError:
                    await asyncio.sleep(_AGAIN_S)
                else:
                    self._waiting.popleft()
                if not self._waiting:
                    self._count_lost()
            self._some.clear()

    async def flush(self, patience_s: float = 1.0) -> None:
        """Say the numbers too, and give `keep` a moment to tell the rest."""
        self._count_out(at_end=True)
        end_ns = self._now() + int(patience_s * _NS)
        while self._waiting and self._now() < end_ns:
            await asyncio.sleep(0.01)

    def _put(self, entry: AuditEntry) -> None:
        if len(self._waiting) >= _MOST:
            self._lost += 1
            return
        self._waiting.append(entry)
        self._some.set()

    def _count_lost(self) -> None:
        if self._lost:
            told = AuditEntry("api", "record", "", f"{self._lost} more could not wait for the supervisor")
            self._lost = 0
            self._put(told)

    def _count_out(self, *, at_end: bool = False) -> None:
        """End the windows whose time has come, and tell what they only counted."""
        before = self._now() - int(WINDOW_S * _NS)
        for kind in [kind for kind, window in self._windows.items() if at_end or window.since_ns <= before]:
            more = self._windows.pop(kind).count - ONE_BY_ONE
            if more > 0:
                who, action, outcome = kind
                self._put(AuditEntry(who, action, f"{more} more", outcome))

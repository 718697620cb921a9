"""What an API has to say to the audit, and who writes it down."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class AuditEntry(NamedTuple):
    """One record to be."""

    who: str
    action: str
    target: str
    outcome: str
    why: str = ""
    alarm: bool = False  # its outcome is an alert as well


class AuditSink(Protocol):
    """Whoever sees to it that entries are written down."""

    def tell(self, entry: AuditEntry) -> None:
        """Have an entry recorded, soon; nobody waits for it."""

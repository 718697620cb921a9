"""What waits for a file that cannot be written now: in memory, in its order, and not without end.

A file that failed is tried again once in a second. What it was handed meanwhile is written then, before what
comes after it; what was too much to keep is counted, and the number is told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from flotilla.clock import monotonic_ns
from flotilla.errors import StreamError

MOST = 10_000  # entries that wait
_AGAIN_NS = 1_000_000_000  # between two tries of a file that failed

T = TypeVar("T")


class Backlog(Generic[T]):
    """The way into one file, over the times at which it cannot be written.

    write: append entries in their order, or raise StreamError.
    mend: called before the next try; returns how many of the entries that failed are there all the same.
    failed: called with the reason, once, when the file begins to fail.
    lost: called with how many could not even be kept, once the file can be written again.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T]], object],
        mend: Callable[[], int],
        failed: Callable[[str], None],
        lost: Callable[[int], None],
    ) -> None:
        self._write, self._mend, self._failed, self._lost = write, mend, failed, lost
        self._waiting: list[T] = []
        self._dropped = 0
        self._failed_ns: int | None = None

    def put(self, entries: Sequence[T]) -> None:
        """Write entries, behind those that wait; where that cannot be they wait too."""
        room = MOST - len(self._waiting)
        self._waiting += entries[:room]
        self._dropped += max(len(entries) - room, 0)
        self.catch_up()

    def catch_up(self, *, at_once: bool = False) -> bool:
        """Write what waits, if it is time to try; return whether anything was written."""
        failing = self._failed_ns is not None
        if self._failed_ns is not None and not at_once and monotonic_ns() - self._failed_ns < _AGAIN_NS:
            return False
        if not self._waiting:
            return False
        try:
            if failing:
                del self._waiting[: self._mend()]
            if self._waiting:
                self._write(self._waiting)
        except StreamError as error:
            self._failed_ns = monotonic_ns()
            if not failing:
                self._failed(str(error))
            return False
        self._waiting, self._failed_ns = [], None
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            self._lost(dropped)
        return True

"""The only file that asks the machine for the time, or waits.

Stages and roles are handed a clock: `SystemClock` live, `ReplayClock` where events are
replayed. Everyone else asks the functions below. Times are integer nanoseconds since
1970, UTC; durations that a person writes are seconds.
"""

from __future__ import annotations

import time
from typing import Protocol


def now_ns() -> int:
    """Return the time of day, ns since 1970, UTC. It may jump when the machine's clock is set."""
    return time.time_ns()


def monotonic_ns() -> int:
    """Return ns since an arbitrary start; it never goes back. For durations and deadlines."""
    return time.monotonic_ns()


def sleep(seconds: float) -> None:
    """Wait `seconds`; zero or less gives the processor away and returns."""
    time.sleep(max(seconds, 0.0))


class Clock(Protocol):
    """What a stage may ask about time."""

    def now(self) -> int:
        """Return ns since 1970, UTC."""


class SystemClock:
    """The machine's time."""

    def now(self) -> int:
        """Return ns since 1970, UTC."""
        return now_ns()


class ReplayClock:
    """The time of the event that is being replayed."""

    def __init__(self, start: int = 0) -> None:
        self._now = start

    def now(self) -> int:
        """Return the time of the latest event, ns since 1970, UTC."""
        return self._now

    def advance(self, ts: int) -> None:
        """Move to `ts`, ns since 1970, UTC; time never goes back."""
        if ts < self._now:
            raise ValueError(f"the clock stands at {self._now} and was asked to go back to {ts}")
        self._now = ts

"""The only file that asks the machine for the time, or waits.

Times are integer nanoseconds since 1970, UTC; durations that a person writes are seconds.
"""

from __future__ import annotations

import time

HOUR_NS = 3_600_000_000_000
DAY_NS = 24 * HOUR_NS


def now_ns() -> int:
    """Return the time of day, ns since 1970, UTC. It may jump when the machine's clock is set."""
    return time.time_ns()


def monotonic_ns() -> int:
    """Return ns since an arbitrary start; it never goes back. For durations and deadlines."""
    return time.monotonic_ns()


def sleep(seconds: float) -> None:
    """Wait `seconds`; zero or less gives the processor away and returns."""
    time.sleep(max(seconds, 0.0))

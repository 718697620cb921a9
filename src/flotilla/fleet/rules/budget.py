"""How often, and how soon, what died may be started again.

A platform has `max_restart_attempts` restarts within `restart_window`. The first one after a run
that was ready comes at once; those that follow within the window wait, at random below a time that
doubles (full jitter, so that what died together does not come back together). A run that was ready
for `healthy_after` clears the budget. Pure: the chance comes in from outside.
"""

from __future__ import annotations

from typing import NamedTuple

from flotilla.fleet.spec import Platform


class Spent(NamedTuple):
    """What a restart costs: restarts within the window, this one too, and how long to wait, ns."""

    restarts: tuple[int, ...]
    delay_ns: int


def ns(seconds: float) -> int:
    """Return seconds as whole nanoseconds."""
    return round(seconds * 1e9)


def recent(restarts: tuple[int, ...], platform: Platform, now_ns: int) -> tuple[int, ...]:
    """Return those of the restarts that still count."""
    start = now_ns - ns(platform.restart_window)
    return tuple(at for at in restarts if at > start)


def healthy(platform: Platform, ready_ns: int | None, now_ns: int) -> bool:
    """Return whether a run that is ready since `ready_ns` has cleared the budget."""
    return ready_ns is not None and now_ns - ready_ns >= ns(platform.backoff.healthy_after)


def spend(
    restarts: tuple[int, ...], platform: Platform, *, was_ready: bool, jitter: float, now_ns: int
) -> Spent | None:
    """Return the next restart, None if there is none left. jitter: [0, 1)."""
    counted = recent(restarts, platform, now_ns)
    if len(counted) >= platform.max_restart_attempts:
        return None
    after = Spent((*counted, now_ns), 0)
    if was_ready and not counted:
        return after
    doublings = min(max(len(counted) - was_ready, 0), 62)
    most = min(platform.backoff.most, platform.backoff.first * 2**doublings)
    return after._replace(delay_ns=max(ns(jitter * most), 1))

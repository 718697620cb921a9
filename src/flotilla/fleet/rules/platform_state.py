"""What is known of one platform: a frozen value, which `decide` makes the next of."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from flotilla.fleet.rules.budget import ns
from flotilla.fleet.rules.states import State
from flotilla.fleet.spec import Overrides, Platform

SERVING = (State.READY, State.DEGRADED)


class Life(Struct, frozen=True):
    """One platform, now. Times are monotonic ns."""

    name: str
    platform: Platform  # as it is run, or was
    state: State = State.STOPPED
    wanted: bool = False  # it should run
    then: Literal["stop", "again", "retry"] = "stop"  # what follows when one that is leaving has left
    pid: int | None = None
    since_ns: int = 0  # in this state
    deadline_ns: int | None = None  # of this state
    ready_ns: int | None = None  # this run is ready since
    beat_ns: int | None = None  # last heard from
    troubles: frozenset[str] = frozenset()  # why it is degraded
    lost: bool = False  # its host is out of sight: no deadline counts
    misses: int = 0  # probes that failed in a row
    restarts: tuple[int, ...] = ()  # within the window
    runs: int = 0
    begun_ns: int = 0  # its process
    probing: bool = False  # the one start after it had failed
    kills: int = 0  # how often it was sent SIGKILL
    last_exit: int | None = None
    reason: str = ""  # for people: why it is in this state
    overrides: Overrides = Overrides()  # of the file's values, from the next start on


def heard(life: Life) -> bool:
    """Return whether it should be heard from: it serves, or settles for as long as it takes."""
    return life.state in SERVING or (life.state is State.DRAINING and life.deadline_ns is None)


def silent_ns(life: Life) -> int | None:
    """Return when it is hung, unless it is heard from; None where it need not be."""
    health = life.platform.health
    if life.platform.host is not None:  # a beat late on its way is not a beat missed: its agent counts them
        return None
    if health is None or health.heartbeat_s is None or not heard(life) or life.beat_ns is None:
        return None
    # Half a beat before the last miss: hung is known within `misses` beats of the moment it hung.
    return life.beat_ns + ns((health.misses - 0.5) * health.heartbeat_s)


def due_ns(life: Life) -> int | None:
    """Return when a Tick has something to do for it; None if never."""
    if life.lost:
        return None
    soonest = life.deadline_ns
    silent = silent_ns(life)
    if silent is not None and (soonest is None or silent < soonest):
        soonest = silent
    if life.ready_ns is not None and (life.restarts or life.probing) and life.state in SERVING:
        healthy = life.ready_ns + ns(life.platform.backoff.healthy_after)
        if soonest is None or healthy < soonest:
            soonest = healthy
    return soonest

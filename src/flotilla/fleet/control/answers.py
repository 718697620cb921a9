"""What the supervisor answers to whoever asks at the control socket: values, made of the fleet as it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import ConfigError
from flotilla.fleet.control.status import FleetStatus, HostStatus, PlatformStatus
from flotilla.fleet.control.waits import Wait, waits
from flotilla.fleet.rules import fleet_state
from flotilla.fleet.rules.fleet_state import Fleet
from flotilla.fleet.rules.plan import reload_plan
from flotilla.fleet.rules.platform_state import Life
from flotilla.fleet.rules.states import State
from flotilla.fleet.spec import FleetSpec
from flotilla.fleet.system import resources


class _WallClock:
    """Tells monotonic times as UTC: each the same at every call, until the machine's clock is set."""

    def __init__(self) -> None:
        self._ahead_ns = now_ns() - monotonic_ns()

    def utc_ns(self, at_ns: int) -> int:
        """Return ns since 1970 of a monotonic time."""
        ahead_ns = now_ns() - monotonic_ns()
        if abs(ahead_ns - self._ahead_ns) > _SET_NS:
            self._ahead_ns = ahead_ns
        return at_ns + self._ahead_ns


_SET_NS = 1_000_000_000  # a clock that went so far by itself was set
_WALL = _WallClock()


def status(
    fleet: Fleet,
    samples: Mapping[str, resources.Sample],
    *,
    seq: int,
    since_ns: int,
    hosts: tuple[HostStatus, ...] = (),
) -> FleetStatus:
    """Return the state of the fleet. since_ns: when this supervisor began, ns UTC."""
    waiting = waits(fleet)
    platforms = tuple(
        _platform(life, samples.get(name), waiting.get(name), away=life.platform.host in fleet.away)
        for name, life in fleet.lives.items()
    )
    return FleetStatus(
        fleet.spec.name, fleet.generation, fleet.spec.mode, seq, platforms, os.getpid(), since_ns, hosts
    )


def planned(fleet: Fleet, data: Mapping[str, Any], names: tuple[str, ...], new: FleetSpec | None) -> Any:
    """Return what a command would do. data: {"of": start | stop | restart | drain | down | reload}."""
    of = data.get("of", "stop")
    if of == "reload" and new is not None:
        return reload_plan(fleet.spec, new)
    if of not in ("start", "stop", "restart", "drain", "down"):
        raise ConfigError(f"there is no plan of {of!r}: start, stop, restart, drain, down or reload")
    return {"order": order(fleet, of, names)}


def order(fleet: Fleet, command: str, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Return whom a command concerns, in the order in which it does, those that go together in one."""
    if command == "start":
        return fleet_state.started_by(fleet, names)
    if command == "restart":
        return fleet_state.restarted_with(fleet, names)
    return fleet_state.stopped_by(fleet, () if command == "down" else names)


def _platform(
    life: Life, sample: resources.Sample | None, wait: Wait | None, *, away: bool
) -> PlatformStatus:
    reason, blocked_by = (life.reason, ()) if wait is None else wait
    if away and (life.lost or life.state is State.WAITING):
        reason = f"host {life.platform.host} is out of sight" + ("" if not life.lost else ": it may run on")
    used = sample if life.pid is not None else None
    return PlatformStatus(
        name=life.name,
        state=life.state.value,
        pid=life.pid,
        since_ns=_WALL.utc_ns(life.since_ns) if life.since_ns else 0,
        ready=life.state is State.READY,
        restarts=len(life.restarts),
        cpu_percent=None if used is None else round(used.cpu_percent, 1),
        memory_mb=None if used is None else round(used.memory_mb, 1),
        open_files=None if used is None else used.open_files,
        threads=None if used is None else used.threads,
        group=life.platform.group,
        host=life.platform.host,
        needs=dict(life.platform.needs),
        last_exit=life.last_exit,
        reason=reason,
        overrides=life.overrides.given,
        blocked_by=blocked_by,
    )

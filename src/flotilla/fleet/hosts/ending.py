"""Stop what runs on a host whose agent ends: who needs something before what it needs, in their own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flotilla.clock import monotonic_ns
from flotilla.fleet.executor import Executor
from flotilla.fleet.rules.states import Alert, Kill, Terminate
from flotilla.fleet.spec import FleetSpec, Platform, graph

_LOOK_S = 0.01


async def stop_all(
    executor: Executor, fleet: FleetSpec, platform: Callable[[str], Platform], alert: Callable[[Alert], None]
) -> None:
    """Stop all that `executor` runs. platform: as it was started. alert: hears who had to be killed."""
    former = [name for name in executor.children if name not in fleet.platforms]  # nobody needs it any more
    for level in (former, *reversed(graph.levels(fleet.needs))):
        there = [name for name in level if name in executor.children]
        for name in there:
            executor.do(Terminate(name))
        longest = max((platform(name).shutdown_timeout for name in there), default=0.0)
        end_ns = monotonic_ns() + int(longest * 1e9)
        while any(name in executor.children for name in there) and monotonic_ns() < end_ns:
            await asyncio.sleep(_LOOK_S)
        for name in there:
            if name in executor.children:
                alert(Alert("critical", name, "killed: not gone in time, as its host's agent ends"))
                executor.do(Kill(name))
        await executor.settled()

"""kill -9 of the supervisor of twenty children: how long until the next one has them all."""

from __future__ import annotations

import os
import signal

from bench.disturbance import Around
from bench.fleet.children import SLEEPS
from bench.fleet.managers import Flotilla, flotilla, wait_until
from bench.records import Job, Measured, WrongValue
from bench.scratch import scratch
from flotilla.clock import monotonic_ns, sleep

CHILDREN = 20


def measure(job: Job) -> Measured:
    """Return the median in seconds; p99 is the worst. A child that was restarted fails."""
    times = 2 if job.quick else 10
    platforms = {f"p{n}": {"command": [*SLEEPS], "ready": "started"} for n in range(CHILDREN)}
    took_s, rss_mb = [], 0.0
    with Around(job.cores) as watch:
        for _ in range(times):  # a fleet of its own each: a guard is slower to help who dies again and again
            with scratch() as folder, flotilla(folder, {"platforms": platforms}) as fleet:
                took_s.append(_trial(fleet))
                rss_mb = fleet.rss_mb()
    took_s.sort()
    return Measured(
        value=took_s[len(took_s) // 2],
        p99=took_s[-1],
        unit="s",
        size=f"{CHILDREN} children, {times} times",
        calls=times,
        others_pct=watch.others_pct,
        rss_mb=rss_mb,
        note=f"median, to an answer that has all of them ready; most {took_s[-1]:.3g} s",
    )


def _trial(fleet: Flotilla) -> float:
    """Return how long adoption took, in seconds."""
    wait_until(lambda: fleet.all_are("ready"), 30.0, "all ready")
    pids, generation = _pids(fleet), fleet.client.status().generation
    sleep(1.0)
    began_ns = monotonic_ns()
    os.kill(fleet.supervisor, signal.SIGKILL)
    wait_until(lambda: _is_next(fleet, generation), 30.0, "adopted by the next")
    took_s = (monotonic_ns() - began_ns) / 1e9
    if _pids(fleet) != pids:
        raise WrongValue("a child was started again, and should have been adopted")
    return took_s


def _pids(fleet: Flotilla) -> dict[str, int | None]:
    return {one.name: one.pid for one in fleet.client.status().platforms}


def _is_next(fleet: Flotilla, generation: int) -> bool:
    status = fleet.status()
    return (
        status is not None
        and status.generation > generation
        and all(one.state == "ready" for one in status.platforms)
    )

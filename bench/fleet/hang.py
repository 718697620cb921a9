"""A child that is stopped (SIGSTOP) falls silent: how long until that is seen, with heartbeats of 200 ms."""

from __future__ import annotations

import os
import signal
import sys

from bench.disturbance import Around
from bench.fleet.children import BEATS
from bench.fleet.managers import flotilla, wait_until
from bench.records import Job, Measured
from bench.scratch import scratch
from flotilla.clock import now_ns, sleep

BEAT_S = 0.2


def measure(job: Job) -> Measured:
    """Return the median of hangs, in seconds; p99 is the worst."""
    hangs = 3 if job.quick else 30
    platform = {
        "command": [sys.executable, "-I", "-S", "-c", BEATS],
        "health": {"heartbeat_s": BEAT_S, "misses": 3},
        "max_restart_attempts": 100_000,
        "backoff": {"first": 0.001, "most": 0.001},
    }
    took_s = []
    fleet_of = {"platforms": {"child": platform}}
    with Around(job.cores) as watch, scratch() as folder, flotilla(folder, fleet_of) as fleet:
        for number in range(hangs):
            wait_until(lambda: fleet.all_are("ready"), 30.0, "ready")
            sleep(0.5 + 0.037 * number)  # at another moment between two beats each time
            status = fleet.client.status()
            pid, seq = status.platforms[0].pid, status.seq
            began_ns = now_ns()
            os.kill(pid or 0, signal.SIGSTOP)
            wait_until(lambda seq=seq: _hung(fleet, seq) is not None, 30.0, "a hang that is seen")
            took_s.append((_hung(fleet, seq) - began_ns) / 1e9)
            wait_until(
                lambda pid=pid: fleet.client.status().platforms[0].pid not in (pid, None), 30.0, "replaced"
            )
        rss_mb = fleet.rss_mb()
    took_s.sort()
    return Measured(
        value=took_s[len(took_s) // 2],
        p99=took_s[-1],
        unit="s",
        size=f"{hangs} hangs",
        calls=hangs,
        others_pct=watch.others_pct,
        rss_mb=rss_mb,
        note=f"median; least {took_s[0]:.3g}, most {took_s[-1]:.3g} s",
    )


def _hung(fleet, seq: int) -> int | None:
    """Return when a hang was seen after event number `seq`, ns UTC."""
    return next((event.ts for event in fleet.events(seq + 1) if event.kind == "hung"), None)

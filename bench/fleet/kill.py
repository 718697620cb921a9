"""kill -9 of a child, until its replacement runs its first instruction."""

from __future__ import annotations

import os
import random
import signal

from bench.disturbance import Around
from bench.fleet.children import Ears
from bench.fleet.managers import managed
from bench.records import Job, Measured
from bench.scratch import scratch
from flotilla.clock import monotonic_ns, sleep


def measure(job: Job) -> Measured:
    """Return the median of kills at random moments, and the 99th of a hundred.

    options: manager; kills; period_s: how often the manager looks, if it looks: moments are spread over it.
    """
    options = job.side.options
    kills = options["kills"] if not job.quick else min(options["kills"], 3 if options["period_s"] else 20)
    chance = random.Random(7)
    took_ms = []
    with Around(job.cores) as watch, scratch() as folder:
        ears = Ears(folder)
        with managed(options["manager"], folder, {"child": ears.argv()}) as manager:
            pid = ears.hear().pid
            sleep(1.5)
            for _ in range(kills):
                sleep(0.1 + chance.uniform(0, options["period_s"] or 0.1))
                began_ns = monotonic_ns()
                os.kill(pid, signal.SIGKILL)
                word = ears.hear()
                pid = word.pid
                took_ms.append((word.monotonic_ns - began_ns) / 1e6)
            rss_mb = manager.rss_mb()
        ears.close()
    took_ms.sort()
    return Measured(
        value=took_ms[len(took_ms) // 2],
        p99=took_ms[min(len(took_ms) - 1, len(took_ms) * 99 // 100)],
        unit="ms",
        size=f"{kills} kills",
        calls=kills,
        others_pct=watch.others_pct,
        rss_mb=rss_mb,
        note=f"median; least {took_ms[0]:.3g}, most {took_ms[-1]:.3g} ms",
    )

"""Twenty children that die as soon as they start: is the budget kept, and does the manager still answer?"""

from __future__ import annotations

from collections import Counter

from bench.disturbance import Around
from bench.fleet.children import DIES
from bench.fleet.managers import flotilla
from bench.records import Job, Measured, WrongValue
from bench.scratch import scratch
from flotilla.clock import monotonic_ns, sleep

CHILDREN = 20
_LIMIT_S = 180.0


def measure(job: Job) -> Measured:
    """Return the supervisor's share of one core, percent; p99 is that of its answers, in ms.

    Each child may be started again so many times, with the default backoff: then it has failed.
    """
    restarts = 5 if job.quick else 8
    platform = {
        "command": [*DIES],
        "ready": "started",
        "max_restart_attempts": restarts,
        "restart_window": 3600.0,
    }
    platforms = {f"p{number}": platform for number in range(CHILDREN)}
    answers_ms = []
    with Around(job.cores) as watch, scratch() as folder, flotilla(folder, {"platforms": platforms}) as fleet:
        began_ns, before = monotonic_ns(), fleet.cpu_s()
        while True:
            asked_ns = monotonic_ns()
            states = Counter(one.state for one in fleet.client.status().platforms)
            answers_ms.append((monotonic_ns() - asked_ns) / 1e6)
            if states["failed"] == CHILDREN:
                break
            if monotonic_ns() - began_ns > _LIMIT_S * 1e9:
                raise WrongValue(f"after {_LIMIT_S:g} s the states are {dict(states)}")
            sleep(0.1)
        spent, passed = fleet.cpu_s() - before, (monotonic_ns() - began_ns) / 1e9
        starts = Counter(event.platform for event in fleet.events() if event.kind == "spawned")
        rss_mb = fleet.rss_mb()
    if set(starts.values()) != {restarts + 1} or len(starts) != CHILDREN:
        raise WrongValue(f"a budget of {restarts} restarts made these starts: {dict(starts)}")
    answers_ms.sort()
    return Measured(
        value=100.0 * spent / passed,
        p99=answers_ms[len(answers_ms) * 99 // 100],
        unit="% of a core",
        size=f"{CHILDREN} children, {restarts} restarts each",
        wall_s=passed,
        others_pct=watch.others_pct,
        rss_mb=rss_mb,
        note=f"the budget was kept by each; {len(answers_ms)} answers, most {answers_ms[-1]:.3g} ms",
    )

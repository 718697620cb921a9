"""Twenty children that die as soon as they start: is the budget kept, and does the API still answer?"""

from __future__ import annotations

from collections import Counter

from bench.disturbance import Around
from bench.fleet.children import DIES, SLEEPS
from bench.fleet.managers import Api, flotilla, wait_until
from bench.records import Job, Measured, WrongValue
from bench.scratch import scratch
from flotilla.clock import monotonic_ns, sleep

CHILDREN = 20
CALM = {"calm": {"command": [*SLEEPS], "ready": "started"}}  # there before the storm, while the API starts
_LIMIT_S = 180.0


def measure(job: Job) -> Measured:
    """Return the supervisor's share of one core, percent; p99 is that of the API's answers, in ms.

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
    with Around(job.cores) as watch, scratch() as folder, flotilla(folder, {"platforms": CALM}) as fleet:
        api = Api(fleet)
        wait_until(lambda: api.asks("platforms") is not None, 30.0, "an API that answers")
        sleep(1.0)  # what its start leaves to be done is not the storm's
        began_ns, before = monotonic_ns(), fleet.cpu_s()
        fleet.reload({"platforms": CALM | platforms})
        while True:
            asked_ns = monotonic_ns()
            answer = api.asks("platforms")
            states = Counter(one["state"] for one in answer["platforms"])
            answers_ms.append((monotonic_ns() - asked_ns) / 1e6)
            if states["failed"] == CHILDREN:
                break
            if monotonic_ns() - began_ns > _LIMIT_S * 1e9:
                raise WrongValue(f"after {_LIMIT_S:g} s the states are {dict(states)}")
            sleep(0.1)
        spent, passed = fleet.cpu_s() - before, (monotonic_ns() - began_ns) / 1e9
        events = [event for event in fleet.events() if event.kind == "spawned" and event.platform not in CALM]
        starts = Counter(event.platform for event in events)
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

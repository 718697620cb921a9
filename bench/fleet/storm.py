"""Twenty children that die as soon as they start: is the budget kept, and does the API still answer?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from bench.disturbance import Around
from bench.fleet.children import DIES
from bench.fleet.managers import Api, flotilla, wait_until
from bench.records import Job, Measured, WrongValue
from bench.scratch import scratch
from flotilla.clock import monotonic_ns, sleep

CHILDREN = 20
_GATE = "gate"  # a job that holds the storm back until the API has started
_LIMIT_S = 180.0


def measure(job: Job) -> Measured:
    """Return the supervisor's share of one core, percent; p99 is that of the API's answers, in ms.

    Each child may be started again so many times, with the default backoff: then it has failed.
    """
    restarts = 5 if job.quick else 8
    with Around(job.cores) as watch, scratch() as folder:
        go = folder.resolve() / "go"
        with flotilla(folder, {"platforms": _platforms(restarts, go)}) as fleet:
            api = Api(fleet)
            wait_until(lambda: api.asks("platforms") is not None, 30.0, "an API that answers")
            sleep(1.0)  # what its start leaves to be done is not the storm's
            began_ns, before = monotonic_ns(), fleet.cpu_s()
            go.touch()
            answers_ms = _weather(api, began_ns)
            spent, passed = fleet.cpu_s() - before, (monotonic_ns() - began_ns) / 1e9
            starts = Counter(event.platform for event in fleet.events() if event.kind == "spawned")
            rss_mb = fleet.rss_mb()
    del starts[_GATE]
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


def _platforms(restarts: int, go: Path) -> dict[str, Any]:
    dies = {
        "command": [*DIES],
        "ready": "started",
        "needs": {_GATE: "completed"},
        "max_restart_attempts": restarts,
        "restart_window": 3600.0,
    }
    gate = {"command": ["sh", "-c", f"until [ -e {go} ]; do sleep 0.05; done"], "kind": "job"}
    return {_GATE: gate, **{f"p{number}": dies for number in range(CHILDREN)}}


def _weather(api: Api, began_ns: int) -> list[float]:
    """Ask ten times a second until all have failed; return how long each answer took, in ms."""
    answers_ms = []
    while True:
        asked_ns = monotonic_ns()
        answer = api.asks("platforms")
        answers_ms.append((monotonic_ns() - asked_ns) / 1e6)
        states = Counter(one["state"] for one in answer["platforms"] if one["name"] != _GATE)
        if states["failed"] == CHILDREN:
            return answers_ms
        if monotonic_ns() - began_ns > _LIMIT_S * 1e9:
            raise WrongValue(f"after {_LIMIT_S:g} s the states are {dict(states)}")
        sleep(0.1)

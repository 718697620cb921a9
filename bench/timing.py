"""The timing rules: the first call apart, the best of the warm ones, nothing else in between."""

from __future__ import annotations

import gc
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any, NamedTuple

from bench.disturbance import Watch
from bench.records import Job

_WARM_S, _WARM_CALLS = 6.0, 3  # as many calls as fit, and at least so many
_QUICK_S, _QUICK_CALLS = 0.5, 2


class Timing(NamedTuple):
    """How long calls took."""

    first_s: float
    wall_s: float  # the best warm one
    cpu_s: float  # the least processor time of a warm one: what others do to the wall, they do less to this
    calls: int  # warm ones
    others_pct: float | None


def timed(job: Job, call: Callable[[], Any], check: Callable[[Any], None]) -> Timing:
    """Time `call`, and let `check` look at what it gave."""
    began = perf_counter()
    result = call()
    first_s = perf_counter() - began
    check(result)
    least, room_s = (_QUICK_CALLS, _QUICK_S) if job.quick else (_WARM_CALLS, _WARM_S)
    walls: list[float] = []
    cpu: list[float] = []
    with Watch(job.cores) as watch:
        while len(walls) < least or sum(walls) < room_s:
            result = None  # before the next one: a result may be gigabytes
            gc.collect()
            began, used = perf_counter(), process_time()
            result = call()
            walls.append(perf_counter() - began)
            cpu.append(process_time() - used)
    check(result)
    return Timing(first_s, min(walls), min(cpu), len(walls), watch.others_pct)

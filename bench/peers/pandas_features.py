"""Rolling operators in pandas: a frame of all instruments at a time."""

from __future__ import annotations

import pandas as pd

from bench.features import DRIFT, KINDS, cells, check, size, windows
from bench.records import Job, Measured
from bench.timing import timed
from bench.workloads import stacked

_NAMES = {"rolling_sum": "sum", "sma": "mean", "std": "std", "rolling_min": "min", "rolling_max": "max"}
Frames = dict[tuple[str, int], pd.DataFrame]


def measure(job: Job) -> Measured:
    """Return how fast the operators went; wrong values raise."""
    close = stacked(1)

    def call() -> Frames:
        return {
            (kind, n): getattr(close.rolling(n), _NAMES[kind])() for kind in KINDS for n in windows(job.quick)
        }

    def check_result(frames: Frames) -> None:
        check(lambda kind, n: frames[kind, n].to_numpy(), job.quick, DRIFT)

    timing = timed(job, call, check_result)
    return Measured(
        value=cells(job.quick) / timing.wall_s / 1e6, unit="M/s", size=size(job.quick), **timing._asdict()
    )

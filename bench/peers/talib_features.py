"""Rolling operators in TA-Lib's batch functions: one instrument's column at a time."""

from __future__ import annotations

from math import sqrt

import numpy as np
import talib
from numpy.typing import NDArray

from bench.features import DRIFT, KINDS, cells, check, size, windows
from bench.records import Job, Measured
from bench.timing import timed
from bench.workloads import panel

_FUNCTIONS = {
    "rolling_sum": talib.SUM,
    "sma": talib.SMA,
    "std": talib.STDDEV,
    "rolling_min": talib.MIN,
    "rolling_max": talib.MAX,
}
Columns = dict[tuple[str, int], list[NDArray[np.float64]]]


def measure(job: Job) -> Measured:
    """Return how fast the operators went; wrong values raise."""
    columns = [column.copy() for column in panel().fields["close"].T]  # side by side, as it wants them

    def call() -> Columns:
        return {
            (kind, n): [_FUNCTIONS[kind](column, n) for column in columns]
            for kind in KINDS
            for n in windows(job.quick)
        }

    def value(found: Columns, kind: str, n: int) -> NDArray[np.float64]:
        # Its deviation is that of a population: what it would cost to mend that is left out.
        return np.column_stack(found[kind, n]) * (sqrt(n / (n - 1)) if kind == "std" else 1.0)

    def check_result(found: Columns) -> None:
        check(lambda kind, n: value(found, kind, n), job.quick, DRIFT)

    timing = timed(job, call, check_result)
    return Measured(
        value=cells(job.quick) / timing.wall_s / 1e6, unit="M/s", size=size(job.quick), **timing._asdict()
    )

"""Rolling operators, as a strategy's expressions run them over history."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.features import KINDS, ROUNDING, cells, check, size, windows
from bench.records import Job, Measured
from bench.timing import timed
from bench.workloads import panel
from flotilla.stage import operators
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import close


def measure(job: Job) -> Measured:
    """Return how fast the operators went; wrong values raise."""
    prices = panel()
    keys = [(kind, n) for kind in KINDS for n in windows(job.quick)]
    nodes = [getattr(operators, kind)(close, n) for kind, n in keys]

    def call() -> NDArray[np.float64]:
        return ChunkRunner(nodes, prices.shape[1], prices.ticks_per_unit).advance(prices.fields)

    def check_result(rows: NDArray[np.float64]) -> None:
        check(lambda kind, n: rows[:, :, keys.index((kind, n))], job.quick, ROUNDING)

    timing = timed(job, call, check_result)
    return Measured(
        value=cells(job.quick) / timing.wall_s / 1e6, unit="M/s", size=size(job.quick), **timing._asdict()
    )

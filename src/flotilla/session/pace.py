"""How fast a run's bars go through, and how soon their orders are answered: read from its log of answers."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from typing import NamedTuple

import numpy as np

from flotilla.live.folder import Run
from flotilla.live.messages import KEPT
from flotilla.live.progress import Progress
from flotilla.live.result import LiveResult
from flotilla.live.roles import ACKS_LOG


class Latency(NamedTuple):
    """From a bar to its orders' acknowledgement, ms; NaN flat out, where bars only queue."""

    p50: float
    p99: float


def answers(run: Run) -> int:
    """Return how many orders' answers are written down."""
    with closing(Progress(run.log(ACKS_LOG.log), ACKS_LOG.name)) as log:
        return log.bars()


def pace_of(run: Run, before: int = 0) -> float:
    """Return the bars a second from the first order's answer to the last; NaN if there are too few.

    before: how many answers do not count, being of a time before a pause.
    """
    if answers(run) <= before:  # stopped before it began
        return float("nan")
    with closing(run.reader(ACKS_LOG)) as log:
        rows = [*log.read(before, 1), *log.read(log.last_seq() - 1, 1)]
    if len(rows) < 2 or rows[0].ts >= rows[-1].ts:
        return float("nan")
    first, last = (KEPT.decode(row.payload).bar for row in rows)
    return (last - first) * 1e9 / (rows[-1].ts - rows[0].ts)


def latency_of(run: Run, results: Iterable[LiveResult]) -> Latency:
    """Return how soon the orders of a run's portfolios were acknowledged."""
    taken = np.concatenate([result.ack_ns for result in results])
    if not run.manifest.speed or not len(taken):
        return Latency(float("nan"), float("nan"))
    p50, p99 = np.percentile(taken, (50, 99)) / 1e6
    return Latency(float(p50), float(p99))

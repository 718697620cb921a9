"""How long bars are, and where a stretch of them has another length."""

from __future__ import annotations

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Ints
from flotilla.stream.bars.series.stale import StaleRun, runs

# Equal steps of another length in a row: chance makes two or three of them where minutes are missing.
IN_A_ROW = 6
# With fewer steps of the usual length than this, bars are missing everywhere and no length is the odd one.
REGULAR = 0.8


def usual_step(ts: Ints) -> int:
    """Return the most frequent step between two times, ns; 0 if there is none. ts: int64[N], rising."""
    steps = np.diff(ts)
    steps = steps[steps > 0]
    if not len(steps):
        return 0
    lengths, counts = np.unique(steps, return_counts=True)
    return int(lengths[np.argmax(counts)])


def regular(ts: Ints, step: int) -> bool:
    """Say whether nearly all steps inside a day are usual ones."""
    steps = np.diff(ts)
    inside = steps[(steps > 0) & (steps < DAY_NS // 4)] if step < DAY_NS else steps[steps > 0]
    return bool(len(inside) and (inside == step).mean() >= REGULAR)


def other_lengths(ts: Ints, step: int) -> list[StaleRun]:
    """Return the stretches whose steps are equal, and not the usual one. ts: int64[N] of an instrument."""
    if not step or step >= DAY_NS or not regular(ts, step):
        return []
    steps = np.zeros(len(ts), np.int64)
    steps[1:] = np.diff(ts)
    odd = np.zeros(len(ts), np.bool_)
    odd[2:] = (steps[2:] == steps[1:-1]) & (steps[2:] != step) & (steps[2:] < DAY_NS // 4)
    return [StaleRun(run.a - 1, run.b) for run in runs(odd, IN_A_ROW - 1)]

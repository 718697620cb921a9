"""A feed that stands still: one bar after the other with the same price, and nobody trading."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Floats

# A quiet market has a few such bars in a row; of the clean files that this was tried on none has as many.
SAME = 10
# With a volume beside it the same bar, to the last digit, is no quiet market at all.
SAME_TRADED = 5


class StaleRun(NamedTuple):
    """Bars a to b, both included, that are the same."""

    a: int
    b: int

    @property
    def length(self) -> int:
        """Return how many bars there are."""
        return self.b - self.a + 1


def stale(fields: dict[str, Floats]) -> list[StaleRun]:
    """Return the runs of bars that repeat one bar. fields: name -> float64[N] of one instrument, in order."""
    close, volume = fields["close"], fields.get("volume")
    flat = np.ones(len(close), np.bool_)
    for name in ("open", "high", "low"):
        flat &= fields.get(name, close) == close
    same = np.zeros(len(close), np.bool_)
    same[1:] = close[1:] == close[:-1]
    idle = np.ones(len(close), np.bool_) if volume is None else ~(volume > 0)
    frozen = runs(same & flat & idle, SAME)
    if volume is None or not (volume > 0).any():
        return frozen if volume is None else [run for run in frozen if run.length >= SAME]
    again = np.zeros(len(close), np.bool_)
    again[1:] = np.logical_and.reduce([values[1:] == values[:-1] for values in fields.values()])
    return sorted(frozen + runs(again & (volume > 0), SAME_TRADED))


def runs(same: NDArray[np.bool_], least: int) -> list[StaleRun]:
    """Return the runs of at least so many bars, the first one included. same: bool[N], as the one before."""
    edges = np.diff(np.concatenate(([False], same, [False])).astype(np.int8))
    starts, ends = np.flatnonzero(edges == 1) - 1, np.flatnonzero(edges == -1) - 1
    return [StaleRun(int(a), int(b)) for a, b in zip(starts, ends, strict=True) if b - a + 1 >= least]

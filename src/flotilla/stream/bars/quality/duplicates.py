"""Rows that share an instrument and a time: the same bar sent twice, or two that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Flags, Ints


def duplicates(ts: Ints, who: Ints, values: Sequence[NDArray[np.float64]]) -> tuple[Flags, Flags]:
    """Return (bool[N] rows that repeat an earlier one exactly, bool[N] rows that contradict another).

    ts: int64[N] ns; who: int64[N] the instrument; values: float64[N] each; NaN equals NaN.
    """
    order = np.lexsort((ts, who))
    same = np.zeros(len(ts), np.bool_)
    same[1:] = (np.diff(ts[order]) == 0) & (np.diff(who[order]) == 0)
    equal = same.copy()
    for column in values:
        sorted_ = column[order]
        equal[1:] &= (sorted_[1:] == sorted_[:-1]) | (np.isnan(sorted_[1:]) & np.isnan(sorted_[:-1]))
    repeats, conflicts = np.zeros(len(ts), np.bool_), np.zeros(len(ts), np.bool_)
    repeats[order] = equal
    apart = same & ~equal
    apart[:-1] |= apart[1:]  # both of them: which is true is not known here
    conflicts[order] = apart
    return repeats & ~conflicts, conflicts

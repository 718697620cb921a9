"""Rows that go back in time, and which of them stand in the wrong place."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from flotilla.model.arrays import Flags, Ints


def goes_back(ts: Ints) -> Flags:
    """Say which rows are earlier than the row before them, bool[N]. ts: int64[N] of one instrument."""
    back = np.zeros(len(ts), np.bool_)
    back[1:] = np.diff(ts) < 0
    return back


def misplaced(ts: Ints) -> Flags:
    """Say which rows would have to go for all others to be in order, bool[N]: as few as can be."""
    ends: list[int] = []  # the last time of the best chain of each length
    chain: list[int] = []  # the length of the best chain that ends at each row
    for stamp in ts.tolist():
        place = bisect_right(ends, stamp)
        ends[place : place + 1] = [stamp]
        chain.append(place)
    out, length = np.ones(len(ts), np.bool_), len(ends) - 1
    last = np.iinfo(np.int64).max
    for n in range(len(ts) - 1, -1, -1):
        if chain[n] == length and ts[n] <= last:
            out[n], last, length = False, int(ts[n]), length - 1
    return out

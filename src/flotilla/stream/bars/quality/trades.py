"""Trades: sizes that are none, and blocks that were sent twice. Trades may share a time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flotilla.stream.bars.findings import Verdict
from flotilla.stream.bars.quality.note import Notes
from flotilla.stream.bars.quality.order import goes_back
from flotilla.stream.bars.quality.sheet import sheet_numbers

# Equal trades in a row after time went back, to be the same sent again: two or three come by chance.
BLOCK = 4


def look(notes: Notes, ts: NDArray[np.int64]) -> None:
    """Note what is wrong with trades. ts: int64[N] ns, of every row."""
    sheet = notes.sheet
    size, _ = sheet_numbers(sheet.columns[sheet.names["size"]])
    price, _ = sheet_numbers(sheet.columns[sheet.names["price"]])
    mend = "leave these rows out"
    aside = Verdict.QUARANTINE
    notes.rows("zero_size", aside, np.flatnonzero(size == 0), "a trade of size 0", mend)
    notes.rows("negative_size", aside, np.flatnonzero(size < 0), "a trade of a size below 0", mend)
    notes.rows("non_positive_price", aside, np.flatnonzero(price <= 0), "a price is not above zero", mend)
    bare = np.flatnonzero(np.isnan(price) | np.isnan(size))
    notes.rows("nan_price", aside, bare, "a trade has no price or no size", mend)
    again, other = replayed(ts, price, size)
    what = "trades were sent twice: time goes back, and the same times, prices and sizes come again"
    notes.rows("replayed_block", aside, np.flatnonzero(again), what, mend)
    what = "a row goes back in time"
    notes.rows("unsorted", Verdict.REPAIR, np.flatnonzero(other), what, "sort the rows by time")


def replayed(
    ts: NDArray[np.int64], price: NDArray[np.float64], size: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return (bool[N] rows of blocks that were sent before, bool[N] other rows that go back in time)."""
    again, back = np.zeros(len(ts), np.bool_), goes_back(ts)
    keys = list(zip(ts.tolist(), price.tolist(), size.tolist(), strict=True))
    for start in np.flatnonzero(back).tolist():
        first = next((n for n in range(start) if keys[n] == keys[start]), None)
        if first is None:
            continue
        length = 0
        while start + length < len(ts) and keys[first + length] == keys[start + length]:
            length += 1
        if length >= BLOCK:
            again[start : start + length] = True
    return again, back & ~again

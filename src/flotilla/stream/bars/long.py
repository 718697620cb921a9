"""Rows of bars, and a long table of them as arrays: each row is one bar of one instrument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flotilla.errors import OutOfOrderError
from flotilla.model.arrays import Floats, Stamps
from flotilla.stream.bars.columns import int64_of, nulls_of
from flotilla.stream.bars.draft import PRICES, Draft, stamp_text
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.places import RowPlace
from flotilla.stream.bars.sizes import check_fits

Cell = Callable[[int, int], str]


@dataclass(frozen=True)
class LongRows:
    """A table's rows, read. ts: int64[N]; columns: name in the table -> float64[N]."""

    source: str
    ts: Stamps
    step: int
    columns: dict[str, Floats]
    place: RowPlace
    findings: Findings

    def draft(
        self, ts: Stamps, instruments: tuple[str, ...], fields: dict[str, Floats], place: Cell | None = None
    ) -> Draft:
        """Return them as bars; by default row t of the table is row t of the arrays."""
        cell = place or (lambda t, _i: self.place(t))
        return Draft(self.source, ts, self.step, instruments, fields, cell, self.findings)


class Coded(NamedTuple):
    """Whose each row is. codes: intp[N], numbers into names, which are in order of first appearance."""

    codes: NDArray[np.intp]
    names: tuple[str, ...]


def coded_of(symbols: pa.Array, findings: Findings, place: RowPlace) -> Coded:
    """Return a column of symbols as numbers and names."""
    if not pa.types.is_dictionary(symbols.type):
        symbols = symbols.cast(pa.string()).dictionary_encode()
    if symbols.null_count:
        empty = np.flatnonzero(nulls_of(symbols)).tolist()
        what, mend = "a row has no symbol", "give each its symbol"
        findings.add(len(empty), what, map(place, empty), mend, code="no_symbol")
        findings.raise_if_any()
    used, first, codes = np.unique(int64_of(symbols.indices), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    words = symbols.dictionary.to_pylist()
    return Coded(rank[codes], tuple(str(words[used[k]]) for k in order))


def pivoted(rows: LongRows, fields: Mapping[str, str], coded: Coded) -> Draft:
    """Return a long table as arrays: the union of all times, NaN where an instrument has no row.

    fields: field -> the column that holds it.
    """
    codes, names = coded
    _check_order(rows, coded, rows.columns[fields["close"]])
    prices = [rows.columns[fields[field]] for field in PRICES if field in fields]
    bare = np.flatnonzero(np.logical_and.reduce([np.isnan(price) for price in prices])).tolist()
    what, mend = "a row has no price", "leave the row out"
    rows.findings.add(len(bare), what, map(rows.place, bare), mend, code="nan_price")
    times, t = np.unique(rows.ts, return_inverse=True)
    check_fits(rows.source, 8 * len(fields) * len(times) * len(names), "its bars side by side")
    arrays = {}
    for field, name in fields.items():
        arrays[field] = np.full((len(times), len(names)), np.nan)
        arrays[field][t, codes] = rows.columns[name]

    def cell(at: int, i: int) -> str:
        here = np.flatnonzero((t == at) & (codes == i))
        return rows.place(int(here[-1])) if len(here) else ""

    return rows.draft(times, names, arrays, cell)


def _check_order(rows: LongRows, coded: Coded, close: Floats) -> None:
    """Find an instrument's rows that go back in time, and those that share one time."""
    codes, names = coded

    def at(n: int) -> str:
        return f"{rows.place(int(n))} {names[codes[n]]} {stamp_text(rows.ts[n], rows.step)}"

    filed = np.argsort(codes, kind="stable")
    same = codes[filed][1:] == codes[filed][:-1]
    back = np.flatnonzero(same & (np.diff(rows.ts[filed]) < 0))
    places = (f"{at(filed[n + 1])} after {at(filed[n])}" for n in back)
    mend = "sort each instrument's rows by time, or say sort: true"
    rows.findings.add(len(back), "a row goes back in time", places, mend, OutOfOrderError, code="unsorted")

    timed = np.lexsort((rows.ts, codes))
    same = (codes[timed][1:] == codes[timed][:-1]) & (np.diff(rows.ts[timed]) == 0)
    pairs = [(timed[n], timed[n + 1]) for n in np.flatnonzero(same)]
    places = (f"{at(a)} close {close[a]} and {at(b)} close {close[b]}" for a, b in pairs)
    what = "an instrument has two rows for one time"
    rows.findings.add(
        len(pairs), what, places, "keep the true one", OutOfOrderError, code="duplicate_conflict"
    )

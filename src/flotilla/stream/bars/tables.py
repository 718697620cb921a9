"""Turn an Arrow table into a Draft, by one of three layouts.

    long    there is a column `symbol`: a row is one bar of one instrument
    one     there is no `symbol` but there is `close`: all rows are bars of one instrument
    wide    neither: a row is a time, and every other column is one instrument's closes

The time column is called ts, date, timestamp, datetime or time; the symbol column symbol,
instrument or ticker; prices open, high, low, close, volume: in any case of letters. Other
columns of a long table are not read. In a wide table an empty cell is a bar that did not
trade; a long table has no row for such a bar, so there an empty price is a defect.

A bar's `ts_event` is its start. Its length is one day where the times are dates; else the
`frequency` that the user gave; else the smallest step between two times, if all the other
steps are whole multiples of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from flotilla.errors import ConfigError, OutOfOrderError
from flotilla.model.panel import FIELDS
from flotilla.stream.bars.columns import float64_of, int64_of, nulls_of, whole
from flotilla.stream.bars.draft import DAY_NS, PRICES, Draft, Floats, Stamps, stamp_text
from flotilla.stream.bars.findings import Findings, refuse
from flotilla.stream.bars.stamps import Place, stamps_of

TIMES = ("ts", "date", "timestamp", "datetime", "time")
SYMBOLS = ("symbol", "instrument", "ticker")
# What pandas calls an index without a name, in Parquet and in CSV; used where no other is there.
UNNAMED = ("__index_level_0__", "index", "")
Cell = Callable[[int, int], str]
_FREQUENCY = re.compile(r"([1-9]\d*)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Options:
    """How to read what the data do not say themselves.

    instrument: name of the only instrument, where the table has no symbols.
    frequency: length of a bar: 30s, 1m, 4h, 1d.  zone: where times without a zone were
    taken: "America/New_York".  unit: of times that are numbers: s, ms, us or ns since 1970.
    separator, decimal, encoding: how a text is written.
    """

    instrument: str | None = None
    frequency: str | None = None
    zone: str | None = None
    unit: str | None = None
    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Layout:
    """Which column is what: names as the table spells them."""

    time: str
    symbol: str | None
    fields: dict[str, str]  # field -> column; empty: every other column is an instrument


def layout_of(names: list[str], source: str) -> Layout:
    """Return how a table with these columns is to be read; DataError where that is not clear."""
    lower: dict[str, list[str]] = {}
    for name in names:
        lower.setdefault(name.strip().lower(), []).append(name)
    there = f"there is {', '.join(names)}"
    known = {*TIMES, *SYMBOLS, *FIELDS}
    twice = [
        repr(key) for key, spelt in lower.items() if len(spelt) > 1 and (key in known or len({*spelt}) == 1)
    ]
    if twice:
        raise refuse(source, f"columns come twice: {', '.join(twice)}", "keep one of each", "repeated_column")
    times = [name for name in TIMES if name in lower] or [name for name in UNNAMED if name in lower][:1]
    symbols = [name for name in SYMBOLS if name in lower]
    if len(times) != 1:
        what = f"several time columns: {', '.join(times)}" if times else f"no time column; {there}"
        raise refuse(source, what, f"have one, called {' or '.join(TIMES[:2])}", "missing_column")
    if len(symbols) > 1:
        raise refuse(source, f"several symbol columns: {', '.join(symbols)}", "keep one", "repeated_column")
    fields = {name: lower[name][0] for name in FIELDS if name in lower}
    if "close" not in fields and (symbols or fields):
        raise refuse(source, f"no column close; {there}", "give the closes: bars have one", "missing_column")
    return Layout(lower[times[0]][0], lower[symbols[0]][0] if symbols else None, fields)


def draft_of(
    table: pa.Table, source: str, options: Options, place: Place, findings: Findings | None = None
) -> Draft:
    """Return the bars of `table`.

    place: row -> where it is in its file, as "line 12". findings: what is wrong already.
    """
    findings = Findings(source) if findings is None else findings
    layout = layout_of(table.column_names, source)
    if not table.num_rows:
        mend = "give data that has rows; an empty file is no history"
        findings.add(1, "no rows at all", [], mend, code="no_rows")
        findings.settle()
    unreadable = Findings(source)
    ts, are_dates = stamps_of(whole(table[layout.time]), options.zone, options.unit, unreadable, place)
    columns = {
        name: _numbers(table[name], name, unreadable, place)
        for name in layout.fields.values() or [n for n in table.column_names if n != layout.time]
    }
    findings.extend(unreadable)
    if unreadable:
        findings.settle()
    rows = _Rows(source, ts, step_of(ts, are_dates, options.frequency, source), columns, place, findings)
    if layout.symbol is not None:
        return _pivoted(rows, layout, whole(table[layout.symbol]))
    return _one(rows, layout, options.instrument) if layout.fields else _wide(rows)


def step_of(ts: Stamps, are_dates: bool, frequency: str | None, source: str) -> int:
    """Return the length of a bar, ns. ts: int64[N] in any order."""
    if are_dates:
        if frequency not in (None, "1d"):
            raise ConfigError(f"{source} has dates, so its bars are days and not {frequency}")
        return DAY_NS
    if frequency is not None:
        parts = _FREQUENCY.fullmatch(frequency)
        if parts is None:
            raise ConfigError(f"frequency {frequency!r} is not written as 30s, 1m, 4h or 1d")
        return int(parts[1]) * _SECONDS[parts[2]] * 1_000_000_000
    steps = np.diff(ts)
    if (steps <= 0).any():  # many instruments, or no order: only then pay for a sort
        steps = np.diff(np.unique(ts))
    if not len(steps) or (steps % steps.min()).any():
        raise refuse(
            source,
            "how long its bars are cannot be seen from their times",
            "say it: frequency: 1h",
            "mixed_frequency",
        )
    return int(steps.min())


@dataclass(frozen=True)
class _Rows:
    """A table's rows, read. ts: int64[N]; columns: name in the table -> float64[N]."""

    source: str
    ts: Stamps
    step: int
    columns: dict[str, Floats]
    place: Place
    findings: Findings

    def draft(
        self, ts: Stamps, instruments: tuple[str, ...], fields: dict[str, Floats], place: Cell | None = None
    ) -> Draft:
        """Return them as bars; by default row t of the table is row t of the arrays."""
        cell = place or (lambda t, _i: self.place(t))
        return Draft(self.source, ts, self.step, instruments, fields, cell, self.findings)


def _one(rows: _Rows, layout: Layout, instrument: str | None) -> Draft:
    """Return a table that is all one instrument; without a name it is called as its file."""
    fields = {field: rows.columns[name][:, None] for field, name in layout.fields.items()}
    return rows.draft(rows.ts, (instrument or rows.source.partition(".")[0],), fields)


def _wide(rows: _Rows) -> Draft:
    """Return a table of closes, side by side."""
    close = np.empty((len(rows.ts), len(rows.columns)))
    for i, values in enumerate(rows.columns.values()):
        close[:, i] = values
    return rows.draft(rows.ts, tuple(rows.columns), {"close": close})


def _pivoted(rows: _Rows, layout: Layout, symbols: pa.Array) -> Draft:
    """Return a long table as arrays: the union of all times, NaN where an instrument has no row."""
    codes, names = _coded(symbols, rows)
    close = rows.columns[layout.fields["close"]]
    _check_order(rows, codes, names, close)
    prices = [rows.columns[layout.fields[field]] for field in PRICES if field in layout.fields]
    bare = np.flatnonzero(np.logical_and.reduce([np.isnan(price) for price in prices])).tolist()
    rows.findings.add(
        len(bare), "a row has no price", map(rows.place, bare), "leave the row out", code="nan_price"
    )
    times, t = np.unique(rows.ts, return_inverse=True)
    fields = {}
    for field, name in layout.fields.items():
        fields[field] = np.full((len(times), len(names)), np.nan)
        fields[field][t, codes] = rows.columns[name]

    def cell(at: int, i: int) -> str:
        here = np.flatnonzero((t == at) & (codes == i))
        return rows.place(int(here[-1])) if len(here) else ""

    return rows.draft(times, names, fields, cell)


def _coded(symbols: pa.Array, rows: _Rows) -> tuple[NDArray[np.intp], tuple[str, ...]]:
    """Return each row's instrument as a number, in order of first appearance, and the names."""
    if not pa.types.is_dictionary(symbols.type):
        symbols = symbols.cast(pa.string()).dictionary_encode()
    if symbols.null_count:
        empty = np.flatnonzero(nulls_of(symbols)).tolist()
        rows.findings.add(
            len(empty),
            "a row has no symbol",
            map(rows.place, empty),
            "give each its symbol",
            code="no_symbol",
        )
        rows.findings.settle()
    used, first, codes = np.unique(int64_of(symbols.indices), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.intp)
    rank[order] = np.arange(len(order))
    words = symbols.dictionary.to_pylist()
    return rank[codes], tuple(str(words[used[k]]) for k in order)


def _check_order(rows: _Rows, codes: NDArray[np.intp], names: tuple[str, ...], close: Floats) -> None:
    """Find an instrument's rows that go back in time, and those that share one time."""

    def at(n: int) -> str:
        return f"{rows.place(int(n))} {names[codes[n]]} {stamp_text(rows.ts[n], rows.step)}"

    filed = np.argsort(codes, kind="stable")
    same = codes[filed][1:] == codes[filed][:-1]
    back = np.flatnonzero(same & (np.diff(rows.ts[filed]) < 0))
    places = (f"{at(filed[n + 1])} after {at(filed[n])}" for n in back)
    mend = "sort each instrument's rows by time"
    rows.findings.add(len(back), "a row goes back in time", places, mend, OutOfOrderError, code="unsorted")

    timed = np.lexsort((rows.ts, codes))
    same = (codes[timed][1:] == codes[timed][:-1]) & (np.diff(rows.ts[timed]) == 0)
    pairs = [(timed[n], timed[n + 1]) for n in np.flatnonzero(same)]
    places = (f"{at(a)} close {close[a]} and {at(b)} close {close[b]}" for a, b in pairs)
    what = "an instrument has two rows for one time"
    rows.findings.add(
        len(pairs), what, places, "keep the true one", OutOfOrderError, code="duplicate_conflict"
    )


def _numbers(column: pa.ChunkedArray, name: str, findings: Findings, place: Place) -> Floats:
    """Return a column as float64[N], NaN where it is null."""
    cells = whole(column)
    kinds = pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null
    try:
        if not any(is_kind(cells.type) for is_kind in kinds):
            raise pa.ArrowInvalid(f"it is {cells.type}")
        return float64_of(cells)
    except pa.ArrowInvalid as error:
        example = [f"{place(0)}: {cells[0].as_py()!r}"]
        findings.add(
            1, f"column {name} does not hold numbers: {error}", example, "give numbers", code="not_a_number"
        )
        return np.full(len(cells), np.nan)

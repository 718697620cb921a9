"""Turn an Arrow table into a Draft, by one of the layouts of layouts.py.

1. Which column is what (`layout_of`), and which rows are read (`_kept`).
2. Times and numbers of those columns, every unreadable cell told (`stamps_of`, `_numbers`).
3. How long a bar is, and whether it is a day (`sessions_of`); in order of time if asked (`_sorted`).
4. Side by side, an array a field (`_one`, `_wide`, `_levels`; `pivoted` for a long table).

Other columns of a long table are not read. In a wide table an empty cell is a bar that did not
trade; a long table has no row for such a bar, so there an empty price is a defect.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from flotilla.model.arrays import Floats
from flotilla.stream.bars import amounts
from flotilla.stream.bars.adjusted import ADJUSTED_CLOSE, adjusted, unread
from flotilla.stream.bars.columns import float64_of, in_one_piece, int64_of
from flotilla.stream.bars.draft import Draft
from flotilla.stream.bars.findings import Findings, refuse
from flotilla.stream.bars.heads import stem_of
from flotilla.stream.bars.layouts import Layout, layout_of, may_count, plain_name
from flotilla.stream.bars.long import Coded, LongRows, coded_of, pivoted
from flotilla.stream.bars.named import instrument_of
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.places import RowPlace, moved
from flotilla.stream.bars.sessions import sessions_of
from flotilla.stream.bars.stamps import Times, stamps_of
from flotilla.words import counted

_SHOWN = 5  # names that a remark lists


def draft_of(
    table: pa.Table,
    source: str,
    options: Options,
    place: RowPlace,
    findings: Findings | None = None,
    layout: Layout | None = None,
) -> Draft:
    """Return the bars of `table`.

    place: row -> where it is in its file, as "line 12". findings: what is wrong already.
    layout: of all the columns that there were, where only those that are read are in the table.
    """
    findings = Findings(source) if findings is None else findings
    layout = layout_of(table.column_names, source, options) if layout is None else layout
    table, place, remarks = _kept(table, place, options, source)
    if not table.num_rows:
        mend = "give data that has rows; an empty file is no history"
        findings.add(1, "no rows at all", [], mend, code="no_rows")
        findings.raise_if_any()
    _check_currency(table, layout, source)
    coded = (
        coded_of(in_one_piece(table[layout.symbol]), findings, place) if layout.symbol is not None else None
    )
    unreadable = Findings(source)
    times = _times(table, layout, options, unreadable, place, coded)
    columns = {
        name: _numbers(table[name], name, options, unreadable, place)
        for name in layout.numbers(table.column_names, options)
    }
    findings.extend(unreadable)
    if unreadable:
        findings.raise_if_any()
    sessions = sessions_of(times, options, source)
    remarks += [*layout.remarks, *([f"{source}: {times.remark}"] if times.remark else [])]
    remarks += [sessions.remark] if sessions.remark else []
    rows = LongRows(source, sessions.ts, sessions.step, _tickers(columns, layout, source), place, findings)
    rows, coded = _sorted(rows, coded, options)
    draft = replace(_drafted(rows, layout, coded, options), zone=sessions.zone)
    if layout.adjusted is not None and options.adjusted is None:
        remarks.append(unread(source, layout.fields["close"], layout.adjusted))
    return replace(draft, fields=adjusted(draft.fields), remarks=(*remarks, *draft.remarks))


def _times(
    table: pa.Table,
    layout: Layout,
    options: Options,
    findings: Findings,
    place: RowPlace,
    coded: Coded | None,
) -> Times:
    column = in_one_piece(table[layout.time])
    if layout.clock is not None:  # a day and a time of day, each in a column of its own
        day, clock = (in_one_piece(table[name]).cast(pa.string()) for name in (layout.time, layout.clock))
        column = pc.binary_join_element_wise(
            pc.utf8_trim_whitespace(day), pc.utf8_trim_whitespace(clock), " "
        )
    return stamps_of(column, options, findings, place, None if coded is None else (lambda: coded.codes))


def _kept(
    table: pa.Table, place: RowPlace, options: Options, source: str
) -> tuple[pa.Table, RowPlace, list[str]]:
    """Return the rows that are read, and a remark about the others."""
    if options.keep is None:
        return table, place, []
    column, value = options.keep
    texts = pc.utf8_trim_whitespace(in_one_piece(table[column]).cast(pa.string()))
    mask = pc.fill_null(pc.equal(texts, value), False)
    others = sorted({str(text) for text in pc.unique(texts.filter(pc.invert(mask))).to_pylist()})
    if not others:
        return table, place, []
    rows = np.flatnonzero(int64_of(mask.cast(pa.int8())))
    left = counted(table.num_rows - len(rows), "row")
    remark = f"{source}: {left} of other {column} ({', '.join(others[:_SHOWN])}) are not read, only {value}"
    return table.filter(mask), moved(place, rows), [remark]


def _check_currency(table: pa.Table, layout: Layout, source: str) -> None:
    """Refuse prices of several currencies: they would be added up."""
    if layout.currency is None:
        return
    there = [
        str(text) for text in pc.unique(in_one_piece(table[layout.currency]).cast(pa.string())).to_pylist()
    ]
    if len(there) > 1:
        what = f"its prices are in several currencies: {', '.join(sorted(there)[:_SHOWN])}"
        mend = "keep the rows of one, or convert the prices and leave the column out: money is added up"
        raise refuse(source, what, mend, "several_currencies")


def _tickers(columns: dict[str, Floats], layout: Layout, source: str) -> dict[str, Floats]:
    """Return a wide table's columns without an index that was left behind, 0, 1, 2, ..."""
    if layout.fields or layout.levels:
        return columns
    out = dict(columns)
    for name, values in columns.items():
        is_unnamed = name in layout.counters
        if (is_unnamed or (may_count(name) and len(values) > 1)) and counts_rows(values):
            del out[name]
        elif is_unnamed and plain_name(name) != "index":
            what = f"column {name!r} has no name of its own"
            raise refuse(source, what, "name it as its instrument, or leave it out", "unnamed_column")
    return out


def counts_rows(values: Floats) -> bool:
    """Say whether a column is 0, 1, 2, ... or 1, 2, 3, ..., as an index that was left behind is."""
    return (
        len(values) > 0 and values[0] in (0, 1) and np.array_equal(values, np.arange(len(values)) + values[0])
    )


def _sorted(rows: LongRows, coded: Coded | None, options: Options) -> tuple[LongRows, Coded | None]:
    """Return the rows in order of time where that was asked for."""
    if not options.sort or not (np.diff(rows.ts) < 0).any():
        return rows, coded
    order = np.argsort(rows.ts, kind="stable")
    columns = {name: values[order] for name, values in rows.columns.items()}
    moved_rows = replace(rows, ts=rows.ts[order], columns=columns, place=moved(rows.place, order))
    return moved_rows, None if coded is None else coded._replace(codes=coded.codes[order])


def _drafted(rows: LongRows, layout: Layout, coded: Coded | None, options: Options) -> Draft:
    wanted = dict(layout.fields)
    if layout.adjusted is not None and options.adjusted:
        wanted[ADJUSTED_CLOSE] = layout.adjusted
    if coded is not None:
        return pivoted(rows, wanted, coded)
    if layout.levels:
        return _levels(rows, layout)
    return _one(rows, wanted, options.instrument) if wanted else _wide(rows)


def _one(rows: LongRows, fields: dict[str, str], instrument: str | None) -> Draft:
    """Return a table that is all one instrument; without a name it is called after its file."""
    arrays = {field: rows.columns[name][:, None] for field, name in fields.items()}
    stem = stem_of(rows.source)
    draft = rows.draft(rows.ts, (instrument or instrument_of(stem),), arrays)
    if instrument or draft.instruments == (stem,):
        return draft
    told = f"its instrument is called {draft.instruments[0]}, after the file; if not, say instrument"
    return replace(draft, remarks=(f"{rows.source}: {told}",))


def _wide(rows: LongRows) -> Draft:
    """Return a table of closes, side by side."""
    close = np.empty((len(rows.ts), len(rows.columns)))
    for i, values in enumerate(rows.columns.values()):
        close[:, i] = values
    return rows.draft(rows.ts, tuple(rows.columns), {"close": close})


def _levels(rows: LongRows, layout: Layout) -> Draft:
    """Return a table with a column for each field of each instrument."""
    names = tuple(dict.fromkeys(instrument for _, instrument in layout.levels.values()))
    place = {name: i for i, name in enumerate(names)}
    fields: dict[str, Floats] = {}
    for column, (field, instrument) in layout.levels.items():
        if field not in fields:
            fields[field] = np.full((len(rows.ts), len(names)), np.nan)
        fields[field][:, place[instrument]] = rows.columns[column]
    return rows.draft(rows.ts, names, fields)


def _numbers(
    column: pa.ChunkedArray, name: str, options: Options, findings: Findings, place: RowPlace
) -> Floats:
    """Return a column as float64[N], NaN where it is null."""
    cells = in_one_piece(column)
    if options.are_texts and pa.types.is_string(cells.type):
        return _amounts(cells, name, options, findings, place)
    kinds = pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null
    try:
        if not any(is_kind(cells.type) for is_kind in kinds):
            raise pa.ArrowInvalid(f"it is {cells.type}")
        return float64_of(cells)
    except pa.ArrowInvalid as error:
        example = [f"{place(0)}: {cells[0].as_py()!r}"]
        what = f"column {name} does not hold numbers: {error}"
        findings.add(1, what, example, "give numbers", code="not_a_number")
        return np.full(len(cells), np.nan)


def _amounts(cells: pa.Array, name: str, options: Options, findings: Findings, place: RowPlace) -> Floats:
    how = (options.decimal, options.thousands)
    wrong = np.flatnonzero(int64_of(amounts.strange(cells, *how, amounts=options.amounts).cast(pa.int8())))
    places = (f"{place(int(n))}: {name} {cells[int(n)].as_py()!r}" for n in wrong)
    mend = "write 1234.5; leave what is unknown empty"
    findings.add(len(wrong), "a cell is not a number", places, mend, code="not_a_number")
    return float64_of(amounts.numbers_of(cells, *how, amounts=options.amounts))

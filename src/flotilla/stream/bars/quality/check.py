"""One look at a file: what it is, all that is wrong with it, and so what becomes of it.

1. The bytes: none, another format than the name says, cut off, packed (`look_at`).
2. The table: its columns, what kind of table they make (`_looked`).
3. The rows, by that kind: bars.py, trades.py, options.py, actions.py.
4. Of bars, whatever a source would ask or refuse: of the good rows how long a bar is (`_look_at_length`),
   and of a file that may be loaded everything else, by reading it as a source does (`_loaded`).

The verdict is the gravest of all findings. What cannot be read at all is rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from flotilla.clock import now_ns
from flotilla.errors import DataError
from flotilla.model.panel import FIELDS
from flotilla.stream.bars import parquet_table
from flotilla.stream.bars.csv_table import shape_of_text
from flotilla.stream.bars.dialects import shape_of
from flotilla.stream.bars.draft import Draft, check_draft
from flotilla.stream.bars.file import PARQUET, draft_of_file
from flotilla.stream.bars.findings import Finding, Findings, Verdict, refuse
from flotilla.stream.bars.heads import Head, stem_of
from flotilla.stream.bars.joined import joined
from flotilla.stream.bars.layouts import Layout, layout_of, may_count
from flotilla.stream.bars.named import instrument_of
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.quality import actions, bars, options, trades
from flotilla.stream.bars.quality.archive import entries_of
from flotilla.stream.bars.quality.kinds import ACTIONS, BAR_TABLE, TIMES, kind_of
from flotilla.stream.bars.quality.lean import lean_text
from flotilla.stream.bars.quality.note import Notes, gathered
from flotilla.stream.bars.quality.rows import FileRows, prices_of, rows_of
from flotilla.stream.bars.quality.sheet import FileSheet, sheet_of_table, sheet_of_text
from flotilla.stream.bars.quality.times import FileTimes, times_of
from flotilla.stream.bars.sessions import sessions_of
from flotilla.stream.bars.text import read_bytes, text_of
from flotilla.words import counted

BOM = b"\xef\xbb\xbf"
# Of the rows: where more are bad, the file is not what it should be. A few rows prove nothing.
MOST_ASIDE, FEW = 0.5, 20


@dataclass(frozen=True)
class Look:
    """What one look at a file found.

    kind: what is in it, in words. sheet, times: its rows and when they are, where it could be read so far.
    time: the column of the times. aside: the rows that may not be loaded. separator: between its cells.
    draft: the bars as a source reads them, where they may be loaded.
    """

    name: str
    kind: str
    findings: tuple[Finding, ...]
    sheet: FileSheet | None = None
    times: FileTimes | None = None
    time: str | None = None
    aside: frozenset[int] = frozenset()
    separator: str = ","
    draft: Draft | None = None

    @property
    def verdict(self) -> Verdict:
        """Return what becomes of the file."""
        return max((found.verdict for found in self.findings), default=Verdict.OK)

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return what a source says of how it reads the file."""
        return () if self.draft is None else self.draft.remarks

    @property
    def codes(self) -> list[str]:
        """Return the codes of what was found, each once."""
        return list(dict.fromkeys(found.code for found in self.findings))


def look_at(path: Path, options: Options, calendar: str | None = None) -> Look:
    """Return what is in a file and what is wrong with it. ConfigError if there is no such file."""
    findings = Findings(path.name)
    data = read_bytes(path)
    try:
        if not data:
            raise refuse(path.name, "it has 0 bytes", "fetch the file again", "empty")
        if path.suffix.lower() in PARQUET:
            sheet = sheet_of_table(parquet_table.whole_table_of(path), path.name)
            if not sheet.columns:
                raise refuse(path.name, "it has no columns", "fetch the file again", "missing_column")
            shape = shape_of(Head([list(sheet.columns)], stem_of(path.name)), options, path.name)
            return _loaded(_looked(sheet, shape.options, calendar, findings), path, options)
        if data[:4] == b"PK\x03\x04":
            return _archive(path, options, calendar, findings)
        return _loaded(_looked(*_sheet(data, options, findings), calendar, findings), path, options)
    except DataError as error:
        findings.extend(error.findings or (Finding(1, str(error), (), "", code="unreadable"),))
        return Look(path.name, "unreadable", gathered(findings))


def _loaded(look: Look, path: Path, options: Options) -> Look:
    """Return a look with all that a source would refuse of a file in which nothing else was found."""
    if look.kind != BAR_TABLE or look.verdict > Verdict.WARN or look.sheet is None or not look.sheet.length:
        return look
    try:
        draft = draft_of_file(path, options)
        check_draft(draft)
    except DataError as error:
        found = error.findings or (Finding(1, str(error), (), "", code="unreadable"),)
        return replace(look, findings=gathered((*look.findings, *found)))
    return replace(look, draft=draft)


def look_at_many(looks: Sequence[Look], name: str) -> Look:
    """Return what a source would refuse of files side by side, of which each may be loaded alone."""
    drafts = [look.draft for look in looks if look.draft is not None]
    findings: tuple[Finding, ...] = ()
    if len(drafts) == len(looks) > 1:
        try:
            joined(drafts, name)
        except DataError as error:
            findings = error.findings
    return Look(name, f"{counted(len(looks), 'file')} side by side", findings)


def _look_at_length(notes: Notes, times: FileTimes, options_: Options) -> None:
    """Note where a source would ask of the good rows which days they are, or how long a bar is."""
    if notes.rejected or not times.known.any():
        return
    try:
        sessions_of(times.without(notes.aside), options_, notes.sheet.name)
    except DataError as error:
        notes.findings.extend(error.findings)


def _sheet(data: bytes, options: Options, findings: Findings) -> tuple[FileSheet, Options]:
    """Return a CSV's rows and how they are read; a DataError where its text or its header cannot be."""
    if data.startswith(BOM):
        what = "it begins with a byte order mark, which is no part of the first name"
        findings.add(1, what, [], "nothing: it is left out", code="bom", verdict=Verdict.REPAIR)
    text = text_of(data, options.encoding, findings.name)
    shape = shape_of_text(text, options, findings.name)
    if kind_of(shape.names) == BAR_TABLE:
        layout_of(shape.names, findings.name, shape.options)  # by all names: two may be the same
    return sheet_of_text(text, shape, findings), shape.options


def _archive(path: Path, options: Options, calendar: str | None, findings: Findings) -> Look:
    """Look at each entry of a zip archive, and at whether two of them are the same."""
    entries = entries_of(path, findings)
    seen: dict[bytes, str] = {}
    same = []
    for name, data in entries.items():
        if data in seen:
            same.append(f"{name} and {seen[data]}")
        seen.setdefault(data, name)
    what = "two entries hold the same rows under different names: a day would be loaded twice"
    mend = "load each day once"
    findings.add(len(same), what, same, mend, code="overlapping_files", verdict=Verdict.WARN)
    for name, data in entries.items():
        try:
            inner = Findings(name)
            how = replace(options, zone=options.zone or "UTC")
            look = _looked(*_sheet(lean_text(name, data), how, inner), calendar, inner)
            findings.extend(_inside(found, name) for found in look.findings)
        except DataError as error:
            findings.extend(_inside(found, name) for found in error.findings)
    return Look(path.name, f"a zip archive of {len(entries)}", gathered(findings))


def _inside(found: Finding, name: str) -> Finding:
    return replace(found, places=tuple(f"{name} {place}" for place in found.places), rows=())


def _looked(sheet: FileSheet, options: Options, calendar: str | None, findings: Findings) -> Look:
    """Return what is wrong with a table."""
    kind = kind_of(sheet.columns)
    if not sheet.length:
        findings.add(
            1, "there are no rows", [], "nothing, if none should be", code="no_rows", verdict=Verdict.WARN
        )
        return Look(sheet.name, kind, gathered(findings), sheet)
    layout = layout_of(list(sheet.columns), sheet.name, options) if kind == BAR_TABLE else None
    sheet = _kept(sheet, options) if layout is not None else sheet
    notes = Notes(sheet, findings)
    time = _time_of(sheet) if layout is None else layout.time
    if time is None:  # a table of what does not change has no times
        return Look(sheet.name, kind, gathered(findings), sheet)
    times = times_of(_column(sheet, time, layout), options, findings, sheet.place)
    if layout is not None:
        _look_at_bars(notes, times, layout, options, calendar)
        _look_at_length(notes, times, options)
    elif kind == ACTIONS:
        actions.look(notes, times.ts, calendar)
    elif kind == "trades":
        trades.look(notes, times.ts)
    elif "bid" in kind or "quote" in kind or "option" in kind:
        options_of_kind(notes, times)
    if sheet.length >= FEW and len(notes.aside) > MOST_ASIDE * sheet.length and not notes.rejected:
        what = f"{len(notes.aside):,} of {sheet.length:,} rows are bad: the file is not what it should be"
        findings.add(1, what, [], "look at how it was made", code="mostly_bad")
    return Look(
        sheet.name,
        kind,
        gathered(_as_read(each, options) for each in findings),
        sheet,
        times,
        time,
        frozenset(notes.aside),
        options.separator or ",",
    )


def options_of_kind(notes: Notes, times: FileTimes) -> None:
    """Look at quotes, and at the contracts that they or bars are of."""
    options.look_at_quotes(notes)
    if "strike" in notes.sheet.names and "right" in notes.sheet.names:
        options.look_at_contracts(notes, times.ts)


def _time_of(sheet: FileSheet) -> str | None:
    """Return the name of the time column of what is no bars; None where there is none."""
    return next((sheet.names[name] for name in TIMES if name in sheet.names), None)


def _as_read(found: Finding, options: Options) -> Finding:
    """Return a finding as it is for whoever reads the file with these options: sorted, where they say so."""
    if options.sort and found.code == "unsorted" and found.verdict is Verdict.REPAIR:
        return replace(found, verdict=Verdict.WARN, mend="nothing: it is sorted as it is read")
    return found


def _kept(sheet: FileSheet, options: Options) -> FileSheet:
    """Return the rows that a source reads of the file: of one series, where its vendor mixes several."""
    if options.keep is None:
        return sheet
    column, value = options.keep
    return sheet.took(np.flatnonzero([text.strip() == value for text in sheet.texts(column)]))


def _column(sheet: FileSheet, time: str, layout: Layout | None) -> pa.Array:
    """Return the cells of the times; a day and a time of day beside it are put together."""
    if layout is None or layout.clock is None:
        return sheet.columns[time]
    parts = zip(sheet.texts(time), sheet.texts(layout.clock), strict=True)
    return pa.array([f"{day.strip()} {clock.strip()}" for day, clock in parts], pa.string())


def _look_at_bars(
    notes: Notes, times: FileTimes, layout: Layout, options_: Options, calendar: str | None
) -> None:
    sheet = notes.sheet
    if layout.fields:
        if "volume" not in layout.fields and {"open", "high", "low"} <= layout.fields.keys():
            what = f"no column volume; there is {', '.join(sheet.columns)}"
            mend = "nothing, where no strategy asks for it"
            notes.places("missing_column", Verdict.WARN, 1, [], what, mend)
        instrument = options_.instrument or instrument_of(stem_of(sheet.name))
        fields = {field: column for field, column in layout.fields.items() if field in FIELDS}
        rows = rows_of(notes, times, layout.symbol, fields, instrument, options_)
    elif layout.levels:
        tables: dict[str, dict[str, str]] = {}
        for column, (field, name) in layout.levels.items():
            tables.setdefault(name, {})[field] = column
        rows = _side_by_side(notes, times, tables, options_)
    else:
        beside = {layout.time, *layout.counters, *filter(may_count, sheet.columns)}
        names = [name for name in sheet.columns if name not in beside or _has_prices(sheet, name, layout)]
        rows = _side_by_side(notes, times, {name: {"close": name} for name in names}, options_)
    bars.look(notes, rows, calendar, now_ns())


def _has_prices(sheet: FileSheet, name: str, layout: Layout) -> bool:
    """Say whether a column that is called as a count of rows is none: a ticker may be called N."""
    if name == layout.time or name in layout.counters:
        return False
    cells = [str(cell) for cell in sheet.columns[name].to_pylist()]
    return not any(cells == [str(first + n) for n in range(len(cells))] for first in (0, 1))


def _side_by_side(
    notes: Notes, times: FileTimes, tables: dict[str, dict[str, str]], options_: Options
) -> FileRows:
    """Return a table of instruments side by side as rows; empty cells are a bar that did not trade."""
    parts = [rows_of(notes, times, None, fields, name, options_) for name, fields in tables.items()]
    if not parts:
        raise refuse(notes.sheet.name, "no column of prices", "give one", "missing_column")
    who = np.repeat(np.arange(len(parts)), [len(part.at) for part in parts])
    common = [name for name in FIELDS if all(name in part.fields for part in parts)]
    fields = {name: np.concatenate([part.fields[name] for part in parts]) for name in common}
    at, ts = (np.concatenate([getattr(part, name) for part in parts]) for name in ("at", "ts"))
    rows = FileRows(at, ts, who, tuple(tables), fields, times.are_dates)
    traded = ~np.logical_and.reduce([np.isnan(price) for price in prices_of(fields)])
    return rows.only(traded)

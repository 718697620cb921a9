"""A mended copy of a file: its good rows as they were written, and beside it the rows that were set aside.

What is done to the good rows loses and invents nothing, and each thing is said: rows that come twice alike
are left out, rows are sorted, a symbol is spelt in one way, times whose text needs more than itself are
written in UTC.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.draft import stamp_text
from flotilla.stream.bars.file import PARQUET
from flotilla.stream.bars.findings import Finding, Verdict
from flotilla.stream.bars.quality.check import Look
from flotilla.stream.bars.quality.kinds import SYMBOLS, TIMES
from flotilla.stream.bars.quality.rows import spelled
from flotilla.stream.bars.quality.sheet import FileSheet, sheet_numbers
from flotilla.stream.bars.quality.times import FileTimes
from flotilla.stream.files import write_atomically
from flotilla.words import counted

REASON = "why"  # the column that says it of a row that was set aside


@dataclass(frozen=True)
class Mended:
    """A mended file.

    good: the rows that may be loaded. bad: those set aside, each with its codes. done: what was done.
    """

    good: FileSheet
    bad: FileSheet | None
    done: tuple[str, ...]


def mended(look: Look, set_aside: bool) -> Mended:
    """Return a file's rows after repair. set_aside: rows that cannot be repaired may be left out.

    DataError where the whole file is rejected, or rows must be set aside and that was not asked for.
    """
    sheet, times = look.sheet, look.times
    rejected = [found.code for found in look.findings if found.verdict is Verdict.REJECT]
    if sheet is None or times is None or rejected:
        raise DataError(
            f"{look.name} is rejected, so nothing of it is written: {', '.join(rejected) or 'no rows'}"
        )
    if look.verdict is Verdict.QUARANTINE and not set_aside:
        codes = [found.code for found in look.findings if found.verdict is Verdict.QUARANTINE]
        raise DataError(
            f"{look.name} has rows that no repair makes right: {', '.join(codes)}; "
            "use --on-bad quarantine, or correct them"
        )
    twice = {row for found in look.findings if found.code == "duplicate_exact" for row in found.rows}
    bad = np.array(sorted(look.aside - twice), np.int64)
    kept = np.setdiff1d(np.arange(sheet.length), sorted(look.aside))
    done = [f"left out {counted(len(twice), 'row')} that came twice"] if twice else []
    if len(bad):
        done.append(f"set aside {counted(len(bad), 'row')}")
    kept, told = _ordered(look, sheet, times, kept)
    columns, more = _rewritten(look, sheet, times)
    good = FileSheet(sheet.name, columns, sheet.place).took(kept)
    return Mended(good, _with_reasons(look, sheet, bad) if len(bad) else None, (*done, *told, *more))


def _ordered(
    look: Look, sheet: FileSheet, times: FileTimes, kept: NDArray[np.int64]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the rows in order, if they were not: by time, or by instrument and time where they stand so."""
    if not _found(look, "unsorted"):
        return kept, []
    symbol = _symbol(sheet)
    who = np.zeros(sheet.length, np.int64)
    if symbol is not None:
        names: dict[str, int] = {}
        who = np.array(
            [names.setdefault(name, len(names)) for name in spelled(sheet.texts(symbol))], np.int64
        )
    grouped = bool((np.diff(who[kept]) >= 0).all())
    keys = (times.ts[kept], who[kept]) if grouped else (who[kept], times.ts[kept])
    order = np.lexsort(keys)
    return kept[order], ["sorted the rows by time"]


def _rewritten(look: Look, sheet: FileSheet, times: FileTimes) -> tuple[dict[str, pa.Array], list[str]]:
    """Return the columns with what was mended in their text."""
    columns, done = dict(sheet.columns), []
    symbol = _symbol(sheet)
    if symbol is not None and _found(look, "symbol_spelling"):
        columns[symbol] = pa.array(spelled(sheet.texts(symbol)), pa.string())
        done.append("spelt each symbol in one way")
    if _found(look, "mixed_offsets", "dst_fold") and look.time is not None:
        texts = [stamp_text(int(ts), 1) for ts in times.ts]
        columns[look.time] = pa.array(texts, pa.string())
        done.append("wrote the times in UTC")
    if _found(look, "bom"):
        done.append("left out the byte order mark")
    return columns, done


def _with_reasons(look: Look, sheet: FileSheet, bad: NDArray[np.int64]) -> FileSheet:
    reasons: dict[int, list[str]] = {int(row): [] for row in bad}
    for found in look.findings:
        for row in found.rows:
            if row in reasons and found.verdict >= Verdict.QUARANTINE:
                reasons[row].append(found.code)
    aside = sheet.took(bad)
    told = [f"{sheet.place(int(row))}: {', '.join(dict.fromkeys(reasons[int(row)]))}" for row in bad]
    return FileSheet(sheet.name, {**aside.columns, REASON: pa.array(told, pa.string())}, aside.place)


def _found(look: Look, *codes: str) -> list[Finding]:
    return [found for found in look.findings if found.code in codes]


def _symbol(sheet: FileSheet) -> str | None:
    return next((sheet.names[name] for name in SYMBOLS if name in sheet.names), None)


def beside_path(out: Path) -> Path:
    """Return where the rows that are set aside go: good.csv has good.bad.csv beside it."""
    return out.with_name(f"{out.stem}.bad{out.suffix}")


def write(made: Mended, out: Path, separator: str = ",") -> list[Path]:
    """Write the good rows to `out` and the bad ones beside it; ConfigError where a file is there already.

    Parquet by the name's end, else CSV. The bad rows are written first: `out` is there only when all is.
    """
    files = [(beside_path(out), made.bad)] if made.bad is not None else []
    files.append((out, made.good))
    there = [str(path) for path, _ in files if path.exists()]
    if there:
        raise ConfigError(
            f"{' and '.join(there)} is there already, and is not written over: name another --out"
        )
    for path, sheet in files:
        write_atomically(path, _content(sheet, path, separator))
    return [path for path, _ in files]


def _typed(sheet: FileSheet) -> dict[str, pa.Array]:
    """Return columns of text that are numbers as numbers; a CSV says of no column what it is."""
    columns = dict(sheet.columns)
    for name, column in columns.items():
        if pa.types.is_string(column.type) and name.strip().lower() not in (*SYMBOLS, *TIMES, REASON):
            numbers, wrong = sheet_numbers(column)
            columns[name] = column if wrong.any() else pa.array(numbers, from_pandas=True)
    return columns


def _content(sheet: FileSheet, path: Path, separator: str) -> bytes:
    if path.suffix.lower() in PARQUET:
        sink = pa.BufferOutputStream()
        parquet.write_table(pa.table(_typed(sheet)), sink)
        return bytes(sink.getvalue())
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, lineterminator="\n")
    writer.writerow(sheet.columns)
    writer.writerows(zip(*(column.to_pylist() for column in sheet.columns.values()), strict=True))
    return text.getvalue().encode()

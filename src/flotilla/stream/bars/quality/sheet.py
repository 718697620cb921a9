"""A file as a sheet: every row and cell that is there, nothing taken for a number or a time yet."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from flotilla.model.arrays import Flags, Floats
from flotilla.stream.bars import amounts
from flotilla.stream.bars.columns import float64_of, in_one_piece, int64_of
from flotilla.stream.bars.csv_table import unique
from flotilla.stream.bars.findings import Findings, Verdict
from flotilla.stream.bars.heads import Shape
from flotilla.stream.bars.options import Options

# How people write what they do not know, beside what a loader takes for it.
UNKNOWN = frozenset({*amounts.NULLS, "#N/A", "<NA>", "NaT", ".", "?"})


@dataclass(frozen=True)
class FileSheet:
    """A table as its file has it.

    columns: name -> the cells, all of one length: text of a CSV, of a Parquet file as they are typed.
    place: row -> where it stands in the file, "line 12". names: the columns' names in lower case -> as spelt.
    """

    name: str
    columns: dict[str, pa.Array]
    place: Callable[[int], str]

    @property
    def names(self) -> dict[str, str]:
        """Return the names of the columns: in lower case -> as the file spells them."""
        return {name.strip().lower(): name for name in self.columns}

    @property
    def length(self) -> int:
        """Return how many rows there are."""
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def raw(self, row: int) -> str:
        """Return a row as the file has it."""
        return ",".join("" if cell is None else str(cell) for cell in self.cells(row))

    def cells(self, row: int) -> list[object]:
        """Return a row's cells."""
        return [column[row].as_py() for column in self.columns.values()]

    def texts(self, name: str) -> list[str]:
        """Return a column as text; "" where there is nothing."""
        return [
            "" if cell is None else str(cell) for cell in self.columns[self.names[name.lower()]].to_pylist()
        ]

    def shown(self, rows: Sequence[int] | NDArray[np.int64]) -> Iterator[str]:
        """Yield rows as a message shows them."""
        return (f"{self.place(int(row))}: {self.raw(int(row))}" for row in rows)

    def took(self, rows: NDArray[np.int64]) -> FileSheet:
        """Return the sheet with these rows only, in this order."""
        index = pa.array(rows, pa.int64())
        place = self.place
        return FileSheet(
            self.name,
            {name: column.take(index) for name, column in self.columns.items()},
            lambda row: place(int(rows[row])),
        )


def sheet_of_text(text: bytes, shape: Shape, findings: Findings) -> FileSheet:
    """Return a CSV's text as a sheet; lines of another width than the header's go to `findings`.

    shape: how it is read: the names of its columns, and how many lines are of header.
    """
    separator, names = shape.options.separator or ",", unique(shape.names)
    reader = csv.reader(io.StringIO(text.decode(), newline=""), delimiter=separator)
    rows: list[list[str]] = []
    lines: list[int] = []
    odd: list[tuple[int, int, str]] = []
    filled = 0
    for cells in reader:
        filled += bool(cells)
        if filled <= shape.skip:
            continue
        if len(cells) == len(names):
            rows.append(cells)
            lines.append(reader.line_num)
        elif cells:
            odd.append((reader.line_num, len(cells), separator.join(cells)))
    _find_odd_lines(odd, len(names), max(lines, default=0), findings)
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    table = {name: pa.array(column, pa.string()) for name, column in zip(names, columns, strict=True)}
    return FileSheet(findings.name, table, lambda row: f"line {lines[row]}")


def _find_odd_lines(odd: list[tuple[int, int, str]], width: int, last: int, findings: Findings) -> None:
    ends = [f"line {line}: {text}" for line, cells, text in odd if line > last and cells < width]
    others = [f"line {line}: {text}" for line, cells, text in odd if not (line > last and cells < width)]
    what = "the last line has too few cells: the file looks cut off"
    mend = "fetch the file again, or leave the line out"
    findings.add(len(ends), what, ends, mend, code="truncated", verdict=Verdict.QUARANTINE)
    what = f"a line has other than the {width} cells of the header"
    findings.add(len(others), what, others, "mend the lines", code="wrong_width", verdict=Verdict.QUARANTINE)


def sheet_of_table(table: pa.Table, name: str) -> FileSheet:
    """Return an Arrow table as a sheet."""
    columns = {column: in_one_piece(table[column]) for column in table.column_names}
    return FileSheet(name, columns, lambda row: f"row {row}")


def sheet_numbers(column: pa.Array, options: Options | None = None) -> tuple[Floats, Flags]:
    """Return a column as numbers, float64[N], and where it holds what is none, bool[N].

    NaN where nothing is published or no number is written. options: how numbers are written in a text.
    """
    how = Options() if options is None else options
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        try:
            return float64_of(column), np.zeros(len(column), np.bool_)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            column = pa.array([None if cell is None else str(cell) for cell in column.to_pylist()])
    given = how.decimal, how.thousands
    values = float64_of(amounts.numbers_of(column, *given, amounts=how.amounts)).copy()
    strange = amounts.strange(column, *given, amounts=how.amounts)
    wrong = int64_of(pc.fill_null(strange, False).cast(pa.int8())).astype(np.bool_)
    for n in np.flatnonzero(wrong).tolist():
        text = str(column[n].as_py()).strip()
        number = _number(text)
        if text in UNKNOWN or number is not None:
            values[n], wrong[n] = np.nan if number is None else number, False
    return values, wrong


def _number(text: str) -> float | None:
    """Return what Python takes for a number: inf, 1e-5; not 1_000."""
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None

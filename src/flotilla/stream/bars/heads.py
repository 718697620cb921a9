"""The first lines of a table, as cells, and what they say about how the rest is read."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from typing import Any

from flotilla.errors import ConfigError
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.options import Options

_SEPARATORS = ",;\t|"
_GLANCE = 1 << 16  # bytes that hold the first lines
_LINES = 6


@dataclass(frozen=True)
class Head:
    """The first lines of a table, as cells; the first is of names. stem: the name without its end."""

    lines: list[list[str]]
    stem: str

    @property
    def lower(self) -> list[str]:
        """The names in small letters."""
        return [name.lower() for name in self.lines[0]]

    def column(self, name: str) -> str | None:
        """Return a column's name as it is spelled, None where there is none."""
        return next((spelt for spelt in self.lines[0] if spelt.lower() == name), None)

    def cell(self, name: str, row: int = 0) -> str:
        """Return a column's cell in a row below the first line; "" where there is none."""
        if name not in self.lower or row + 1 >= len(self.lines):
            return ""
        at = self.lower.index(name)
        line = self.lines[row + 1]
        return line[at] if at < len(line) else ""


@dataclass(frozen=True)
class Shape:
    """How a table is read. names: one for each column; skip: lines of header; remark: what was recognised."""

    names: list[str]
    skip: int
    options: Options
    remark: str | None = None


def head_of(text: bytes, options: Options, name: str) -> tuple[Head, str]:
    """Return the first lines of a text and the separator between their cells."""
    if not text.strip():
        raise refuse(name, "it is empty", "give a header line and rows", "empty")
    glance = text[:_GLANCE].decode(errors="ignore").splitlines()
    first = glance[0]
    separator = options.separator or ("\t" if "\t" in first and "," not in first else ",")
    if len(separator) != 1:
        raise ConfigError(f"separator {separator!r} is not one character")
    lines = [
        [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
        for line in glance[:_LINES]
    ]
    if not any(lines[0]) and not (len(lines) > 1 and any(lines[1]) and lines[0]):
        raise refuse(
            name, "its first line is empty", "put a line with the columns' names on top", "no_header"
        )
    other = max(_SEPARATORS, key=first.count)
    if len(lines[0]) == 1 and other in first:
        mend = f"say so: separator: {other!r}, and decimal: ',' if numbers are written 1,5"
        raise refuse(name, f"its columns are separated by {other!r}", mend, "dialect")
    return Head(lines, stem_of(name)), separator


_ENDS = (".csv", ".txt", ".tsv", ".dat", ".prn", ".asc", ".parquet", ".pq", ".zip")


def stem_of(name: str) -> str:
    """Return a file's name without its end: BRK.B of BRK.B.csv.gz."""
    bare = name.removesuffix(".gz")
    end = next((end for end in _ENDS if bare.lower().endswith(end)), "")
    return bare[: len(bare) - len(end)] or bare


def said(options: Options, **defaults: Any) -> Options:
    """Return options with what nobody said filled in. columns: where the user named none for that."""
    columns = {**defaults.pop("columns", {}), **options.columns}
    plain = Options()
    free = {name: value for name, value in defaults.items() if getattr(options, name) == getattr(plain, name)}
    return replace(options, columns=columns, **free)

"""The table of a CSV file's text.

1. Look at the first lines: separator, names, whose file it is (`head_of`, `shape_of`).
2. Parse with Arrow, strictly: a number is a number (`_parsed`). If Arrow cannot, go through
   the lines one by one and report every cell that is wrong, as it is written (`_blanked`).

An empty cell, and NaN, NA, N/A or null in any usual spelling, is a price not published.
"""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from typing import NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from flotilla.errors import DataError
from flotilla.stream.bars.dialects import shape_of
from flotilla.stream.bars.findings import Findings, refuse
from flotilla.stream.bars.heads import Head, Shape, head_of
from flotilla.stream.bars.layouts import Layout, layout_of
from flotilla.stream.bars.options import Options

NULLS = ["", "NaN", "nan", "NAN", "NA", "N/A", "null", "NULL", "None"]
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)


class Lines:
    """Says on which line of a file a row of its table stands. skip: lines of header."""

    def __init__(self, text: bytes, skip: int = 1) -> None:
        self._text, self._skip = text, skip
        self._numbers: list[int] | None = None

    def __call__(self, row: int) -> str:
        """Return where a row stands."""
        if self._numbers is None:  # empty lines are no rows; only a message asks, so count then
            lines = enumerate(self._text.splitlines(), start=1)
            self._numbers = [number for number, line in lines if line][self._skip :]
        return f"line {self._numbers[row]}"


class CsvTable(NamedTuple):
    """A text as a table. options: the user's, with what its shape says; remark: what was recognised."""

    table: pa.Table
    place: Lines
    options: Options
    remark: str | None
    layout: Layout


def table_of(text: bytes, options: Options, findings: Findings) -> CsvTable:
    """Return the columns of bars in a CSV's text, and where their rows stand."""
    shape = shape_of_text(text, options, findings.name)
    layout = layout_of(shape.names, findings.name, shape.options)
    table, text = _parsed(text, shape, layout, findings)
    return CsvTable(table, Lines(text, shape.skip), shape.options, shape.remark, layout)


def shape_of_text(text: bytes, options: Options, name: str) -> Shape:
    """Return how a CSV's text is read, by its first lines."""
    head, separator = head_of(text, options, name)
    shape = shape_of(head, replace(options, separator=separator), name)
    if shape.skip == 1 and not options.columns:
        _check_names(head, name)
    return shape


def _check_names(head: Head, name: str) -> None:
    """Refuse a first line that is data."""
    cells = head.lines[0]
    bare = len(cells) > 1 and sum(_NUMBER.fullmatch(cell) is not None for cell in cells) > len(cells) // 2
    # Codes of digits are names too: then the line below has dates where this one has a word.
    if any(_DATE.fullmatch(cell) for cell in cells) or (bare and _NUMBER.fullmatch(cells[0])):
        mend = "put a line with the columns' names on top"
        raise refuse(name, f"its first line is data: {','.join(cells)[:200]}", mend, "no_header")


def unique(names: list[str]) -> list[str]:
    """Return names of which none comes twice: of columns that are read none does."""
    seen: set[str] = set()
    out = []
    for n, name in enumerate(names):
        out.append(f"{name} ({n})" if name in seen else name)
        seen.add(name)
    return out


def _parsed(text: bytes, shape: Shape, layout: Layout, findings: Findings) -> tuple[pa.Table, bytes]:
    """Return the columns that the layout reads, and the text that was read in the end."""
    options = shape.options
    texts = layout.texts(options)
    numbers = {*layout.numbers(shape.names, options)}
    names = unique(shape.names)
    kind = pa.string() if options.are_texts else pa.float64()
    how = {
        "read_options": arrow_csv.ReadOptions(column_names=names, skip_rows=shape.skip),
        "parse_options": arrow_csv.ParseOptions(delimiter=options.separator),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(numbers, kind) | dict.fromkeys(texts, pa.string()),
            include_columns=[name for name in names if name in texts | numbers],
            null_values=NULLS,
            decimal_point=options.decimal,
        ),
    }
    try:
        return arrow_csv.read_csv(pa.BufferReader(text), **how), text
    except pa.ArrowInvalid as error:
        checked = {} if options.are_texts else {name: n for n, name in enumerate(names) if name in numbers}
        text = _blanked(text, len(names), checked, shape, findings)
        if not findings:
            raise DataError(f"{findings.name} cannot be used: {error}") from error
    # What is sound is read all the same, so that one message tells all that is wrong.
    try:
        return arrow_csv.read_csv(pa.BufferReader(text), **how), text
    except pa.ArrowInvalid:
        findings.raise_if_any()
        raise


def _blanked(text: bytes, width: int, numbers: dict[str, int], shape: Shape, findings: Findings) -> bytes:
    """Return `text` with each line that does not parse made empty, and find what is wrong in it.

    The other lines keep their numbers. width: cells of a line; numbers: which must be numbers.
    """
    lines = text.splitlines()
    separator, decimal = shape.options.separator or ",", shape.options.decimal
    short: list[tuple[int, str]] = []
    long: list[tuple[int, str]] = []
    wrong: list[str] = []
    last = max(n for n, line in enumerate(lines) if line)
    for n, line in enumerate(lines[shape.skip :], start=shape.skip):
        cells = next(csv.reader([line.decode()], delimiter=separator), [])
        if not cells:
            continue
        bad = [
            f"{name} {cells[at]!r}"
            for name, at in numbers.items()
            if len(cells) == width and not _is_number(cells[at].strip(), decimal)
        ]
        if len(cells) != width:
            (short if len(cells) < width else long).append((n, f"line {n + 1}: {line.decode()}"))
        wrong += [f"line {n + 1}: {cell}" for cell in bad]
        if bad or len(cells) != width:
            lines[n] = b""
    cut = [place for n, place in short if n == last]
    less = [place for n, place in short if n != last]
    more = [place for _, place in long]
    mend = "fetch the file again, it is cut off"
    findings.add(len(cut), "the last line has too few cells", cut, mend, code="truncated")
    for lines_, than in ((less, "fewer"), (more, "more")):
        what = f"a line has {than} cells than the {width} of the header"
        findings.add(len(lines_), what, lines_, "mend the lines", code="wrong_width")
    mend = "write 1234.5; leave what is unknown empty"
    findings.add(len(wrong), "a cell is not a number", wrong, mend, code="not_a_number")
    return b"\n".join(lines)


def _is_number(cell: str, decimal: str) -> bool:
    return cell in NULLS or _NUMBER.fullmatch(cell.replace(decimal, ".", 1)) is not None

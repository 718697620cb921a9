"""The table of a CSV file's text.

1. Read the header: separator, names, layout (see tables.py for the three) (`_header_of`).
2. Parse with Arrow, strictly: a number is a number (`_parsed`). If Arrow cannot, go through
   the lines one by one and report every cell that is wrong, as it is written (`_blanked`).

An empty cell, and NaN, NA, N/A or null in any usual spelling, is a price not published.
"""

from __future__ import annotations

import csv
import re

import pyarrow as pa
from pyarrow import csv as arrow_csv

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.findings import Findings, refuse
from flotilla.stream.bars.tables import Layout, Options, layout_of

NULLS = ["", "NaN", "nan", "NAN", "NA", "N/A", "null", "NULL", "None"]
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_SEPARATORS = ",;\t|"


class Lines:
    """Says on which line of a file a row of its table stands."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._numbers: list[int] | None = None

    def __call__(self, row: int) -> str:
        """Return where a row stands."""
        if self._numbers is None:  # empty lines are no rows; only a message asks, so count then
            lines = enumerate(self._text.splitlines(), start=1)
            self._numbers = [number for number, line in lines if line][1:]
        return f"line {self._numbers[row]}"


def table_of(text: bytes, options: Options, findings: Findings) -> tuple[pa.Table, Lines]:
    """Return the columns of bars in a CSV's text, and where their rows stand."""
    names = _header_of(text, options.separator, findings.name)
    table, text = _parsed(text, names, layout_of(names, findings.name), options, findings)
    return table, Lines(text)


def _parsed(
    text: bytes, names: list[str], layout: Layout, options: Options, findings: Findings
) -> tuple[pa.Table, bytes]:
    """Return the columns that the layout reads, and the text that was read in the end."""
    texts = {layout.time} | ({layout.symbol} if layout.symbol else set())
    wanted = texts | set(layout.fields.values()) if layout.fields else set(names)
    how = {
        "read_options": arrow_csv.ReadOptions(column_names=names, skip_rows=1),
        "parse_options": arrow_csv.ParseOptions(delimiter=options.separator),
        "convert_options": arrow_csv.ConvertOptions(
            column_types={name: pa.string() if name in texts else pa.float64() for name in wanted},
            include_columns=[name for name in names if name in wanted],
            null_values=NULLS,
            decimal_point=options.decimal,
        ),
    }
    try:
        return arrow_csv.read_csv(pa.BufferReader(text), **how), text
    except pa.ArrowInvalid as error:
        numbers = {name: n for n, name in enumerate(names) if name in wanted - texts}
        text = _blanked(text, len(names), numbers, options.separator, options.decimal, findings)
        if not findings:
            raise DataError(f"{findings.name} cannot be used: {error}") from error
    # What is sound is read all the same, so that one message tells all that is wrong.
    try:
        return arrow_csv.read_csv(pa.BufferReader(text), **how), text
    except pa.ArrowInvalid:
        findings.settle()
        raise


def _header_of(text: bytes, separator: str, name: str) -> list[str]:
    """Return the columns' names."""
    if len(separator) != 1:
        raise ConfigError(f"separator {separator!r} is not one character")
    if not text.strip():
        raise refuse(name, "it is empty", "give a header line and rows", "empty")
    first = text.splitlines()[0].decode()
    cells = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
    if not any(cells):
        raise refuse(
            name, "its first line is empty", "put a line with the columns' names on top", "no_header"
        )
    other = max(_SEPARATORS, key=first.count)
    if len(cells) == 1 and other in first:
        mend = f"say so: separator: {other!r}, and decimal: ',' if numbers are written 1,5"
        raise refuse(name, f"its columns are separated by {other!r}", mend, "dialect")
    if any(_DATE.fullmatch(cell) for cell in cells):
        mend = "put a line with the columns' names on top"
        raise refuse(name, f"its first line is data: {first}", mend, "no_header")
    return cells


def _blanked(
    text: bytes, width: int, numbers: dict[str, int], separator: str, decimal: str, findings: Findings
) -> bytes:
    """Return `text` with each line that does not parse made empty, and find what is wrong in it.

    The other lines keep their numbers. width: cells of a line; numbers: which must be numbers.
    """
    lines = text.splitlines()
    short: list[tuple[int, str]] = []
    long: list[tuple[int, str]] = []
    wrong: list[str] = []
    last = max(n for n, line in enumerate(lines) if line)
    for n, line in enumerate(lines[1:], start=1):
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

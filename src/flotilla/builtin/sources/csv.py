"""Bars from a CSV file, plain or gzipped.

1. Take the bytes as text: one encoding, no NUL bytes, not cut off (`_text_of`).
2. Read the header: separator, names, layout (see tables.py for the three) (`_header_of`).
3. Parse with Arrow, strictly: a number is a number (`_parsed`). If Arrow cannot, go through
   the lines one by one and report every cell that is wrong, as it is written (`_diagnose`).

An empty cell, and NaN, NA, N/A or null in any usual spelling, is a price not published.
"""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
from pyarrow import csv as arrow_csv

from flotilla.errors import ConfigError, DataError
from flotilla.model.panel import Panel
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.findings import Findings, refuse
from flotilla.stream.bars.tables import Layout, Options, draft_of, layout_of

NULLS = ["", "NaN", "nan", "NAN", "NA", "N/A", "null", "NULL", "None"]
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
_BINARY = {b"PK\x03\x04": "a zip archive: unpack it", b"PAR1": "a Parquet file: use source: parquet"}
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_SEPARATORS = ",;\t|"


class Csv:
    """Bars from one CSV file.

    path: the file; in a configuration file, relative to that file.
    tick: smallest price step, "0.01"; by default the fewest decimals that hold all prices.
    instrument, frequency, zone, unit: see tables.Options.
    separator, decimal, encoding: how the text is written, where not as 1,234.5 would mislead.
    """

    def __init__(
        self,
        *,
        path: str,
        tick: str | None = None,
        instrument: str | None = None,
        frequency: str | None = None,
        zone: str | None = None,
        unit: str | None = None,
        separator: str = ",",
        decimal: str = ".",
        encoding: str = "utf-8",
    ) -> None:
        self._path = Path(path)
        self._tick = tick
        self._options = Options(instrument, frequency, zone, unit)
        self._separator, self._decimal, self._encoding = separator, decimal, encoding

    def panel(
        self, start: date | None = None, end: date | None = None, instruments: Sequence[str] | None = None
    ) -> Panel:
        """Return the bars from `start` to `end`, both included."""
        name = self._path.name
        text = _text_of(read_bytes(self._path), self._encoding, name)
        names = _header_of(text, self._separator, name)
        findings = Findings(name)
        table, text = self._parsed(text, names, layout_of(names, name), findings)
        draft = draft_of(table, name, self._options, _Lines(text), findings)
        return panel_of(draft, start, end, instruments, self._tick)

    def _parsed(
        self, text: bytes, names: list[str], layout: Layout, findings: Findings
    ) -> tuple[pa.Table, bytes]:
        """Return the columns that the layout reads, and the text that was read in the end."""
        texts = {layout.time} | ({layout.symbol} if layout.symbol else set())
        wanted = texts | set(layout.fields.values()) if layout.fields else set(names)
        options = {
            "read_options": arrow_csv.ReadOptions(column_names=names, skip_rows=1),
            "parse_options": arrow_csv.ParseOptions(delimiter=self._separator),
            "convert_options": arrow_csv.ConvertOptions(
                column_types={name: pa.string() if name in texts else pa.float64() for name in wanted},
                include_columns=[name for name in names if name in wanted],
                null_values=NULLS,
                decimal_point=self._decimal,
            ),
        }
        try:
            return arrow_csv.read_csv(pa.BufferReader(text), **options), text
        except pa.ArrowInvalid as error:
            numbers = {name: n for n, name in enumerate(names) if name in wanted - texts}
            text = _blanked(text, len(names), numbers, self._separator, self._decimal, findings)
            if not findings:
                raise DataError(f"{self._path.name} cannot be used: {error}") from error
        # What is sound is read all the same, so that one message tells all that is wrong.
        try:
            return arrow_csv.read_csv(pa.BufferReader(text), **options), text
        except pa.ArrowInvalid:
            findings.settle()
            raise


def read_bytes(path: Path) -> bytes:
    """Return a file's content; ConfigError if the path does not lead to one."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


class _Lines:
    """Says on which line of a file a row of its table stands."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._numbers: list[int] | None = None

    def __call__(self, row: int) -> str:
        if self._numbers is None:  # empty lines are no rows; only a message asks, so count then
            lines = enumerate(self._text.splitlines(), start=1)
            self._numbers = [number for number, line in lines if line][1:]
        return f"line {self._numbers[row]}"


def _text_of(data: bytes, encoding: str, name: str) -> bytes:
    """Return the file's text as UTF-8 without a byte order mark."""
    if data[:2] == b"\x1f\x8b":
        try:
            data = gzip.decompress(data)
        except (EOFError, OSError, zlib.error) as error:
            raise refuse(name, f"it cannot be unpacked: {error}", "fetch the file again") from error
    for mark, what in _BINARY.items():
        if data.startswith(mark):
            raise refuse(name, f"it is no text but {what}", "give text")
    if data[:2] in _MARKS and encoding == "utf-8":
        raise refuse(name, f"its byte order mark says {_MARKS[data[:2]]}", "say so: encoding: utf-16")
    if encoding != "utf-8":
        try:
            data = data.decode(encoding).encode()
        except LookupError:
            raise ConfigError(f"encoding {encoding!r} is not known; try utf-8, latin-1 or utf-16") from None
        except UnicodeDecodeError as error:
            raise refuse(name, f"it is not {encoding}: {error}", "give its true encoding") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    if (nul := data.find(b"\0")) >= 0:
        what = f"{data.count(0)} x a NUL byte, first at byte {nul} on line {_line(data, nul)}"
        raise refuse(name, what, "fetch the file again, it is damaged")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        what = (
            f"byte {error.start} ({data[error.start]:#04x}), on line {_line(data, error.start)}, is not UTF-8"
        )
        raise refuse(name, what, "say how it is written, as encoding: latin-1") from error
    return data


def _line(data: bytes, at: int) -> int:
    return data.count(b"\n", 0, at) + 1


def _header_of(text: bytes, separator: str, name: str) -> list[str]:
    """Return the columns' names."""
    if len(separator) != 1:
        raise ConfigError(f"separator {separator!r} is not one character")
    if not text.strip():
        raise refuse(name, "it is empty", "give a header line and rows")
    first = text.splitlines()[0].decode()
    cells = [cell.strip() for cell in next(csv.reader([first], delimiter=separator), [])]
    if not any(cells):
        raise refuse(name, "its first line is empty", "put a line with the columns' names on top")
    other = max(_SEPARATORS, key=first.count)
    if len(cells) == 1 and other in first:
        mend = f"say so: separator: {other!r}, and decimal: ',' if numbers are written 1,5"
        raise refuse(name, f"its columns are separated by {other!r}", mend)
    if any(_DATE.fullmatch(cell) for cell in cells):
        raise refuse(name, f"its first line is data: {first}", "put a line with the columns' names on top")
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
    findings.add(len(cut), "the last line has too few cells", cut, "fetch the file again, it is cut off")
    findings.add(len(less), f"a line has fewer cells than the {width} of the header", less, "mend the lines")
    findings.add(len(more), f"a line has more cells than the {width} of the header", more, "mend the lines")
    findings.add(len(wrong), "a cell is not a number", wrong, "write 1234.5; leave what is unknown empty")
    return b"\n".join(lines)


def _is_number(cell: str, decimal: str) -> bool:
    return cell in NULLS or _NUMBER.fullmatch(cell.replace(decimal, ".", 1)) is not None

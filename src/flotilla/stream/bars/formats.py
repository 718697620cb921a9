"""Dates and times in a given format, read a column at a time and strictly: no 30th of February.

A format is written as Python's strptime has it: %d/%m/%Y %H:%M. It becomes one pattern, whose
groups are numbers; a day is counted from them by numpy.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError
from flotilla.stream.bars.columns import int64_of

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PIECES = {
    "Y": r"\d{4}",
    "y": r"\d{2}",
    "m": r"\d{1,2}",
    "d": r"\d{1,2}",
    "H": r"\d{1,2}",
    "I": r"\d{1,2}",
    "M": r"\d{1,2}",
    "S": r"\d{1,2}",
    "f": r"\d{1,9}",
    "b": r"[A-Za-z]{3}",
    "B": r"[A-Za-z]+",
    "p": r"[AaPp][Mm]",
    "z": r"Z|[+-]\d\d:?\d\d",
    "Z": r"[A-Za-z_]+(?:/[A-Za-z_]+)*",
}
# Between a date and a clock stand blanks, a T or a dash; between the parts of a date a dot or a slash.
_LITERALS = {" ": "[ T-]+", ".": "[./]", "/": "[./]"}
# Texts that can only be meant in one way, and the format that reads them.
_PLAIN = (
    (r"\d{8}", "%Y%m%d"),
    (r"\d{12}", "%Y%m%d%H%M"),
    (r"\d{14}", "%Y%m%d%H%M%S"),
    (r"\d{8}[ T]+\d{6}", "%Y%m%d %H%M%S"),
    (r"\d{8}[ T-]+\d\d:\d\d", "%Y%m%d %H:%M"),
    (r"\d{8}[ T-]+\d\d:\d\d:\d\d", "%Y%m%d %H:%M:%S"),
    (r"\d{8}[ T-]+\d\d:\d\d:\d\d [A-Za-z_]+(/[A-Za-z_]+)*", "%Y%m%d %H:%M:%S %Z"),
    (r"\d{4}-\d\d-\d\d[ T]+\d\d:\d\d:\d\d [A-Za-z_]+(/[A-Za-z_]+)*", "%Y-%m-%d %H:%M:%S %Z"),
    (r"\d{4}-\d\d-\d\d[ T]+\d\d:\d\d:\d\d [+-]\d\d:?\d\d", "%Y-%m-%d %H:%M:%S %z"),
    (r"\d{4}([./])\d{1,2}\1\d{1,2}", "%Y.%m.%d"),
    (r"\d{4}([./])\d{1,2}\1\d{1,2}[ T]+\d{1,2}:\d\d", "%Y.%m.%d %H:%M"),
    (r"\d{4}([./])\d{1,2}\1\d{1,2}[ T]+\d{1,2}:\d\d:\d\d", "%Y.%m.%d %H:%M:%S"),
    (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    (r"\d{1,2}-[A-Za-z]{3}-\d{4}", "%d-%b-%Y"),
    (r"\d{1,2} [A-Za-z]{3} \d{4}", "%d %b %Y"),
    (r"[A-Za-z]{3} \d{1,2}, \d{4}", "%b %d, %Y"),
)


class Read(NamedTuple):
    """Texts read by a format.

    wall: int64[N], ns of the clock on the wall; offset: int64[N], ns to take away for UTC, or None where
    the format has none; zones: the words of %Z; ok: bool[N], where the text is such a time.
    """

    wall: NDArray[np.int64]
    offset: NDArray[np.int64] | None
    zones: tuple[str, ...]
    ok: NDArray[np.bool_]
    has_clock: bool


def plain_format(text: str) -> str | None:
    """Return the format of a text that can be meant in one way only; None where it cannot, or is ISO."""
    for pattern, form in _PLAIN:
        if re.fullmatch(pattern, text):
            return form
    return None


def read_format(column: pa.Array, form: str) -> Read:
    """Return a column of texts read by a format; ConfigError if the format is none."""
    pattern = pattern_of(form)
    found = pc.extract_regex(column, pattern)
    ok = np.asarray(int64_of(pc.fill_null(found.is_valid(), False).cast(pa.int8()))).astype(bool)
    parts = {found.type.field(n).name: found.field(n) for n in range(found.type.num_fields)}

    def number(name: str, default: int = 0) -> NDArray[np.int64]:
        if name not in parts:
            return np.full(len(column), default, np.int64)
        digits = pc.if_else(pc.equal(pc.fill_null(parts[name], ""), ""), str(default), parts[name])
        return int64_of(pc.fill_null(digits, str(default)).cast(pa.int64()))

    year = number("Y", 1970) if "y" not in parts else _century(number("y"))
    month = number("m", 1) if "m" in parts else _months(parts.get("b", parts.get("B")), len(column))
    day, hour = number("d", 1), number("H")
    if "I" in parts:
        hour = number("I") % 12 + 12 * _flags(parts.get("p"), "pm", len(column))
    minute, second = number("M"), number("S")
    sane = (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    sane &= (year >= 1678) & (year <= 2261)
    first = (np.where(sane, year - 1970, 0) * 12 + np.where(sane, month - 1, 0)).astype("M8[M]")
    days = first.astype("M8[D]").astype(np.int64) + day - 1
    sane &= (days.astype("M8[D]").astype("M8[M]") == first) & (day <= 31)
    seconds = (hour * 60 + minute) * 60 + second
    wall = np.where(sane, days, 0) * DAY_NS + seconds * 1_000_000_000 + _fraction(parts.get("f"), len(column))
    ok &= sane
    zones = tuple(str(word) for word in pc.unique(parts["Z"]).to_pylist() if word) if "Z" in parts else ()
    offset = _offsets(parts["z"]) if "z" in parts else None
    return Read(np.where(ok, wall, 0), offset, zones, ok, bool({"H", "I"} & parts.keys()))


def pattern_of(form: str) -> str:
    """Return a format as a pattern with a group for each of its parts."""
    pieces = re.findall(r"%.|[^%]", form)
    if "".join(pieces) != form or not {"%d"} & {*pieces} or not {"%Y", "%y"} & {*pieces}:
        raise ConfigError(f'date_format {form!r} is not written as "%d/%m/%Y" or "%Y-%m-%d %H:%M:%S"')
    out = []
    for n, piece in enumerate(pieces):
        if len(piece) == 1:
            out.append(_LITERALS.get(piece, re.escape(piece)))
            continue
        if piece[1] not in _PIECES or pieces.count(piece) > 1:
            raise ConfigError(f"date_format {form!r}: {piece} is not known here, or is there twice")
        near = [p for p in (*pieces[max(n - 1, 0) : n], *pieces[n + 1 : n + 2]) if len(p) == 2]
        body = _PIECES[piece[1]]
        if near:  # digits that touch have their full width
            body = body.replace("{1,2}", "{2}")
        out.append(f"(?P<{piece[1]}>{body})")
    return f"^{''.join(out)}$"


def _century(year: NDArray[np.int64]) -> NDArray[np.int64]:
    return year + np.where(year < 69, 2000, 1900)  # as strptime has it


def _months(names: pa.Array | None, count: int) -> NDArray[np.int64]:
    if names is None:
        return np.ones(count, np.int64)
    coded = pc.utf8_lower(pc.fill_null(names, "")).dictionary_encode()
    words = [str(word)[:3] for word in coded.dictionary.to_pylist()]
    table = np.array([_MONTHS.index(word) + 1 if word in _MONTHS else 0 for word in words], np.int64)
    return table[int64_of(coded.indices)]


def _flags(column: pa.Array | None, word: str, count: int) -> NDArray[np.int64]:
    if column is None:
        return np.zeros(count, np.int64)
    return int64_of(pc.fill_null(pc.equal(pc.utf8_lower(column), word), False).cast(pa.int8()))


def _fraction(column: pa.Array | None, count: int) -> NDArray[np.int64]:
    if column is None:
        return np.zeros(count, np.int64)
    return int64_of(pc.utf8_rpad(pc.fill_null(column, "0"), 9, "0").cast(pa.int64()))


def _offsets(column: pa.Array) -> NDArray[np.int64]:
    coded = pc.fill_null(column, "Z").dictionary_encode()
    table = np.array([_offset(str(word)) for word in coded.dictionary.to_pylist()], np.int64)
    return table[int64_of(coded.indices)]


def _offset(text: str) -> int:
    """Return ns that a clock with this offset is before UTC: +05:30 is 19,800 s."""
    digits = text[1:].replace(":", "")
    if not digits:
        return 0
    seconds = (int(digits[:2]) * 60 + int(digits[2:] or 0)) * 60
    return (-seconds if text[0] == "-" else seconds) * 1_000_000_000

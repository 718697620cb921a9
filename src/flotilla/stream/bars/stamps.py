"""Turn a column of dates or times into ns UTC, or say which of its cells cannot be.

A column is read as one of these, and never cell by cell:

    dates       2024-01-31, or times without a zone that are all midnight: session dates
    stamps      2024-01-31T14:30:00Z, 2024-01-31 09:30:00-05:00: any mix of UTC offsets
    local       2024-01-31 09:30:00, if `zone` says where ("America/New_York")
    numbers     1706711400, if `unit` says what since 1970: s, ms, us or ns

A local time that the clocks' change makes twice or not at all is refused, not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from flotilla.errors import ConfigError, nearest
from flotilla.stream.bars.columns import int64_of, nulls_of
from flotilla.stream.bars.draft import DAY_NS, Stamps, stamp_text
from flotilla.stream.bars.findings import Findings

UNITS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ZONED = re.compile(r".*\d(Z|[+-]\d\d(:?\d\d)?)")
_NUMBER = re.compile(r"[+-]?\d+")
_ISO = "write 2024-01-31, or 2024-01-31T14:30:00Z with its zone"
# A time since 1970 in the wrong unit lands decades away: nothing here is older or newer.
_FIRST_NS = -DAY_NS * 365 * 100
_LAST_NS = DAY_NS * 365 * 130
_BLOCK = 1_000  # cells tried at once when the unreadable ones are looked for

Place = Callable[[int], str]


def stamps_of(
    column: pa.Array, zone: str | None, unit: str | None, findings: Findings, place: Place
) -> tuple[Stamps, bool]:
    """Return (int64[N] ns UTC, whether they are session dates).

    zone: of times that carry none. unit: of numbers. place: row -> where it is in its file.
    What cannot be read goes to `findings`; the stamps are then of no use.
    """
    kind = column.type
    if column.null_count:
        empty = np.flatnonzero(nulls_of(column)).tolist()
        findings.add(
            len(empty), "a row has no time", map(place, empty), "give each row its time", code="bad_date"
        )
        return np.zeros(len(column), np.int64), False
    if pa.types.is_date(kind):
        return int64_of(column.cast(pa.date32()).cast(pa.int32())) * DAY_NS, True
    if pa.types.is_integer(kind):
        return _numbers(int64_of(column), unit, findings, place), False
    if pa.types.is_timestamp(kind):
        return _timestamps(column, zone, findings, place)
    if _is_text(kind):
        return _texts(column.cast(pa.string()), zone, unit, findings, place)
    findings.add(1, f"the time column is {kind}", [], _ISO, code="timestamp_type")
    return np.zeros(len(column), np.int64), False


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _timestamps(column: pa.Array, zone: str | None, findings: Findings, place: Place) -> tuple[Stamps, bool]:
    kind = column.type
    try:
        ns = int64_of(column.cast(pa.timestamp("ns", kind.tz)))
    except pa.ArrowInvalid as error:
        findings.add(
            1,
            f"a time is outside the years 1677 to 2262 ({error})",
            [],
            "leave such rows out",
            code="bad_date",
        )
        return np.zeros(len(column), np.int64), False
    if kind.tz is not None:
        return ns, False
    if len(ns) and not (ns % DAY_NS).any():
        return ns, True
    return _local(ns, zone, findings, place), False


def _texts(
    column: pa.Array, zone: str | None, unit: str | None, findings: Findings, place: Place
) -> tuple[Stamps, bool]:
    """Read all of the cells as what the first of them is."""
    column = pc.utf8_trim_whitespace(column)
    first = column[0].as_py() if len(column) else ""
    if _NUMBER.fullmatch(first):
        kind, wanted = pa.int64(), "a whole number"
    elif _DATE.fullmatch(first):
        kind, wanted = pa.date32(), "a date written 2024-01-31"
    elif _ZONED.fullmatch(first):
        kind, wanted = pa.timestamp("ns", "UTC"), "a time with its zone, written 2024-01-31T14:30:00Z"
    else:
        kind, wanted = pa.timestamp("ns"), "a time written 2024-01-31 14:30:00"
    try:
        read = column.cast(kind)
    except pa.ArrowInvalid:
        _find_unreadable(column, kind, wanted, findings, place)
        return np.zeros(len(column), np.int64), False
    return stamps_of(read, zone, unit, findings, place)


def _find_unreadable(
    column: pa.Array, kind: pa.DataType, wanted: str, findings: Findings, place: Place
) -> None:
    """Say which cells are not what the first one is, and of what sort they are."""
    texts: list[str] = column.to_pylist()
    wrong = _unreadable(column, kind)
    times = [n for n, text in enumerate(texts) if not _DATE.fullmatch(text)]
    zoned = [n for n in times if _ZONED.fullmatch(texts[n])]
    naive = [n for n in times if _is_naive(texts[n])]
    if zoned and naive:
        what = f"a time has no zone, while {len(zoned)} of {len(texts)} have one"
        findings.add(
            len(naive),
            what,
            _cells(naive, texts, place),
            "give every time its zone, or none",
            code="mixed_naive_aware",
        )
        wrong = sorted({*wrong} - {*naive, *zoned})
    swappable = any(re.fullmatch(r"\d\d?[/.-]\d\d?[/.-]\d{2,4}.*", texts[n]) for n in wrong)
    hint = "; day and month could be swapped here, and are not guessed" if swappable else ""
    what, code = f"a cell of the time column is not {wanted}", "ambiguous_date_format" if hint else "bad_date"
    findings.add(len(wrong), what, _cells(wrong, texts, place), _ISO + hint, code=code)


def _unreadable(column: pa.Array, kind: pa.DataType) -> list[int]:
    """Return the rows that cannot be read as `kind`. In blocks: most of them can be."""
    wrong = []
    for first in range(0, len(column), _BLOCK):
        block = column.slice(first, _BLOCK)
        if not _reads(block, kind):
            wrong += [first + n for n in range(len(block)) if not _reads(block.slice(n, 1), kind)]
    return wrong


def _reads(column: pa.Array, kind: pa.DataType) -> bool:
    try:
        column.cast(kind)
    except pa.ArrowInvalid:
        return False
    return True


def _is_naive(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is None
    except ValueError:
        return False


def _cells(rows: Iterable[int], texts: list[str], place: Place) -> Iterable[str]:
    return (f"{place(n)}: {texts[n]!r}" for n in rows)


def _local(ns: Stamps, zone: str | None, findings: Findings, place: Place) -> Stamps:
    """Return UTC for times of a clock on the wall in `zone`, given as if they were UTC."""
    if zone is None:
        places = (f"{place(n)}: {stamp_text(ns[n], 1).rstrip('Z')}" for n in range(len(ns)))
        findings.add(
            len(ns),
            "a time has no zone",
            places,
            "say where: zone: UTC, or zone: America/New_York",
            code="no_timezone",
        )
        return ns
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"zone {zone!r} is not a time zone such as UTC or America/New_York") from None
    wall = pa.array(ns, pa.timestamp("ns"))
    early, late = (
        int64_of(pc.assume_timezone(wall, zone, ambiguous=side, nonexistent=side))
        for side in ("earliest", "latest")
    )
    # Where the two readings differ the clocks changed: an hour apart if the time came twice,
    # the last instant before and the first after if it never came.
    apart = late - early
    for wrong, what, code in (
        (apart > 1, "comes twice", "dst_ambiguous"),
        (apart == 1, "does not exist", "dst_nonexistent"),
    ):
        places = (f"{place(n)}: {stamp_text(ns[n], 1).rstrip('Z')}" for n in np.flatnonzero(wrong).tolist())
        findings.add(
            int(wrong.sum()),
            f"a time {what} in {zone}: the clocks change there",
            places,
            "give times with their UTC offset, or the true zone",
            code=code,
        )
    return early


def _numbers(values: NDArray[np.int64], unit: str | None, findings: Findings, place: Place) -> Stamps:
    if unit is not None and unit not in UNITS:
        raise ConfigError(f"unit {unit!r} is not a unit of time{nearest(unit, UNITS)}")
    if unit is None:
        places = (f"{place(n)}: {values[n]}" for n in range(len(values)))
        findings.add(
            len(values),
            "a time is a bare number",
            places,
            "say its unit since 1970: s, ms, us or ns",
            code="timestamp_type",
        )
        return values
    scale = UNITS[unit]
    wrong = (values < _FIRST_NS // scale) | (values > _LAST_NS // scale)
    places = (f"{place(n)}: {values[n]}" for n in np.flatnonzero(wrong).tolist())
    what = f"a time is not {unit} since 1970: it would be before 1870 or after 2100"
    findings.add(int(wrong.sum()), what, places, "give all times in one unit", code="mixed_epoch_units")
    return np.where(wrong, 0, values) * scale

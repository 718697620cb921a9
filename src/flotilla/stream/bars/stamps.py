"""Turn a column of dates or times into ns UTC, or say which of its cells cannot be.

A column is read as one of these, and never cell by cell:

    dates       2024-01-31, or times without a zone that are all midnight: session dates
    stamps      2024-01-31T14:30:00Z, 2024-01-31 09:30:00-05:00: any mix of UTC offsets
    local       2024-01-31 09:30:00, if `zone` says where ("America/New_York")
    numbers     1706711400, if `unit` says what since 1970; 20240131 is a date

Other ways of writing are read where they can be meant in one way only (formats.plain_format), or
where `date_format` says which. A local time that the clocks' change makes never is refused; one
that it makes twice is read where the order of the rows tells which it is (folds.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Stamps
from flotilla.stream.bars import epochs, folds
from flotilla.stream.bars.columns import float64_of, int64_of, nulls_of
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.formats import Read, plain_format, read_format
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.places import RowPlace
from flotilla.stream.bars.slashed import is_slashed, order_of

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ZONED = re.compile(r".*\d(Z|[+-]\d\d(:?\d\d)?)")
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?")
_PLACELESS = re.compile(r"[+-]\d\d(:?\d\d)?|UTC|UCT|GMT|Z|Zulu|Universal|Etc/.*", re.IGNORECASE)
_OFFSET = r"(Z|[+-]\d\d(:?\d\d)?)$"
_ISO = "write 2024-01-31, or 2024-01-31T14:30:00Z with its zone"
_FIRST_DAY, _LAST_DAY = (
    int(np.datetime64(day, "D").astype(np.int64)) for day in ("1678-01-01", "2261-12-31")
)
_BLOCK = 1_000  # cells tried at once when the unreadable ones are looked for


class Times(NamedTuple):
    """A column of times, read.

    ts: int64[N], ns UTC. are_dates: they are session dates.
    wall: what the clock on the wall said where they were written, int64[N] ns, as they carry an offset
    of their own; None where they carry none. zone: the one that they name, as a place has it, if they do.
    remark: how they were read, where the column itself told it.
    """

    ts: Stamps
    are_dates: bool
    wall: Callable[[], Stamps] | None = None
    zone: str | None = None
    remark: str | None = None


def stamps_of(
    column: pa.Array,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None = None,
) -> Times:
    """Return the times of a column.

    groups: whose each row is, intp[N], where rows of several instruments stand in one table.
    What cannot be read goes to `findings`; the stamps are then of no use.
    """
    kind = column.type
    nothing = Times(np.zeros(len(column), np.int64), False)
    if column.null_count:
        empty = np.flatnonzero(nulls_of(column)).tolist()
        what, mend = "a row has no time", "give each row its time"
        findings.add(len(empty), what, map(place, empty), mend, code="bad_date")
        return nothing
    if isinstance(kind, pa.BaseExtensionType):
        return _periods(column, findings, place)
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_date(kind):
        return _dates(int64_of(column.cast(pa.date32()).cast(pa.int32())), findings, place)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind):
        return _numbers(column, options, findings, place, groups)
    if pa.types.is_timestamp(kind):
        return _timestamps(column, options, findings, place, groups)
    if _is_text(kind):
        return _texts(column.cast(pa.string()), options, findings, place, groups)
    findings.add(1, f"the time column is {kind}", [], _ISO, code="timestamp_type")
    return nothing


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _periods(column: pa.Array, findings: Findings, place: RowPlace) -> Times:
    """Read pandas' periods of a day as their dates; longer ones end later than they are called."""
    if getattr(column.type, "freq", None) in ("D", "B"):
        return _dates(int64_of(column.storage), findings, place)
    mend = "give the day on which each ends: index.to_timestamp(how='end').normalize()"
    findings.add(1, f"the time column is {column.type}", [], mend, code="timestamp_type")
    return Times(np.zeros(len(column), np.int64), False)


def _dates(days: Stamps, findings: Findings, place: RowPlace) -> Times:
    """Return session dates. days: int64[N], since 1970."""
    known = _are_known(days, findings, place)
    return Times(days * DAY_NS if known else np.zeros(len(days), np.int64), True)


def _are_known(days: Stamps, findings: Findings, place: RowPlace) -> bool:
    """Say whether all days are of the years that ns since 1970 reach in any zone; tell those that are not."""
    out = np.flatnonzero((days < _FIRST_DAY) | (days > _LAST_DAY)).tolist()
    cells = (f"{place(n)}: {np.datetime64(int(days[n]), 'D')}" for n in out)
    what = "a time is outside the years 1678 to 2261"
    findings.add(len(out), what, cells, "give its true year, or leave such rows out", code="bad_date")
    return not out


def _numbers(
    column: pa.Array,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None,
) -> Times:
    if pa.types.is_floating(column.type) and column.type != pa.float64():
        what = f"the time column is {column.type}: such a number holds a time to minutes only"
        findings.add(1, what, [], "give whole numbers, 64 bits wide", code="timestamp_type")
        return Times(np.zeros(len(column), np.int64), False)
    values = int64_of(column) if pa.types.is_integer(column.type) else float64_of(column)
    if values.dtype.kind == "f" and bool((values == np.rint(values)).all() and (np.abs(values) < 1e15).all()):
        values = values.astype(np.int64)
    if options.unit is None and values.dtype.kind == "i" and epochs.are_days(values.astype(np.int64)):
        return _texts(pa.array(values).cast(pa.string()), options, findings, place, groups)
    ns, is_wall = epochs.ns_of(values, options.unit, findings, place)
    return _on_the_wall(ns, options, findings, place, groups) if is_wall else Times(ns, False)


def _timestamps(
    column: pa.Array,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None,
) -> Times:
    kind = column.type
    values = int64_of(column.cast(pa.int64()))
    if not _are_known(values // (DAY_NS // epochs.SINCE_1970[kind.unit]), findings, place):
        return Times(np.zeros(len(column), np.int64), False)
    ns = int64_of(column.cast(pa.timestamp("ns", kind.tz)))
    if kind.tz is None:
        return _on_the_wall(ns, options, findings, place, groups)
    return Times(
        ns, False, lambda: int64_of(pc.local_timestamp(column).cast(pa.timestamp("ns"))), _named(kind.tz)
    )


def _named(zone: str) -> str | None:
    """Return a zone that is a place's; None for an offset and for UTC, which tell when and not where."""
    if _PLACELESS.fullmatch(zone):
        return None
    folds.zone_of(zone)
    return zone


def _on_the_wall(
    ns: Stamps,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None,
) -> Times:
    """Return times that carry no zone: dates if all are midnight, else of the zone that is given."""
    if len(ns) and not (ns % DAY_NS).any():
        return Times(ns, True)
    ts = folds.utc_of(ns, options.zone, findings, place, groups, newest_first=options.sort)
    return Times(ts, False)


def _texts(
    column: pa.Array,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None,
) -> Times:
    """Read all of the cells as what the first of them is."""
    column = pc.utf8_trim_whitespace(column)
    first = column[0].as_py() if len(column) else ""
    form = options.date_format or (plain_format(first) if options.unit is None else None)
    if form is not None and not (options.date_format is None and _DATE.fullmatch(first)):
        return _formatted(column, form, options, findings, place, groups)
    if form is None and is_slashed(first):
        return _slashed(column, options, findings, place, groups)
    if _NUMBER.fullmatch(first):
        is_whole = options.unit != "excel" and "." not in first
        kind, wanted = (pa.int64(), "a whole number") if is_whole else (pa.float64(), "a number")
    elif _DATE.fullmatch(first):
        kind, wanted = pa.date32(), "a date written 2024-01-31"
    elif _ZONED.fullmatch(first):
        kind, wanted = pa.timestamp("ns", "UTC"), "a time with its zone, written 2024-01-31T14:30:00Z"
    else:
        kind, wanted = pa.timestamp("ns"), "a time written 2024-01-31 14:30:00"
    try:
        read = column.cast(kind)
    except pa.ArrowInvalid:
        wide = pa.timestamp("us", kind.tz) if pa.types.is_timestamp(kind) else kind
        if wide != kind and _reads(column, wide):  # times they are, of a year that ns do not reach
            return _timestamps(column.cast(wide), options, findings, place, groups)
        _find_unreadable(column, kind, wanted, findings, place)
        return Times(np.zeros(len(column), np.int64), False)
    times = stamps_of(read, options, findings, place, groups)
    if not _ZONED.fullmatch(first) or first.endswith("Z"):
        return times
    return times._replace(wall=lambda: _wall_of(column))


def _wall_of(column: pa.Array) -> Stamps:
    bare = pc.replace_substring_regex(column, _OFFSET, "")
    return int64_of(bare.cast(pa.timestamp("ns")))


def _formatted(
    column: pa.Array,
    form: str,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None,
) -> Times:
    read = read_format(column, form)
    if not read.ok.all():
        wrong = np.flatnonzero(~read.ok).tolist()
        texts = column.to_pylist()
        what = f"a cell of the time column is not written as {form}"
        mend = f"write it as the others, or say how they are: date_format; {_ISO}"
        findings.add(len(wrong), what, _cells(wrong, texts, place), mend, code="bad_date")
        return Times(np.zeros(len(column), np.int64), False)
    return _placed(read, options, findings, place, groups)


def _slashed(
    column: pa.Array,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None,
) -> Times:
    """Read dates of which the day or the month may come first, where the column tells which."""
    texts = column.to_pylist()
    order = order_of(texts, by_order=options.either_order)
    if not order.is_told(either=options.either_order):
        what, mend = order.asked
        rows = [n for n, text in enumerate(texts) if is_slashed(text)]
        findings.add(len(rows), what, _cells(rows, texts, place), mend, code="ambiguous_date_format")
        return Times(np.zeros(len(column), np.int64), False)
    times = _formatted(column, order.form, options, findings, place, groups)
    return times._replace(remark=order.said)


def _placed(
    read: Read,
    options: Options,
    findings: Findings,
    place: RowPlace,
    groups: Callable[[], NDArray[np.intp]] | None,
) -> Times:
    if read.offset is not None:
        offset = read.offset
        return Times(read.wall - offset, False, (lambda: read.wall) if offset.any() else None)
    if len(read.zones) > 1:
        what, mend = (
            f"times are of several zones: {', '.join(read.zones)}",
            "give them in one, or with offsets",
        )
        findings.add(len(read.zones), what, [], mend, code="mixed_naive_aware")
        return Times(read.wall, False)
    zone = read.zones[0] if read.zones else options.zone
    if not read.has_clock or (len(read.wall) and not (read.wall % DAY_NS).any()):
        return Times(read.wall, True)
    ts = folds.utc_of(read.wall, zone, findings, place, groups, newest_first=options.sort)
    return Times(ts, False, (lambda: read.wall) if read.zones else None, zone if read.zones else None)


def _find_unreadable(
    column: pa.Array, kind: pa.DataType, wanted: str, findings: Findings, place: RowPlace
) -> None:
    """Say which cells are not what the first one is, and of what sort they are."""
    texts: list[str] = column.to_pylist()
    wrong = _unreadable(column, kind)
    times = [n for n, text in enumerate(texts) if not _DATE.fullmatch(text)]
    zoned = [n for n in times if _ZONED.fullmatch(texts[n])]
    naive = [n for n in times if _is_naive(texts[n])]
    if zoned and naive:
        what = f"a time has no zone, while {len(zoned)} of {len(texts)} have one"
        mend = "give every time its zone, or none"
        findings.add(len(naive), what, _cells(naive, texts, place), mend, code="mixed_naive_aware")
        wrong = sorted({*wrong} - {*naive, *zoned})
    what = f"a cell of the time column is not {wanted}"
    mend = f'{_ISO}, or say how they are written, as date_format: "%d/%m/%Y"'
    findings.add(len(wrong), what, _cells(wrong, texts, place), mend, code="bad_date")


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


def _cells(rows: Iterable[int], texts: list[str], place: RowPlace) -> Iterable[str]:
    return (f"{place(n)}: {texts[n]!r}" for n in rows)

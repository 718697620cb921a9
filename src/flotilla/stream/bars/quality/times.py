"""The times of a sheet, cell by cell: those that can be read, and what is wrong with the others.

A loader reads a column whole or refuses it. Here what cannot be read is set aside, so that one look finds
all that is wrong: the cells that are no time, and what the loader says of all the others.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Flags, Ints
from flotilla.stream.bars import stamps
from flotilla.stream.bars.columns import nulls_of
from flotilla.stream.bars.findings import Finding, Findings, Verdict
from flotilla.stream.bars.formats import plain_format, read_format
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.places import RowPlace
from flotilla.stream.bars.slashed import is_slashed, order_of

YEARS = (1678, 2261)  # that 64 bits of ns hold whole
_ZONED = re.compile(r".*\d[T ]\d.*(Z|[+-]\d\d(:?\d\d)?)")
_OFFSET = re.compile(r"(Z|[+-]\d\d(?::?\d\d)?)$")
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d.*")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True)
class FileTimes:
    """ts: int64[N] ns UTC, 0 where not known. known: bool[N]. are_dates: they are session dates.

    read: those that are known, as a source reads them.
    """

    ts: Ints
    known: Flags
    are_dates: bool
    read: stamps.Times

    def without(self, rows: Collection[int]) -> stamps.Times:
        """Return the times as a source reads them, without some rows."""
        kept = ~np.isin(np.flatnonzero(self.known), sorted(rows))
        wall = self.read.wall
        return self.read._replace(
            ts=self.read.ts[kept], wall=None if wall is None else (lambda: wall()[kept])
        )


def times_of(
    column: pa.Array,
    options: Options,
    findings: Findings,
    place: RowPlace,
) -> FileTimes:
    """Return the times of a column, each that can be read. place: row -> where it stands."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return _typed(column, options, findings, place)
    texts = ["" if cell is None else cell.strip() for cell in column.to_pylist()]
    form = options.date_format or _plain(texts, options)
    if form is not None:
        known = read_format(pa.array(texts, pa.string()), form).ok
        return _read(texts, known, False, replace(options, date_format=form), findings, place)
    sorts = np.array([_sort(text) for text in texts])
    counts = {sort: int((sorts == sort).sum()) for sort in ("slashed", "zoned", "naive", "date", "number")}
    main = max(counts, key=lambda sort: counts[sort])
    if counts["zoned"] and counts["naive"]:
        rows = np.flatnonzero(sorts == "naive")
        what = f"a time has no zone, while {counts['zoned']} of {len(texts)} have one"
        _add(findings, "mixed_naive_aware", rows, texts, what, "give every time its zone, or none", place)
        main = "zoned"
    if main == "slashed":
        form = _order(texts, options, findings, place)
        known = read_format(pa.array(texts, pa.string()), form).ok
        return _read(texts, known, False, replace(options, date_format=form), findings, place)
    if main == "zoned":
        _find_offsets(texts, findings)
    known = np.array([_sort(text) == main for text in texts], np.bool_)
    if main == "number":
        known &= ~_other_units(texts, known, findings, place)
    else:
        series = pl.Series([text[:10] for text in texts], dtype=pl.String)
        years = series.str.to_date("%Y-%m-%d", strict=False).dt.year()
        known &= years.is_between(*YEARS).fill_null(False).to_numpy()
    return _read(texts, known, main == "date", options, findings, place)


def _plain(texts: list[str], options: Options) -> str | None:
    """Return the only format that most texts can have, as 20240131; None where they are ISO, or numbers."""
    if options.unit is not None:
        return None
    forms = Counter(plain_format(text) for text in texts)
    form, count = forms.most_common(1)[0]
    return form if form is not None and not _DATE.fullmatch(texts[0]) and count * 2 > len(texts) else None


def _sort(text: str) -> str:
    if is_slashed(text):
        return "slashed"
    for sort, form in (("date", _DATE), ("zoned", _ZONED), ("naive", _NAIVE), ("number", _NUMBER)):
        if form.fullmatch(text):
            return sort
    return "other"


def _read(
    texts: list[str], known: Flags, are_dates: bool, options: Options, findings: Findings, place: RowPlace
) -> FileTimes:
    """Read the cells that are known to be of one sort, and set the others aside."""
    known = known.copy()
    good = np.flatnonzero(known)
    column = pa.array([texts[n] for n in good], pa.string())
    known[good[_unreadable(column, options)]] = False
    good, wrong = np.flatnonzero(known), np.flatnonzero(~known)
    what, mend = (
        "a cell of the time column is no time that there is",
        "write 2024-01-31, or leave the row out",
    )
    verdict = Verdict.QUARANTINE if len(wrong) * 2 < len(texts) else Verdict.REJECT
    if not any(found.code in ("mixed_naive_aware", "mixed_epoch_units") for found in findings):
        _add(findings, "bad_date", wrong, texts, what, mend, place, verdict)
    ts, read = np.zeros(len(texts), np.int64), stamps.Times(np.zeros(0, np.int64), are_dates)
    if len(good):
        told = Findings(findings.name)
        at = good.tolist()
        read = stamps.stamps_of(
            pa.array([texts[n] for n in at], pa.string()), options, told, lambda n: place(at[n])
        )
        ts[good], are_dates = _guessed(read.ts, texts, at, told), read.are_dates
        findings.extend(_softened(finding, at) for finding in told)
        _find_fold([texts[n] for n in at], ts[good], at, findings, place)
    return FileTimes(ts, known, are_dates, read)


def _typed(column: pa.Array, options: Options, findings: Findings, place: RowPlace) -> FileTimes:
    """Read a column that a Parquet file has types for."""
    known = ~nulls_of(column)
    at = np.flatnonzero(known)
    ts, told = np.zeros(len(column), np.int64), Findings(findings.name)
    taken = column.take(pa.array(at))
    read = stamps.stamps_of(taken, options, told, lambda n: place(int(at[n])))
    ts[at] = read.ts
    if pa.types.is_integer(column.type):
        ts[at] = _guessed(read.ts, taken.to_pylist(), range(len(at)), told)
    findings.extend(_softened(finding, at.tolist()) for finding in told)
    empty = np.flatnonzero(~known).tolist()
    what, mend = "a row has no time", "give each row its time"
    aside = Verdict.QUARANTINE
    findings.add(len(empty), what, map(place, empty), mend, code="bad_date", verdict=aside, rows=empty)
    return FileTimes(ts, known, read.are_dates, read)


def _guessed(ts: Ints, numbers: Sequence[object], at: Sequence[int], told: Findings) -> Ints:
    """Return times; of numbers without a unit those that they seem to be, to look at the rest."""
    if not any(found.code == "timestamp_type" for found in told):
        return ts
    values = np.array([int(str(numbers[n])) for n in at], np.int64)
    return values * _scale_of(int(np.median(np.abs(values))))


def _scale_of(value: int) -> int:
    """Return ns in the unit that a number since 1970 seems to be in."""
    digits = len(str(value))
    return 1_000_000_000 if digits <= 11 else 1_000_000 if digits <= 14 else 1_000 if digits <= 17 else 1


def _softened(finding: Finding, rows: list[int]) -> Finding:
    """Return what the loader finds, with the verdict that a look deserves."""
    if finding.code == "dst_ambiguous":
        return replace(finding, verdict=Verdict.QUARANTINE, rows=tuple(rows[n] for n in finding.rows))
    return finding


def _unreadable(column: pa.Array, options: Options) -> Ints:
    """Return which cells cannot be read as the others are, by halving: most columns are sound."""
    how = replace(options, zone=options.zone or "UTC", unit=options.unit or "s")

    def reads(part: pa.Array) -> bool:
        told = Findings("")
        stamps.stamps_of(part, how, told, str)
        return not any(found.code in ("bad_date", "ambiguous_date_format") for found in told)

    bad: list[int] = []
    waiting = [(0, len(column))]
    while waiting:
        a, b = waiting.pop()
        if a < b and not reads(column.slice(a, b - a)):
            half = (a + b) // 2
            bad.extend([a] if b - a == 1 else [])
            waiting.extend([] if b - a == 1 else [(a, half), (half, b)])
    return np.array(sorted(bad), np.int64)


def _order(texts: list[str], options: Options, findings: Findings, place: RowPlace) -> str:
    """Return the format of dates as 01/31/2024, and note what tells that the month comes first, or ask."""
    order = order_of(texts, by_order=options.either_order)
    rows = np.array([n for n, text in enumerate(texts) if is_slashed(text)], np.int64)
    if not order.is_told(either=options.either_order):
        what, mend = order.asked
        _add(findings, "ambiguous_date_format", rows, texts, what, mend, place)
    elif not options.either_order:
        proof = next(n for n, text in enumerate(texts) if order.why.startswith(text) and text)
        shown = [f"{place(proof)}: {texts[proof]}"]
        findings.add(1, order.said, shown, "", code="month_first", verdict=Verdict.WARN)
    return order.form


def _other_units(texts: list[str], known: Flags, findings: Findings, place: RowPlace) -> Flags:
    """Return where a number since 1970 is in another unit than the first, bool[N]."""
    digits = np.array(
        [len(text.lstrip("+-")) if here else 0 for text, here in zip(texts, known, strict=True)]
    )
    there = np.flatnonzero(known)
    jumps = there[1:][np.abs(np.diff(digits[there])) > 1]
    what = "numbers since 1970 jump by factors of a thousand: units are mixed"
    _add(findings, "mixed_epoch_units", jumps, texts, what, "give all times in one unit", place)
    first = digits[there[0]] if len(there) else 0
    return np.asarray(known & (np.abs(digits - first) > 1))


def _find_offsets(texts: list[str], findings: Findings) -> None:
    """Find times of several UTC offsets that no change of the clocks explains."""
    offsets = [match[1] if (match := _OFFSET.search(text)) else "" for text in texts]
    several = sorted({*offsets} - {""})
    changes = sum(a != b for a, b in pairwise(offsets))
    if len(several) > 1 and changes > 2 * len(several) and changes > len(texts) // 100:
        what = f"several UTC offsets in one column, {', '.join(several)}: all are taken to UTC"
        findings.add(
            len(several), what, [], "nothing: it is done", code="mixed_offsets", verdict=Verdict.REPAIR
        )


def _find_fold(texts: list[str], ts: Ints, at: list[int], findings: Findings, place: RowPlace) -> None:
    """Find local times that come twice as autumn's hour does, and were told apart by their order."""
    if not texts or not _NAIVE.fullmatch(texts[0]):
        return
    seen: dict[str, int] = {}
    twice = []
    for n, text in enumerate(texts):
        if text in seen and ts[n] - ts[seen[text]] not in (0, DAY_NS):
            twice.append(n)
        seen.setdefault(text, n)
    rows = [at[n] for n in twice]
    what = "an hour comes twice where the clocks go back, and is told apart by its order"
    shown = (f"{place(at[n])}: {texts[n]}" for n in twice)
    findings.add(
        len(rows), what, shown, "nothing: it is done", code="dst_fold", verdict=Verdict.REPAIR, rows=rows
    )


def _add(
    findings: Findings,
    code: str,
    rows: Ints,
    texts: list[str],
    what: str,
    mend: str,
    place: RowPlace,
    verdict: Verdict = Verdict.REJECT,
) -> None:
    shown = (f"{place(int(n))}: {texts[int(n)]!r}" for n in rows)
    findings.add(len(rows), what, shown, mend, code=code, verdict=verdict, rows=rows.tolist())

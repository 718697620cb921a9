"""The one door to a Panel: what comes out of here has been checked.

1. Names and stamps: instruments are told apart, stamps rise strictly (`_check_axes`).
2. Cut to the days and instruments that were asked for (`_cut`).
3. Values: finite, above zero, low <= open, close <= high, whole bars (`_check_values`).
4. Ticks: given, and then every price is checked against it; or found (`ticks_of`).
5. Identity: a hash of everything above (`identity_of_panel`).
6. Remarks: what a reader of results must know of these bars (series/remarks.py).

A source makes a `Draft`, from whatever it reads, and hands it in. Every defect is reported,
with its count, its first places and what to do; nothing is repaired or guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError, DataError, OutOfOrderError, UnknownName
from flotilla.model.arrays import Floats, Stamps
from flotilla.model.panel import FIELDS, Panel
from flotilla.stream.bars.currencies import currencies_told
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.frames import Bars
from flotilla.stream.bars.series.remarks import series_remarks

PRICES = ("open", "high", "low", "close")
MOST_DECIMALS = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ROUNDING = 1e-14  # of a price: what multiplying by an adjustment factor may be off
_GLANCE = 256  # rows that are tried first when ticks are looked for


def nowhere(_t: int, _i: int) -> str:
    """Return the place of a cell in its file, where there is no file."""
    return ""


@dataclass(frozen=True)
class Draft:
    """Bars on their way to be a Panel: nothing about them has been checked.

    ts: int64[T], start of each bar, ns UTC; step: ns, how long a bar is.
    fields: name -> float64[T, I], "close" among them; NaN is "not published".
    place: (t, i) -> where that cell stands in its file ("line 12"), or "".
    findings: what reading them has found already; it is reported with the rest.
    zone, remarks: as of a Panel.
    """

    name: str
    ts: Stamps
    step: int
    instruments: tuple[str, ...]
    fields: Mapping[str, Floats]
    place: Callable[[int, int], str] = nowhere
    findings: Findings | None = None
    zone: str = "UTC"
    remarks: tuple[str, ...] = ()


def panel_of(
    draft: Draft,
    start: date | None = None,
    end: date | None = None,
    instruments: Sequence[str] | None = None,
    tick: str | float | None = None,
) -> Panel:
    """Return the checked Panel of `draft`, or raise DataError with everything that is wrong.

    start, end: first and last day, both included, by ts_event in the draft's zone; None is no limit.
    instruments: which, in this order; None is all, in the draft's order.
    tick: the smallest price step, "0.01"; every price must then be a whole multiple. None
    looks for the fewest decimals (0..8) that hold every price of an instrument exactly: with
    prices parsed from decimal text that is a fact about the text. Where none does, 0.
    """
    findings = Findings(draft.name) if draft.findings is None else draft.findings
    _check_axes(draft, findings)
    if not findings:  # rows out of order cannot be cut by time: then all of them are checked
        draft = _cut(draft, start, end, instruments)
    ticks = None if tick is None else np.full(len(draft.instruments), float(_per_unit(tick)))
    _check_values(draft, ticks, findings)
    findings.raise_if_any()
    beside = [name for name in draft.fields if name not in FIELDS]
    fields = {name: _clean(draft.fields[name]) for name in (*FIELDS, *beside) if name in draft.fields}
    if ticks is None:
        ticks = ticks_of([fields[name] for name in PRICES if name in fields])
    ts_event = np.ascontiguousarray(draft.ts, dtype=np.int64)
    ts_recv = ts_event + draft.step
    identity = identity_of_panel(ts_event, ts_recv, draft.instruments, fields, ticks, draft.zone)
    remarks = (
        *draft.remarks,
        *currencies_told(draft.instruments),
        *series_remarks(ts_event, draft.step, draft.instruments, fields),
    )
    return Bars(
        ts_event, ts_recv, draft.instruments, fields, ticks, identity, draft.name, draft.zone, remarks
    )


def check_draft(draft: Draft) -> None:
    """Raise DataError with everything that is wrong with a draft that is a part of something larger."""
    findings = Findings(draft.name) if draft.findings is None else draft.findings
    _check_axes(draft, findings)
    _check_values(draft, None, findings)
    findings.raise_if_any()


def identity_of_panel(
    ts_event: Stamps,
    ts_recv: Stamps,
    instruments: Sequence[str],
    fields: Mapping[str, Floats],
    ticks: Floats,
    zone: str = "UTC",
) -> str:
    """Return the hash of a panel's content, 32 hex digits."""
    digest = blake2b(digest_size=16)
    elsewhere = () if zone == "UTC" else (zone,)  # so that most identities are those of older versions
    digest.update(repr((tuple(instruments), tuple(sorted(fields)), len(ts_event), *elsewhere)).encode())
    for array in (ts_event, ts_recv, ticks, *(fields[name] for name in sorted(fields))):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def ticks_of(prices: Sequence[Floats]) -> Floats:
    """Return ticks per unit, float64[I], that hold all `prices` (float64[T, I] each) exactly.

    The test is on bits: round(p * 10**k) / 10**k == p. A correctly rounded parse of a decimal
    with k places always passes it. 0 where no k up to 8 does, or there is no price.
    """
    count = prices[0].shape[1]
    return np.array(
        [_ticks_of_one([field[:, i] for field in prices]) for i in range(count)], dtype=np.float64
    )


def stamp_text(ts: int, step: int) -> str:
    """Return a stamp as a person reads it: a date for daily bars, else ISO in UTC."""
    when = _EPOCH + timedelta(microseconds=int(ts) // 1000)
    if step == DAY_NS and ts % DAY_NS == 0:
        return when.date().isoformat()
    return when.isoformat().replace("+00:00", "Z")


def _check_axes(draft: Draft, findings: Findings) -> None:
    _check_names(draft.instruments, findings)
    if not len(draft.ts):
        mend = "give data that has rows; an empty file is no history"
        findings.add(1, "no rows at all", [], mend, code="no_rows")
    steps = np.diff(draft.ts)
    for wrong, what, code in (
        (steps < 0, "a row goes back in time", "unsorted"),
        (steps == 0, "a time comes twice", "duplicate_conflict"),
    ):
        places = (f"{_row(draft, t + 1)} after {_row(draft, t)}" for t in np.flatnonzero(wrong).tolist())
        mend = "sort the rows by time, or say sort: true; one row for a time"
        findings.add(int(wrong.sum()), what, places, mend, OutOfOrderError, code=code)
    shape = (len(draft.ts), len(draft.instruments))
    odd = [f"{name}: {values.shape}" for name, values in draft.fields.items() if values.shape != shape]
    findings.add(
        len(odd),
        f"an array's shape is not {shape}",
        odd,
        "give a row for a time, a column each",
        code="shape",
    )
    if "close" not in draft.fields:
        findings.add(
            1, "no close", [f"there is {', '.join(draft.fields)}"], "give the closes", code="missing_column"
        )
    if odd or "close" not in draft.fields:
        findings.raise_if_any()  # nothing more can be said of them


def _check_names(names: Sequence[str], findings: Findings) -> None:
    if not names:
        findings.add(1, "no instrument", [], "give at least one column of prices", code="missing_column")
    untidy = [repr(name) for name in names if name != name.strip() or not name.isprintable() or not name]
    what = "an instrument's name is empty or has blanks around it"
    findings.add(len(untidy), what, untidy, "write the bare name", code="symbol_spelling")
    spelled: dict[str, list[str]] = {}
    for name in names:
        spelled.setdefault(name.strip().casefold(), []).append(name)
    same = [" and ".join(map(repr, group)) for group in spelled.values() if len(group) > 1]
    findings.add(
        len(same),
        "one instrument is there in several spellings",
        same,
        "spell each in one way",
        code="symbol_spelling",
    )


def _cut(draft: Draft, start: date | None, end: date | None, instruments: Sequence[str] | None) -> Draft:
    first, last = rows_of_days(draft.ts, draft.zone, start, end)
    if first >= last:
        there = " to ".join(stamp_text(ts, draft.step) for ts in (draft.ts[0], draft.ts[-1]))
        raise DataError(
            f"{draft.name}: no rows from {start or 'the start'} to {end or 'the end'}; it has {there}"
        )
    columns = _columns(draft.instruments, instruments)
    if (first, last) == (0, len(draft.ts)) and columns == list(range(len(draft.instruments))):
        return draft
    place = draft.place
    return replace(
        draft,
        ts=draft.ts[first:last],
        instruments=tuple(draft.instruments[i] for i in columns),
        fields={name: values[first:last, columns] for name, values in draft.fields.items()},
        place=lambda t, i: place(t + first, columns[i]),
    )


def rows_of_days(ts: Stamps, zone: str, start: date | None, end: date | None) -> tuple[int, int]:
    """Return the rows of the days from `start` to `end`, both included, as a slice reads them.

    ts: int64[T], rising, ns UTC; a day begins at midnight in `zone`.
    """
    first = 0 if start is None else int(np.searchsorted(ts, _midnight(start, zone)))
    if end is None:
        return first, len(ts)
    return first, int(np.searchsorted(ts, _midnight(end + timedelta(days=1), zone)))


def _columns(there: tuple[str, ...], asked: Sequence[str] | None) -> list[int]:
    if asked is None:
        return list(range(len(there)))
    if not asked or len(set(asked)) < len(asked):
        raise ConfigError(f"instruments must be at least one, each once: {list(asked)}")
    for name in asked:
        if name not in there:
            raise UnknownName("instrument", name, there)
    return [there.index(name) for name in asked]


def _check_values(draft: Draft, ticks: Floats | None, findings: Findings) -> None:
    prices = {name: draft.fields[name] for name in PRICES if name in draft.fields}
    for name, values in draft.fields.items():
        if name not in FIELDS:  # a column beside the bars may hold any finite number
            beside = f"{name} is infinite"
            _find(draft, findings, {name: values}, np.isinf(values), beside, "give a number", "infinite")
            continue
        _find(
            draft, findings, {name: values}, np.isinf(values), f"{name} is infinite", "give the true number",
            "infinite",
        )  # fmt: skip
        low, what, code = (
            (values <= 0, "not above zero", "non_positive_price")
            if name in PRICES
            else (values < 0, "below zero", "negative_volume")
        )
        low &= np.isfinite(values)
        mend = "correct these rows or leave them out"
        _find(draft, findings, {name: values}, low, f"{name} is {what}", mend, code)
    if ticks is not None:
        for name, values in prices.items():
            off = np.isfinite(values) & ~_on_grid(values, ticks)
            mend = "give the true tick, or none"
            _find(draft, findings, {name: values}, off, f"{name} is off the tick", mend, "off_tick")
    holes = [np.isnan(values) for values in prices.values()]
    part = np.logical_or.reduce(holes) & ~np.logical_and.reduce(holes)
    mend = "give all of them, or none"
    _find(draft, findings, prices, part, "a bar has only some of its prices", mend, "nan_price")
    _check_ranges(draft, prices, findings)


def _check_ranges(draft: Draft, prices: Mapping[str, Floats], findings: Findings) -> None:
    inside = prices["close"]
    top = np.fmax(prices.get("open", inside), inside)
    bottom = np.fmin(prices.get("open", inside), inside)
    high, low = prices.get("high", top), prices.get("low", bottom)
    # A vendor's products round each on its own: a high that is the close may lie a bit below it.
    near = np.where(np.isfinite(inside), inside, 0.0) * ROUNDING
    broken = (high + near < top) | (low - near > bottom) | (low - near > high)
    mend = "correct these rows or leave them out"
    swapped = int(((high <= bottom) & (low >= top) & broken).sum())
    if swapped > broken.size // 2:
        mend = f"high and low look swapped in {swapped} bars of {broken.size}: exchange the two columns"
    _find(
        draft, findings, prices, broken, "a bar breaks low <= open, close <= high", mend, "ohlc_inconsistent"
    )


def _find(
    draft: Draft,
    findings: Findings,
    values: Mapping[str, Floats],
    wrong: NDArray[np.bool_],
    what: str,
    mend: str,
    code: str,
) -> None:
    def places() -> Iterator[str]:
        for t, i in np.argwhere(wrong):
            cells = ", ".join(f"{name} {float(field[t, i])!r}" for name, field in values.items())
            where = [draft.place(int(t), int(i)), stamp_text(draft.ts[t], draft.step), draft.instruments[i]]
            yield f"{' '.join(filter(None, where))}: {cells}"

    findings.add(int(wrong.sum()), what, places(), mend, code=code)


def _row(draft: Draft, t: int) -> str:
    return " ".join(filter(None, [draft.place(int(t), 0), stamp_text(draft.ts[t], draft.step)]))


def _clean(values: Floats) -> Floats:
    """Return a copy with one kind of NaN and of zero, so that equal content has equal bits."""
    out = np.array(values, dtype=np.float64, order="C")
    out += 0.0  # -0.0 becomes 0.0
    out[np.isnan(out)] = np.nan
    return out


def _ticks_of_one(columns: Sequence[Floats]) -> float:
    if all(np.isnan(column).all() for column in columns):
        return 0.0
    for k in range(MOST_DECIMALS + 1):
        scale = 10.0**k
        if all(
            _on_grid(column[:_GLANCE], scale).all() and _on_grid(column, scale).all() for column in columns
        ):
            return scale
    return 0.0


def _on_grid(values: Floats, scale: float | Floats) -> NDArray[np.bool_]:
    """Say of each price whether it is a whole number of ticks that float64 counts exactly; NaN is."""
    with np.errstate(over="ignore", invalid="ignore"):
        ticks = np.rint(values * scale)
        on_grid: NDArray[np.bool_] = (ticks / scale == values) & (np.abs(ticks) <= 2.0**53)
    return on_grid | np.isnan(values)


def _per_unit(tick: str | float) -> int:
    try:
        per_unit = 1 / Decimal(str(tick))
    except (InvalidOperation, ZeroDivisionError):
        raise ConfigError(f"tick {tick!r} is not a number above zero") from None
    if not per_unit.is_finite() or per_unit <= 0 or per_unit != per_unit.to_integral_value():
        raise ConfigError(f"tick {tick!r} must divide 1 into whole parts, as 1, 0.25 and 0.01 do")
    return int(per_unit)


def _midnight(day: date, zone: str) -> int:
    """Return when a day begins in a zone, ns since 1970, UTC."""
    begins = datetime.combine(day, time.min, ZoneInfo(zone))
    return int((begins - _EPOCH) / timedelta(seconds=1)) * 1_000_000_000

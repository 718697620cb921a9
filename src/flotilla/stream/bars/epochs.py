"""Times that are numbers: since 1970 in some unit, dates as 20240102, or a spreadsheet's serial days.

A number in the wrong unit lands decades away, most often in 1970. So times that all lie in that year
are refused, and what they look like is said.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.errors import ConfigError, nearest
from flotilla.stream.bars.findings import Findings
from flotilla.stream.bars.places import RowPlace

SINCE_1970 = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
UNITS = (*SINCE_1970, "epoch", "excel")
_FIRST_NS = -DAY_NS * 365 * 100
_LAST_NS = DAY_NS * 365 * 130
_YEAR_NS = DAY_NS * 366
_SERIAL_ZERO = -25_569  # days from 1970 to 1899-12-30, from which spreadsheets count
_SERIALS = (10_000, 80_000)  # 1927 to 2119
_MS = 1_000_000

Numbers = NDArray[np.int64] | NDArray[np.float64]


def check_unit(unit: str | None) -> None:
    """Raise ConfigError unless `unit` is one."""
    if unit is not None and unit not in UNITS:
        raise ConfigError(f"unit {unit!r} is not a unit of time{nearest(unit, UNITS)}")


def are_days(values: NDArray[np.int64]) -> bool:
    """Say whether all numbers are dates written as 20240102, of the years 1800 to 2199."""
    month, day = values // 100 % 100, values % 100
    plausible = (values // 10_000 >= 1800) & (values // 10_000 < 2200) & (month >= 1) & (month <= 12)
    return bool(len(values)) and bool((plausible & (day >= 1) & (day <= 31)).all())


def ns_of(
    values: Numbers, unit: str | None, findings: Findings, place: RowPlace
) -> tuple[NDArray[np.int64], bool]:
    """Return (int64[N], whether they are serial days and so a clock on the wall), ns since 1970.

    values: int64[N], or float64[N] of whole numbers (serial days may have a fraction: the time of day).
    """
    check_unit(unit)
    nothing = np.zeros(len(values), np.int64)

    def places(rows: Iterable[int]) -> Iterable[str]:
        return (f"{place(n)}: {values[n]}" for n in rows)

    if unit is None:
        what, mend = "a time is a bare number", _mend(values)
        findings.add(len(values), what, places(range(len(values))), mend, code="timestamp_type")
        return nothing, False
    if unit == "excel":
        wrong = np.flatnonzero((values < _SERIALS[0]) | (values > _SERIALS[1]))
        what = "a time is no serial day of a spreadsheet: it would be before 1927 or after 2119"
        findings.add(len(wrong), what, places(wrong.tolist()), "give the true unit", code="wrong_unit")
        since = np.rint((np.asarray(values, np.float64) + _SERIAL_ZERO) * (DAY_NS // _MS)).astype(np.int64)
        return (nothing if len(wrong) else since * _MS), True
    if values.dtype.kind == "f":
        wrong = np.flatnonzero((values != np.rint(values)) | (np.abs(values) > 2.0**53))
        mend = "give whole numbers, in a smaller unit if need be"
        findings.add(
            len(wrong), "a time is not a whole number", places(wrong.tolist()), mend, code="bad_date"
        )
        if len(wrong):
            return nothing, False
    whole = values.astype(np.int64)
    scale = _scales(whole) if unit == "epoch" else np.int64(SINCE_1970[unit])
    out = (whole < _FIRST_NS // scale) | (whole > _LAST_NS // scale)
    what = f"a time is not {unit} since 1970: it would be before 1870 or after 2100"
    rows = np.flatnonzero(out)
    findings.add(
        len(rows), what, places(rows.tolist()), "give all times in one unit", code="mixed_epoch_units"
    )
    ns = np.where(out, 0, whole) * scale
    if len(ns) and not len(rows) and bool((np.abs(ns) < _YEAR_NS).all()):
        what = f"a time would be in {'1970' if ns[0] >= 0 else '1969'}, as {unit} since 1970"
        findings.add(len(ns), what, places(range(len(ns))), _mend(values), code="wrong_unit")
    return ns, False


def _scales(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the unit that each number is in, by its size: ns, int64[N]."""
    size = np.abs(values)
    return np.select(
        [size < 10**11, size < 10**14, size < 10**17],
        [np.int64(10**9), np.int64(10**6), np.int64(10**3)],
        np.int64(1),
    )


def _mend(values: Numbers) -> str:
    """Return what to do about numbers that are not times in the unit given, or in none."""
    if not len(values):
        return "say its unit since 1970: s, ms, us or ns"
    if np.array_equal(values - values[0], np.arange(len(values))) and values[0] in (0, 1):
        return "it counts rows; give the column of times, as columns: {time: NAME}"
    if values.dtype.kind == "i" and are_days(values.astype(np.int64)):
        return "they look like dates written 20240102: leave unit out"
    if bool(((values >= _SERIALS[0]) & (values <= _SERIALS[1])).all()):
        first = np.datetime64("1970-01-01") + np.timedelta64(int(values[0]) + _SERIAL_ZERO, "D")
        return f"they look like a spreadsheet's serial days: say unit: excel ({values[0]} is then {first})"
    size = float(np.abs(values).max())
    unit = "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"
    if size < 1e8:
        return "say its unit since 1970: s, ms, us or ns"
    first = np.datetime64(0, "s") + np.timedelta64(int(values[0]) // (10**9 // SINCE_1970[unit]), "s")
    return f"say its unit since 1970: s, ms, us or ns; as {unit} the first is {first}Z"

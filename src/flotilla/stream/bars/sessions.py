"""How long bars are, and which of them are days.

1. Times that are all midnight, where they were written or in `zone`, are session dates (`_dates_of`).
2. Stamps a day or more apart at another hour are days too: those of their dates in `zone`, or where
   they were written. If neither is known, where their midnight is must be said.
3. Else the length is `frequency`, which the rows may not contradict, or the smallest step between two
   times, if all the other steps are whole multiples of it (`step_of`).
"""

from __future__ import annotations

import re
from typing import NamedTuple

import numpy as np

from flotilla.clock import DAY_NS, HOUR_NS
from flotilla.errors import ConfigError, DataError
from flotilla.model.arrays import Stamps
from flotilla.stream.bars.draft import stamp_text
from flotilla.stream.bars.findings import refuse
from flotilla.stream.bars.folds import wall_in
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.stamps import Times
from flotilla.words import lasting

_FREQUENCY = re.compile(r"([1-9]\d*)(s|m|h|d)")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_APART = 20 * HOUR_NS  # days are, where one closes early and the clocks change
_EVENING = 17 * HOUR_NS  # from then on a bar may be of the next day
# Where exchanges are: which of them makes stamps midnights is a hint, and no guess is made by it.
_EXCHANGES = (
    "America/New_York", "Europe/London", "Europe/Berlin", "Asia/Kolkata", "Asia/Tokyo", "Asia/Hong_Kong",
    "Australia/Sydney", "America/Chicago", "America/Toronto", "America/Sao_Paulo", "Asia/Seoul",
)  # fmt: skip


class Sessions(NamedTuple):
    """Times as bars. ts: int64[N], ns UTC; step: ns, how long one is; remark: what was taken for what."""

    ts: Stamps
    step: int
    zone: str
    remark: str | None = None


def sessions_of(times: Times, options: Options, source: str) -> Sessions:
    """Return the times of bars, days among them told by their dates; DataError where that is not clear."""
    length = length_of(options.frequency)
    zone = options.zone or times.zone
    if times.are_dates:
        return Sessions(times.ts, step_of(times.ts, True, options.frequency, source), "UTC")
    dates = _dates_of(times, zone, length)
    if dates is not None:
        return Sessions(dates, step_of(dates, True, options.frequency, source), "UTC")
    if length in (None, DAY_NS):
        told = _days_of(times, zone, source, given=length is not None)
        if told is not None:
            return told
    return Sessions(times.ts, step_of(times.ts, False, options.frequency, source), zone or "UTC")


def length_of(frequency: str | None) -> int | None:
    """Return a length as ns; ConfigError if it is not written as one."""
    if frequency is None:
        return None
    parts = _FREQUENCY.fullmatch(frequency)
    if parts is None:
        raise ConfigError(f"frequency {frequency!r} is not written as 30s, 1m, 4h or 1d")
    return int(parts[1]) * _SECONDS[parts[2]] * 1_000_000_000


def step_of(ts: Stamps, are_dates: bool, frequency: str | None, source: str) -> int:
    """Return the length of a bar, ns. ts: int64[N] in any order."""
    length = length_of(frequency)
    if are_dates:
        if length not in (None, DAY_NS):
            raise ConfigError(f"{source} has dates, so its bars are days and not {frequency}")
        return DAY_NS
    steps, times = np.diff(ts), ts
    if (steps <= 0).any():  # many instruments, or no order: only then pay for a sort
        times = np.unique(ts)
        steps = np.diff(times)
    seen = int(steps.min()) if len(steps) and not (steps % steps.min()).any() else None
    if length is None:
        if seen is None:
            what = "how long its bars are cannot be seen from their times"
            raise refuse(source, what, "say it: frequency: 1h", "mixed_frequency")
        return seen
    if len(steps):
        _check_length(length, steps, times, seen, source, frequency or "")
    return length


def _check_length(
    length: int, steps: Stamps, times: Stamps, seen: int | None, source: str, frequency: str
) -> None:
    """Raise DataError where the rows contradict the length that was given."""
    n = int(steps.argmin())
    nearest = int(steps[n])
    rows = f"{stamp_text(times[n], 1)} and {stamp_text(times[n + 1], 1)}"
    days = nearest >= _APART
    if nearest < length and not (days and length == DAY_NS):
        what = f"frequency {frequency}, but bars begin {lasting(nearest)} apart: {rows}: they would overlap"
        raise refuse(source, what, f"leave frequency out, or say {lasting(nearest)}", "mixed_frequency")
    if (days and length < _APART // 2) or (seen is not None and seen > length and len(steps) > 1):
        what = (
            f"frequency {frequency}, but no two bars begin nearer than {lasting(nearest)}: {rows}: "
            "a close would be known before its bar ends"
        )
        raise refuse(source, what, "leave frequency out", "mixed_frequency")


def _dates_of(times: Times, zone: str | None, length: int | None) -> Stamps | None:
    """Return times that are all midnight, where they were written or in `zone`, as dates; else None."""
    if not len(times.ts) or (length not in (None, DAY_NS) and (times.ts == times.ts[0]).all()):
        return None
    if not (times.ts % DAY_NS).any():
        return times.ts
    if (times.ts[:2] % (HOUR_NS // 4)).any():  # no offset makes this a midnight
        return None
    if times.wall is not None:
        read = times.wall()
        if not (read % DAY_NS).any():
            return read
    if zone is not None:
        read = wall_in(times.ts, zone)
        if not (read % DAY_NS).any():
            return read
    return None


def _days_of(times: Times, zone: str | None, source: str, *, given: bool) -> Sessions | None:
    """Return stamps that are a day or more apart as dates; None where they are no days.

    given: that bars are a day long; where nothing tells their dates they are then 24 hours from their stamps.
    """
    unique = np.unique(times.ts)
    if len(unique) < 2 or int(np.diff(unique).min()) < _APART:
        return None
    if zone is not None:
        wall, where = wall_in(times.ts, zone), zone
    elif given:
        return None
    elif times.wall is not None and (own := times.wall()).tolist() != times.ts.tolist():
        wall, where = own, "their own offset"
    else:
        raise _homeless(unique, source)
    clock = wall % DAY_NS
    if (clock >= _EVENING).any() or len(np.unique(wall // DAY_NS)) < len(unique):
        if given:
            return None
        at = str(np.timedelta64(int(clock.max()) // 1_000_000_000, "s").astype("m8[s]").astype(object))
        what = f"its bars are days, stamped {at} by {where}: which date each is of cannot be seen"
        raise refuse(source, what, "give dates, or frequency: 1d for 24 hours from each stamp", "odd_days")
    hours = sorted({f"{h // HOUR_NS:02d}:{h % HOUR_NS // 60_000_000_000:02d}" for h in clock.tolist()})
    remark = f"{source}: bars stamped {' or '.join(hours[:3])} ({where}) are taken as the days of their dates"
    return Sessions(wall // DAY_NS * DAY_NS, DAY_NS, "UTC", remark)


def _homeless(unique: Stamps, source: str) -> DataError:
    first = stamp_text(unique[0], 1)
    fit = [zone for zone in _EXCHANGES if not (wall_in(unique, zone) % DAY_NS).any()]
    what = (
        f"its bars are days, but begin at {first[11:]} UTC, as {first}: which dates they are cannot be seen"
    )
    mend = (
        f"they are midnights of {fit[0]}: say zone: {fit[0]}"
        if fit
        else "say where the exchange is, as zone: America/New_York, or frequency: 1d for 24 hours from each"
    )
    return refuse(source, what, mend, "odd_days")

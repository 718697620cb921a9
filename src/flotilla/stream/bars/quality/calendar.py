"""When an exchange was open, by its calendar: days, where it is named or one fits nearly all, and hours."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Ints
from flotilla.stream.bars.folds import wall_in
from flotilla.stream.bars.series.mixed import FEWEST
from flotilla.stream.calendars import calendar_of

_EPOCH = date(1970, 1, 1)

# The one that is tried when none is named. It must hold nearly all days of the data, and have few others.
DEFAULT = "XNYS"
KNOWN_FROM = 0  # days since 1970: older holidays are not in the calendars, and some Saturdays were sessions
HOLDS, HAS = 0.99, 0.95


class Hours(NamedTuple):
    """Sessions in order, int64[N] each. zone: the exchange's. days: since 1970; the others ns UTC.

    closes: early ones as they were. pause, resume: the break at noon, both the close where there is none.
    """

    zone: str
    days: Ints
    opens: Ints
    pause: Ints
    resume: Ints
    closes: Ints

    def day_of(self, ts: Ints) -> Ints:
        """Return the days of the sessions that are open at moments, else what the calendar there says.

        ts: int64[M], ns UTC.
        """
        at = np.searchsorted(self.opens, ts, side="right") - 1
        inside = (at >= 0) & (ts < self.closes[at])
        return np.where(inside, self.days[at], wall_in(ts, self.zone) // DAY_NS)


@cache
def sessions(name: str, first: int, last: int) -> Ints:
    """Return the days of an exchange's sessions, int64, days since 1970. first, last: both included.

    name: as the package exchange_calendars has it, XNYS, XBOM, XLON or 24/7; UnknownName for no such one.
    """
    days: Ints = _made(name, first, last).sessions.values.astype("datetime64[D]").astype(np.int64)
    return days[(days >= first) & (days <= last)]


@cache
def hours(name: str, first: int, last: int) -> Hours:
    """Return when the sessions of some days, and of one before and after, begin and end; as `sessions`."""
    made = _made(name, first - 1, last + 1)
    table = made.schedule
    columns = ("open", "break_start", "break_end", "close")
    opens, pause, resume, closes = (
        table[column].dt.tz_convert(None).to_numpy("datetime64[ns]").astype(np.int64) for column in columns
    )
    none = table["break_start"].isna().to_numpy()
    pause, resume = np.where(none, closes, pause), np.where(none, closes, resume)
    days = table.index.to_numpy("datetime64[D]").astype(np.int64)
    return Hours(str(made.tz), days, opens, pause, resume, closes)


def _made(name: str, first: int, last: int) -> Any:
    """Return a calendar of at least some days; UnknownName for no such one."""
    a, b = (_EPOCH + timedelta(days=day) for day in (first, max(last, first + 7)))
    return calendar_of(name, a, b)


def fits(days: Ints, name: str = DEFAULT) -> bool:
    """Say whether days are those of an exchange: nearly all are sessions, and few of these are missing."""
    days = np.unique(days)
    if len(days) < FEWEST:
        return False
    open_days = sessions(name, int(days[0]), int(days[-1]))
    shared = len(np.intersect1d(days, open_days))
    return shared >= HOLDS * len(days) and shared >= HAS * len(open_days)

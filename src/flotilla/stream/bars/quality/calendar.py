"""Which days an exchange was open: by its calendar where it is named, or where one fits nearly all days."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from warnings import catch_warnings

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import UnknownName

Ints = NDArray[np.int64]
_EPOCH = date(1970, 1, 1)

# The one that is tried when none is named. It must hold nearly all days of the data, and have few others.
DEFAULT = "XNYS"
KNOWN_FROM = 0  # days since 1970: older holidays are not in the calendars, and some Saturdays were sessions
HOLDS, HAS = 0.99, 0.95
FEWEST = 20  # days: fewer fit by chance


@cache
def sessions(name: str, first: int, last: int) -> Ints:
    """Return the days of an exchange's sessions, int64, days since 1970. first, last: both included.

    name: as the package exchange_calendars has it, XNYS, XBOM, XLON or 24/7; UnknownName for no such one.
    """
    import exchange_calendars  # type: ignore[import-untyped]

    known = exchange_calendars.get_calendar_names(include_aliases=True)
    if name not in known:
        raise UnknownName("calendar", name, known)
    a, b = (_EPOCH + timedelta(days=day) for day in (first, max(last, first + 7)))
    with catch_warnings(action="ignore", category=DeprecationWarning):  # what pandas says to its makers
        made = exchange_calendars.get_calendar(name, start=a.isoformat(), end=b.isoformat())
    days: Ints = made.sessions.values.astype("datetime64[D]").astype(np.int64)
    return days[(days >= first) & (days <= last)]


def fits(days: Ints, name: str = DEFAULT) -> bool:
    """Say whether days are those of an exchange: nearly all are sessions, and few of these are missing."""
    days = np.unique(days)
    if len(days) < FEWEST:
        return False
    open_days = sessions(name, int(days[0]), int(days[-1]))
    shared = len(np.intersect1d(days, open_days))
    return shared >= HOLDS * len(days) and shared >= HAS * len(open_days)


def weekdays_only(days: Ints) -> bool:
    """Say whether nearly all days are Monday to Friday. days: int64, days since 1970, a Thursday."""
    days = np.unique(days)
    weekend = (days + 3) % 7 >= 5
    return bool(len(days) >= FEWEST and weekend.mean() <= 1 - HOLDS)

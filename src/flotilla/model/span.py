"""Bounds of time as people type them: a year, a month, a day, or a time of the day.

2018, 2018-03 and 2018-03-05 are whole: the first bound is where they begin, the last where they end.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from flotilla.errors import ConfigError
from flotilla.words import cut

_TEXT = re.compile(r"\d{4}(-\d\d(-\d\d([ T]\d\d:\d\d(:\d\d)?)?)?)?")
_US = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


def instant(bound: Any, zone: str, last: bool = False) -> int:
    """Return where a bound begins, ns since 1970 UTC; with `last` where it ends, so that it is included.

    bound: a text as "2018-03-05" or "2018-03-05 10:30", a date, a datetime of Python, NumPy or pandas; one
    without a zone is in `zone`, and midnight is its day. ConfigError where it is none of these.
    """
    begin, end = _ends(bound)
    at = end if last else begin
    if at.tzinfo is None:
        at = at.replace(tzinfo=ZoneInfo(zone))
    return (at - _EPOCH) // _US * 1000


def is_time(text: str) -> bool:
    """Say whether a text is a bound of time."""
    return _TEXT.fullmatch(text) is not None


def _ends(bound: Any) -> tuple[datetime, datetime]:
    """Return where a bound begins, and where it ends: a moment is its own bar's."""
    if isinstance(bound, str) and is_time(bound):
        try:
            first = np.datetime64(bound.replace(" ", "T"))
        except ValueError as error:
            raise ConfigError(f"{bound!r} is no day that there is") from error
        if len(bound) <= len("2018-03-05"):
            return _moment(first), _moment(first + 1)
        return _moment(first), _moment(first) + _US
    if isinstance(bound, np.datetime64) and not np.isnat(bound):
        bound = _moment(bound)
    if isinstance(bound, datetime):  # pandas' Timestamp is one
        midnight = (bound.hour, bound.minute, bound.second, bound.microsecond) == (0, 0, 0, 0)
        return bound, bound + (_DAY if midnight else _US)
    if isinstance(bound, date):
        begins = datetime(bound.year, bound.month, bound.day)  # noqa: DTZ001  the zone is given later
        return begins, begins + _DAY
    raise ConfigError(
        f"bars are cut at a day or a time, as '2018-03-05' or '2018-03-05 10:30', not at {cut(bound)}"
    )


def _moment(stamp: np.datetime64) -> datetime:
    found: datetime = stamp.astype("datetime64[us]").item()
    return found

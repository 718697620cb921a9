"""From bars to a year: how many bars a year has, and how many years a record is.

Scatter is scaled by the bars that a year has in the data's own calendar; growth and turnover by the time that
went by. A year of an exchange's daily bars has 252, as everywhere in the trade, of a market without weekends
365.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS, HOUR_NS
from flotilla.words import lasting

YEAR_DAYS = 365.25
WEEKDAY_SESSIONS = 252.0  # a year of an exchange that closes at weekends
SIX_A_WEEK = 313.0
EVERY_DAY = 365.0
CUSTOMARY = (252.0, 52.0, 12.0, 4.0, 1.0)  # days, weeks, months, quarters, years
NEAR = 0.05  # a count that differs less from a customary one is meant to be it
MANY_DAYS = 5  # whole ones, between the first and the last, that make a mean
WHOLE = 0.99  # years that pass for one: twelve months may be 364 days
HOLE_NS = 14 * DAY_NS  # no market closes for as long: what is longer is missing, and is no calendar


def years_of(ts_event: NDArray[np.int64]) -> float:
    """Return the years of 365.25 days from the first bar to the last. ts_event: int64[T] ns, T >= 1."""
    return float(ts_event[-1] - ts_event[0]) / (YEAR_DAYS * DAY_NS)


def bars_a_year(ts_event: NDArray[np.int64]) -> float:
    """Return N, the bars of a year in the calendar that these bars keep. ts_event: int64[T] ns, rising.

    Of bars of a day or less it is the bars of a mean day times the days of a year: 252 where five weekdays
    or fewer have bars, 313 where six have, 365 where all have. A day begins after the longest pause; the
    first and the last may be parts of one, and do not count in the mean. A weekday that a short record does
    not reach has bars where there are some around the clock, or on all six others.

    Of longer bars it is counted, over the time without holes; what comes to about 52, 12, 4 or 1 is that.
    Counted too where a year or more of shorter bars says otherwise: they are of some days alone. NaN for
    fewer than two bars.
    """
    if len(ts_event) < 2:
        return float("nan")
    spans = np.diff(ts_event)
    usual = int(np.quantile(spans, 0.25, method="lower"))
    kept = spans[spans <= max(HOLE_NS, 4 * usual)]
    counted = float(len(kept) * YEAR_DAYS * DAY_NS / kept.sum())
    if usual > 1.5 * DAY_NS:
        return next((n for n in CUSTOMARY if abs(counted / n - 1.0) < NEAR), counted)
    opens, around = _clock(ts_event, usual)
    days = (ts_event - opens) // DAY_NS
    begins = np.flatnonzero(np.append(True, days[1:] != days[:-1]))
    each = np.diff(begins, append=len(days))
    customary = _bars_a_day(ts_event, each, usual) * _sessions(days[begins], around)
    if years_of(ts_event) >= 1.0 and abs(counted / customary - 1.0) > NEAR:
        return counted
    return customary


def short_of_a_year(years: float) -> tuple[str, ...]:
    """Return what must be said beside figures a year of a record of so many years; nothing of a whole one."""
    if years >= WHOLE or years <= 0.0:
        return ()
    long = lasting(years * YEAR_DAYS * DAY_NS)
    return (f"the record is of {long}: figures a year are scaled up from it, and are no forecast",)


def _clock(ts_event: NDArray[np.int64], usual: int) -> tuple[int, bool]:
    """Return when a day begins, ns after midnight UTC, and whether there are bars around the clock.

    A session may go over UTC's midnight: its day begins with the hour after the longest without bars.
    """
    hours = np.flatnonzero(np.bincount(ts_event % DAY_NS // HOUR_NS, minlength=24))
    pauses = np.diff(hours, append=hours[0] + 24)
    longest = int(pauses.argmax())
    if usual <= DAY_NS // 2 and pauses[longest] * HOUR_NS <= max(usual, HOUR_NS):
        return 0, True
    return int(hours[(longest + 1) % len(hours)]) * HOUR_NS, False


def _bars_a_day(ts_event: NDArray[np.int64], each: NDArray[np.int64], usual: int) -> float:
    """Return the bars of a whole day: the mean of many, the most of few, or the times of day that have one.

    each: int64[D], the bars of each day.
    """
    whole = each[1:-1]
    if len(whole) >= MANY_DAYS:
        return float(whole.mean())
    if len(whole) or usual > DAY_NS // 2:
        return float(each.max())
    return float(len(np.unique(ts_event % DAY_NS // usual)))


def _sessions(dates: NDArray[np.int64], around: bool) -> float:
    """Return the days of a year that have bars, by the weekdays of `dates`: int64[D], days since 1970.

    A weekday counts that has at least half as many dates as the one with the most: a session on a Saturday
    now and then makes no week of six days. around: are there bars around the clock.
    """
    each = np.bincount(dates % 7, minlength=7)
    kept = int((2 * each >= each.max()).sum())
    if around or kept == 6:
        kept += max(0, 7 - int(dates[-1] - dates[0] + 1))  # weekdays that the record does not reach
    return EVERY_DAY if kept == 7 else SIX_A_WEEK if kept == 6 else WEEKDAY_SESSIONS

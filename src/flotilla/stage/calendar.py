"""The calendar, as fields of the market beside its prices: pure functions of when a bar begins and ends.

    where(starts(month), signal, nan)         # decide on the first bar of each month, and keep to it
    where(last_bar("16:00"), 0, signal)       # be flat after the session

All of it is by the clock of the session's zone, `Panel.zone`: a bar belongs to the hour, the day and the
month in which it begins there. Periods are numbers that grow with every new one, equal for all instruments,
so that a new one is seen by looking back a row. That a bar is the last of its session cannot be seen from
the data without looking ahead: it follows from when the session is declared to end.

Whoever hands bars to a stage hands it these too (`calendar_fields`), in research and live alike.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError
from flotilla.model.arrays import Ints
from flotilla.stage.expression import CALENDAR, Node, field
from flotilla.stage.operators import delay, not_equal

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
DAY_MINUTES = 1_440
_PROBE_S = 7 * 86_400  # no zone changes its clock twice in a week
_CLOCK = re.compile(r"([01]?[0-9]|2[0-4]):([0-5][0-9])")

year = field(f"{CALENDAR}year")  # years since 1970
month = field(f"{CALENDAR}month")  # months since January 1970
week = field(f"{CALENDAR}week")  # weeks since that of 1 January 1970; they begin on Mondays
day = field(f"{CALENDAR}day")  # days since 1 January 1970
weekday = field(f"{CALENDAR}weekday")  # 0 Monday .. 6 Sunday
hour = field(f"{CALENDAR}hour")  # 0 .. 23
minute = field(f"{CALENDAR}minute")  # of the hour, 0 .. 59
time_of_day = field(f"{CALENDAR}time_of_day")  # whole minutes since midnight when the bar begins, 0 .. 1439
bar_end = field(f"{CALENDAR}bar_end")  # the same midnight's minutes when it ends, 1 or more


def calendar_fields(
    ts_event: Ints, ts_recv: Ints, zone: str, instruments: int
) -> dict[str, NDArray[np.float64]]:
    """Return the calendar of bars, each float64[T, I]. ts_event, ts_recv: int64[T], ns UTC, begin and end."""
    begin = local_minutes(ts_event, zone)
    day_of = begin // DAY_MINUTES
    time = begin - day_of * DAY_MINUTES
    months = day_of.astype("datetime64[D]").astype("datetime64[M]")
    hours = time // 60
    counts = {
        "year": months.astype("datetime64[Y]").astype(np.int64),
        "month": months.astype(np.int64),
        "week": (day_of + 3) // 7,  # 1 January 1970 was a Thursday
        "day": day_of,
        "weekday": (day_of + 3) % 7,
        "hour": hours,
        "minute": time - hours * 60,
        "time_of_day": time,
        "bar_end": local_minutes(ts_recv, zone) - day_of * DAY_MINUTES,
    }
    shape = (len(ts_event), instruments)
    return {
        f"{CALENDAR}{name}": np.broadcast_to(count[:, None].astype(np.float64), shape)
        for name, count in counts.items()
    }


def local_minutes(ts: Ints, zone: str) -> Ints:
    """Return what a zone's clocks show at moments, in whole minutes since 1970. ts: int64[T], ns UTC."""
    if zone == "UTC" or not len(ts):
        return ts // MINUTE_NS
    first, last = np.array([ts.min(), ts.max()]).astype("datetime64[ns]").astype("datetime64[Y]").astype(int)
    changes = [change for years in range(first, last + 1) for change in _changes(zone, 1970 + years)]
    since, offset = (np.array(column, np.int64) for column in zip(*changes, strict=True))
    return (ts + offset[np.searchsorted(since, ts, side="right") - 1]) // MINUTE_NS


@cache
def _changes(zone: str, of_year: int) -> list[tuple[int, int]]:
    """Return from when in a year (ns UTC) a zone's clocks are how far ahead of UTC (ns), in order."""
    clock = ZoneInfo(zone)

    def ahead(second: int) -> timedelta:
        return datetime.fromtimestamp(second, clock).utcoffset() or timedelta()

    begin, end = (int(datetime(y, 1, 1, tzinfo=UTC).timestamp()) for y in (of_year, of_year + 1))
    found = [(begin, ahead(begin))]
    for probe in [*range(begin + _PROBE_S, end, _PROBE_S), end - 1]:
        if ahead(probe) != found[-1][1]:
            before, after = max(found[-1][0], probe - _PROBE_S), probe
            while after - before > 1:
                middle = (before + after) // 2
                before, after = (middle, after) if ahead(middle) == found[-1][1] else (before, middle)
            found.append((after, ahead(after)))
    return [(second * SECOND_NS, round(gap.total_seconds()) * SECOND_NS) for second, gap in found]


def starts(period: Node) -> Node:
    """Return 1 on the first bar of each year, month, week, day, hour or session, and 0 on the others.

    NaN on the first bar of all: whether its period began with it is not known.
    """
    return not_equal(period, delay(period, 1))


def session(begins: str = "00:00") -> Node:
    """Return a number that grows with each trading session, by when one begins on the clock of its zone.

    begins: "18:00" of one that begins in the evening before, and is that of the next day.
    """
    minutes = _minutes("session", begins)
    return day if minutes % DAY_MINUTES == 0 else day + (time_of_day >= minutes)


def last_bar(ends: str) -> Node:
    """Return 1 on the bar with which a session ends, and 0 on the others: `last_bar("16:00")`.

    ends: when, on the clock of the session's zone. It is the bar that begins before and ends then or later.
    Where that bar is missing no other one takes its place, and a session that ends early has none.
    """
    minutes = _minutes("last_bar", ends) or DAY_MINUTES
    return (time_of_day < minutes) & (bar_end >= minutes)


def _minutes(word: str, clock: Any) -> int:
    """Return a time of day in minutes since midnight; ConfigError if it is none."""
    found = _CLOCK.fullmatch(clock) if isinstance(clock, str) else None
    minutes = int(found[1]) * 60 + int(found[2]) if found else DAY_MINUTES + 1
    if minutes > DAY_MINUTES:
        raise ConfigError(f'{word} needs a time of day, as "16:00", not {clock!r}')
    return minutes

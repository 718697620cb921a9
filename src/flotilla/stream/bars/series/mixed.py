"""Bars that are not of the kind of the others: of a weekend, or of a day among bars of minutes or hours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Ints, Stamps
from flotilla.stream.bars.series.stale import runs
from flotilla.words import counted

FEWEST, NEARLY_ALL = 20, 0.99  # days: fewer fit by chance
IN_A_ROW = 10  # bars with half a day and more between them: no holidays are so many in a row
_SHORT = DAY_NS // 6  # bars up to here are of a day's inside


def weekdays_only(days: Ints) -> bool:
    """Say whether nearly all days are Monday to Friday. days: int64, days since 1970, a Thursday."""
    days = np.unique(days)
    return bool(len(days) >= FEWEST and _weekend(days).mean() <= 1 - NEARLY_ALL)


def weekend_bars(ts: Stamps) -> Iterator[str]:
    """Yield that bars of dates are of weekends, where nearly all others are not. ts: int64[T] ns, rising."""
    days = ts // DAY_NS
    weekend = days[_weekend(days)]
    if len(weekend) and weekdays_only(days):
        yield (
            f"{counted(len(weekend), 'bar')} of a Saturday or a Sunday, the first of {_day(weekend[0])}, and "
            "all others of weekdays: if nobody traded, take them out; `flotilla data check` lists them"
        )


def daily_among_shorter(ts: Stamps, step: int) -> Iterator[str]:
    """Yield where bars come once a day among bars of minutes or hours. step: ns, the usual one."""
    if not 0 < step <= _SHORT:
        return
    apart = np.zeros(len(ts), np.bool_)
    apart[1:] = np.diff(ts) >= DAY_NS // 2
    for run in runs(apart, IN_A_ROW):
        first, last = _day(ts[run.a] // DAY_NS), _day(ts[run.b - 1] // DAY_NS)
        yield (
            f"from {first} to {last} there is one bar a day, elsewhere one every {_length(step)}: a window "
            "of 20 bars is of two lengths of time; `data.start` and `data.end` part them"
        )


def _weekend(days: Ints) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return (days + 3) % 7 >= 5


def _day(day: np.int64) -> str:
    return str(np.datetime64(int(day), "D"))


def _length(step: int) -> str:
    minutes = step // 60_000_000_000
    if minutes and minutes % 60 == 0:
        return "hour" if minutes == 60 else f"{minutes // 60} hours"
    return "minute" if minutes == 1 else f"{minutes or step / 6e10:g} minutes"

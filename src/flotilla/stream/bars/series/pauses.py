"""How far apart bars of dates are, and what that tells: where some are missing, and what a date may mean."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Stamps

WEEKS = 5  # days: dates this far apart are no days but weeks, or more
HOLE = 10  # sessions without a bar: no market is closed so long, but in a war
_MISSED = 1.75  # of the usual pause, from which on a bar is missing: months are of 28 to 31 days
_NAMES = ((300, "year"), (80, "quarter"), (25, "month"), (WEEKS, "week"))  # from so many days on


def usual(ts: Stamps) -> int:
    """Return how many days apart dates mostly are; 0 of fewer than two. ts: int64[T] ns, rising.

    Three quarters of the pauses are no longer, so that months told by two dates in turn are months.
    """
    apart = np.sort(np.diff(ts)) // DAY_NS
    return int(apart[(len(apart) - 1) * 3 // 4]) if len(apart) else 0


def holes(ts: Stamps) -> Iterator[tuple[int, str]]:
    """Yield the rows after which bars are missing, and for how long: two weeks, or one of longer bars."""
    days, often = ts // DAY_NS, usual(ts)
    most = _MISSED * often if often >= WEEKS else HOLE * 7 // 5
    for n in np.flatnonzero(np.diff(days) > most).tolist():
        first, last = (np.datetime64(int(day), "D") for day in (days[n] + 1, days[n + 1]))
        weekdays = int(np.busday_count(first, last))
        if often >= WEEKS:
            yield n, f"{days[n + 1] - days[n]:,} days, where bars are {often:,} apart"
        elif weekdays >= HOLE:
            yield n, f"{weekdays:,} weekdays"


def early(ts: Stamps) -> Iterator[str]:
    """Yield when bars of a week or more are taken as known: one that is dated too early is a look ahead."""
    often = usual(ts)
    if often < WEEKS:
        return
    name = next(name for least, name in _NAMES if often >= least)
    known = f"bars are {name}s apart, and each is taken as known a day after its date"
    mend = "date each bar by the last day of what it covers"
    days = (ts // DAY_NS).astype("datetime64[D]")
    if _begin(days, name):
        yield (
            f"{known}; but all are dated as a {name} begins: if each holds what came after, "
            f"decisions look ahead by a {name}: {mend}"
        )
    elif not _end(days, name):
        yield f"{known}: if that is the first day of what it covers, decisions look ahead: {mend}"


def _begin(days: NDArray[np.datetime64], name: str) -> bool:
    """Say whether all dates are Mondays, or of a month's first two weekdays."""
    if name == "week":
        return bool((_weekday(days) == 0).all())
    return bool((np.busday_count(days.astype("datetime64[M]"), days) <= 1).all())


def _end(days: NDArray[np.datetime64], name: str) -> bool:
    """Say whether all dates are Thursdays and Fridays, or of a month's last two weekdays."""
    if name == "week":
        return bool(np.isin(_weekday(days), (3, 4)).all())
    following = (days.astype("datetime64[M]") + 1).astype("datetime64[D]")
    return bool((np.busday_count(days + 1, following) <= 1).all())


def _weekday(days: NDArray[np.datetime64]) -> NDArray[np.int64]:
    """Return 0 for a Monday to 6 for a Sunday; 1970 began on a Thursday."""
    return (days.astype(np.int64) + 3) % 7

"""Bars that should be there and are not."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.clock import DAY_NS
from flotilla.model.arrays import Ints
from flotilla.stream.bars.quality.calendar import Hours
from flotilla.stream.bars.series.stale import StaleRun

# Of the bars between a day's first and its last: with fewer, a market is quiet, and no bar means no trade.
DENSE = 0.8
# A pause inside a day that is longer is one of the session, as lunch. A market that never sleeps has none.
PAUSE = 50 * DAY_NS // 1440
# What a day may lack at its beginning or end; more is a half day, and the calendar's to know.
SHORT = 90 * DAY_NS // 1440
AROUND = 5  # days before and after that it is held against: the clocks change twice a year


class Gap(NamedTuple):
    """first and last: the start of the first and the last bar that is missing, ns. many: how many."""

    first: int
    last: int
    many: int


def missing_inside(ts: Ints, step: int, except_for: list[StaleRun]) -> list[Gap]:
    """Return the gaps inside days that have nearly all of their bars. ts: int64[N], rising, of an instrument.

    except_for: stretches whose bars have another length, which misses none.
    """
    apart = np.diff(ts)
    longest = DAY_NS if around_the_clock(ts) else max(PAUSE, 2 * step)
    at = np.flatnonzero((apart > step) & (apart <= longest) & (apart % step == 0))
    at = at[~_pauses(ts, at)]
    known = np.zeros(len(ts), np.bool_)
    for run in except_for:
        known[run.a : run.b + 1] = True
    days = ts // DAY_NS
    _, first, counts = np.unique(days, return_index=True, return_counts=True)
    spans = (ts[first + counts - 1] - ts[first]) // step + 1
    dense = dict(zip(days[first].tolist(), (counts / spans >= DENSE).tolist(), strict=True))
    return [
        Gap(int(ts[n] + step), int(ts[n + 1] - step), int(apart[n] // step) - 1)
        for n in at.tolist()
        if dense[int(days[n])] and not (known[n] and known[n + 1])
    ]


def around_the_clock(ts: Ints) -> bool:
    """Say whether a market has bars at every hour of the day, and on weekends."""
    weekdays = (ts // DAY_NS + 3) % 7
    hours = np.unique(ts % DAY_NS // (DAY_NS // 24))
    return bool(len(hours) == 24 and (weekdays == 5).any())


def _pauses(ts: Ints, at: Ints) -> NDArray[np.bool_]:
    """Say which gaps are at the same time of most days, as a lunch is, bool[len(at)]."""
    days = len(np.unique(ts // DAY_NS))
    begins = ts[at] % DAY_NS
    _, inverse, counts = np.unique(begins, return_inverse=True, return_counts=True)
    return np.asarray((counts[inverse] * 2 > days) & (days >= 3))


def short_days(ts: Ints, step: int) -> list[Gap]:
    """Return what days lack at their beginning or end, against most of the days around them.

    The file's first and last day may be cut, and a market that never sleeps has no beginning.
    """
    days = ts // DAY_NS
    _, first, counts = np.unique(days, return_index=True, return_counts=True)
    if len(first) < 4 or around_the_clock(ts):
        return []
    opens, closes = ts[first] % DAY_NS, ts[first + counts - 1] % DAY_NS
    found, most = [], SHORT // step
    for n in range(1, len(first) - 1):
        near = slice(max(n - AROUND, 0), n + AROUND + 1)
        opening, closing = _most(opens[near]), _most(closes[near])
        if opening is None or closing is None:
            continue
        midnight = int(days[first[n]]) * DAY_NS
        late, early = (int(opens[n]) - opening) // step, (closing - int(closes[n])) // step
        if 0 < late <= most:
            found.append(Gap(midnight + opening, midnight + int(opens[n]) - step, late))
        if 0 < early <= most:
            found.append(Gap(midnight + int(closes[n]) + step, midnight + closing, early))
    return found


def _most(times: Ints) -> int | None:
    """Return the time that more than half of some days have; None: there is none."""
    values, counts = np.unique(times, return_counts=True)
    best = int(np.argmax(counts))
    return int(values[best]) if counts[best] >= 3 and counts[best] * 2 > len(times) else None


def missing_in_sessions(ts: Ints, step: int, hours: Hours, except_for: list[StaleRun]) -> list[Gap]:
    """Return the bars that an exchange's sessions lack, of an instrument that has most of them.

    ts: int64[N], rising; it may begin and end inside a session. A session without any bar is none of it. Bars
    may be stamped by their ends, which their being at the close and not at the open tells.
    """
    opened, closed = np.isin(hours.opens, ts), np.isin(hours.closes, ts)
    shift = step if (closed & ~opened).sum() * 2 > (opened | closed).sum() else 0
    found: list[Ints] = []
    shares: list[float] = []
    for opens, pause, resume, closes in zip(*(part + shift for part in hours[2:]), strict=True):
        here = ts[np.searchsorted(ts, opens) : np.searchsorted(ts, closes)]
        if not len(here):
            continue
        phases, counts = np.unique((here - opens) % step, return_counts=True)
        due = np.arange(opens + phases[np.argmax(counts)], closes, step)
        due = due[((due < pause) | (due >= resume)) & (due >= ts[0]) & (due <= ts[-1])]
        missing = np.setdiff1d(due, here)
        shares.append(1 - len(missing) / max(len(due), 1))
        found.append(missing)
    if not shares or float(np.median(shares)) < DENSE:
        return []
    missing = np.concatenate(found)
    for run in except_for:
        missing = missing[(missing < ts[run.a]) | (missing > ts[run.b])]
    runs = np.split(missing, np.flatnonzero(np.diff(missing) != step) + 1)
    return [Gap(int(run[0]), int(run[-1]), len(run)) for run in runs if len(run)]


def missing_sessions(days: Ints, sessions: Ints) -> Ints:
    """Return the sessions from the first to the last day that have no bar. Both: int64, days since 1970."""
    if not len(days):
        return np.array([], np.int64)
    inside = sessions[(sessions >= days.min()) & (sessions <= days.max())]
    return np.setdiff1d(inside, days)


def stamps(gap: Gap, step: int) -> list[int]:
    """Return the starts of the bars that are missing, ns."""
    return list(range(gap.first, gap.last + 1, step))

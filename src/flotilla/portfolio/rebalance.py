"""When holdings are brought back to their weights though nothing new was said: by the bar, or the calendar.

A calendar's word names its *periods*, whole numbers that never fall from one bar to the next; holdings are
restored on the first bar of each. Which bar that is, is known on the bar: a month whose first session is
missing begins with the next one.
"""

import numpy as np
from numpy.typing import NDArray

from flotilla.model.arrays import Floats
from flotilla.model.terms import Rebalance
from flotilla.stage.calendar import DAY_MINUTES, local_minutes

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MONTHS = {"month": 1, "quarter": 3, "year": 12}
_THURSDAY = 3  # was 1 January 1970


def rebalance_of(told: str | Rebalance) -> Rebalance:
    """Return what a configuration says in a word, or whole."""
    return told if isinstance(told, Rebalance) else Rebalance(every=told)  # type: ignore[arg-type]


def periods(every: str, ts_event: NDArray[np.int64], zone: str, first: int) -> Floats:
    """Return the period that each bar belongs to, float64[T].

    ts_event: int64[T], ns UTC, of the bars; first: the number of the first. zone: where their days begin at
    midnight. "change" is one period for ever, "bar" one for each bar. A weekday begins a week: the first bar
    on it or, if there is none, after it. "month_end" is on the month's last day from Monday to Friday or, if
    that has no bar, on the first of the next: which session will be the last, no bar so far tells.
    """
    if every == "change":
        return np.zeros(len(ts_event))
    if every == "bar":
        return np.arange(first, first + len(ts_event), dtype=np.float64)
    days = local_minutes(ts_event, zone) // DAY_MINUTES
    if every == "day":
        count = days
    elif every == "week" or every in WEEKDAYS:
        count = (days + _THURSDAY - (WEEKDAYS.index(every) if every in WEEKDAYS else 0)) // 7
    else:
        word, _, end = every.partition("_")
        if end:
            days = days + np.where((days + _THURSDAY) % 7 < 4, 1, 7 - (days + _THURSDAY) % 7)  # next weekday
        count = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) // MONTHS[word]
    return count.astype(np.float64)

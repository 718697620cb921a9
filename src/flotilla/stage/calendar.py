"""The calendar, as fields of the market beside its prices: pure functions of when a bar began, in UTC.

    where(starts(month), opinion, nan)        # decide on the first bar of each month, and keep to it

Whoever hands bars to a stage hands it these too (`calendar_fields`), in research and live alike. Each is a
number that grows by one with every new period, the same for all instruments, so that a new one is seen by
looking back a row: a bar belongs to the month in which it began.
"""

import numpy as np
from numpy.typing import NDArray

from flotilla.stage.expression import Node, field
from flotilla.stage.operators import delay, differs

_UNITS = {"year": "Y", "month": "M", "day": "D"}

year = field("year")  # years since 1970
month = field("month")  # months since January 1970
week = field("week")  # weeks since that of 1 January 1970; they begin on Mondays
day = field("day")  # days since 1 January 1970


def calendar_fields(ts_event: NDArray[np.int64], instruments: int) -> dict[str, NDArray[np.float64]]:
    """Return year, month, week and day of each bar. ts_event: int64[T], ns UTC -> float64[T, I]."""
    when = ts_event.astype("datetime64[ns]")
    counts = {name: when.astype(f"datetime64[{unit}]").astype(np.int64) for name, unit in _UNITS.items()}
    counts["week"] = (counts["day"] + 3) // 7  # 1 January 1970 was a Thursday
    shape = (len(ts_event), instruments)
    return {name: np.broadcast_to(count[:, None].astype(np.float64), shape) for name, count in counts.items()}


def starts(period: Node) -> Node:
    """Return 1 on the first bar of each year, month, week or day, and 0 on the others.

    NaN on the first bar of all: whether its period began with it is not known.
    """
    return differs(period, delay(period, 1))

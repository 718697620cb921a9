"""When holdings are brought back to their weights, by the calendar of the market's own place."""

import numpy as np
import pytest

from flotilla.model.terms import Rebalance
from flotilla.portfolio.rebalance import periods, rebalance_of

HOUR = 3_600_000_000_000


def days_of(first, last):
    return np.arange(first, last, dtype="datetime64[D]").astype("datetime64[ns]").astype(np.int64)


def begins(every, ts, zone="UTC"):
    """Return the days on which a new period begins, but for the first."""
    period = periods(every, ts, zone, 0)
    return [str(day) for day in ts[1:][np.diff(period) > 0].astype("datetime64[ns]").astype("datetime64[D]")]


def sessions(first, last, *closed):
    """Return the days from Monday to Friday, but for some."""
    days = np.arange(first, last, dtype="datetime64[D]")
    open_ = np.is_busday(days, holidays=np.array(closed, "datetime64[D]"))
    return days[open_].astype("datetime64[ns]").astype(np.int64)


@pytest.mark.parametrize(
    ("every", "expected"),
    [
        ("change", []),
        ("month", ["2024-01-02", "2024-02-01", "2024-03-01", "2024-04-01"]),
        ("quarter", ["2024-01-02", "2024-04-01"]),
        ("year", ["2024-01-02"]),
        # 29 March was Good Friday: on the 28th nobody knew from bars that it was the last.
        ("month_end", ["2023-12-29", "2024-01-31", "2024-02-29", "2024-04-01"]),
        ("quarter_end", ["2023-12-29", "2024-04-01"]),
        ("year_end", ["2023-12-29"]),
    ],
)
def test_months_begin_with_their_first_session_and_end_with_the_last_that_can_be_known(every, expected):
    ts = sessions("2023-12-28", "2024-04-04", "2024-01-01", "2024-03-29")

    assert begins(every, ts) == expected


def test_weeks_begin_on_the_day_that_is_named_or_the_next_that_trades():
    ts = sessions("2024-01-10", "2024-02-01", "2024-01-15")  # a Monday

    assert begins("week", ts) == begins("monday", ts) == ["2024-01-16", "2024-01-22", "2024-01-29"]
    assert begins("wednesday", ts) == ["2024-01-17", "2024-01-24", "2024-01-31"]
    assert begins("sunday", ts) == begins("monday", ts)


def test_days_and_bars_are_counted_one_by_one():
    ts = days_of("2024-01-01", "2024-01-04")[:, None] + np.array([14, 15, 16]) * HOUR

    assert np.diff(periods("day", ts.ravel(), "UTC", 0)).tolist() == [0, 0, 1, 0, 0, 1, 0, 0]
    assert periods("bar", ts.ravel(), "UTC", 7).tolist() == [7.0 + n for n in range(9)]


def test_a_day_begins_at_midnight_where_the_market_is():
    # The year begins in Chicago at 06:00 UTC.
    ts = np.array(["2023-12-31T23:59", "2024-01-01T05:59", "2024-01-01T06:00"], "datetime64[ns]")
    ts = ts.astype(np.int64)

    assert np.diff(periods("year", ts, "America/Chicago", 0)).tolist() == [0, 1]
    assert np.diff(periods("year", ts, "UTC", 0)).tolist() == [1, 0]


def test_a_bar_at_a_time_has_the_periods_of_all_together():
    ts = sessions("2023-11-01", "2024-03-01")

    for every in ("bar", "week", "month", "friday", "month_end"):
        one_by_one = [periods(every, ts[t : t + 1], "Asia/Tokyo", t)[0] for t in range(len(ts))]
        assert one_by_one == periods(every, ts, "Asia/Tokyo", 0).tolist()


def test_a_word_is_the_whole_without_a_band():
    assert rebalance_of("month") == Rebalance("month", 0.0)
    assert rebalance_of(Rebalance(band=0.05)) == Rebalance("bar", 0.05)

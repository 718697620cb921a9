from datetime import date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from flotilla.errors import ConfigError
from flotilla.stage.calendar import (
    bar_end,
    calendar_fields,
    day,
    hour,
    last_bar,
    minute,
    month,
    session,
    starts,
    time_of_day,
    week,
    weekday,
    year,
)
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import close, field

DAYS = np.arange("1969-11-15", "1973-02-15", dtype="datetime64[D]")


DAY_NS, HOUR_NS, MINUTE_NS = 86_400_000_000_000, 3_600_000_000_000, 60_000_000_000


def ns(*moments):
    """Return moments, written in UTC, as int64[T]."""
    return np.array(moments, "datetime64[ns]").astype(np.int64)


def say(node, begin, zone, minutes=1, **columns):
    """Return what a node says of bars of so many minutes: a list of a value each."""
    fields = calendar_fields(begin, begin + minutes * MINUTE_NS, zone, 1)
    fields |= {name: np.array(x, float)[:, None] for name, x in columns.items()}
    return ChunkRunner([node], 1, np.zeros(1)).advance(fields)[:, 0, 0].tolist()


@pytest.fixture
def fields():
    begin = DAYS.astype("datetime64[ns]").astype(np.int64)
    return calendar_fields(begin, begin + DAY_NS, "UTC", 2)


def test_periods_are_counted_from_1970(fields):
    periods = {name.split()[1]: x for name, x in fields.items()}
    at = {str(d): k for k, d in enumerate(DAYS)}

    for when, expected in {
        "1970-01-01": {"year": 0, "month": 0, "week": 0, "day": 0, "weekday": 3},
        "1969-12-31": {"year": -1, "month": -1, "week": 0, "day": -1, "weekday": 2},
        "1972-03-01": {"year": 2, "month": 26, "week": 113, "day": 790, "weekday": 2},
    }.items():
        clock = {"hour": 0, "minute": 0, "time_of_day": 0, "bar_end": 1440}
        assert {name: x[at[when], 1] for name, x in periods.items()} == expected | clock


def test_a_moment_belongs_to_the_day_it_is_in():
    midnight = ns("1970-02-01") - 1, ns("1970-02-01")

    assert [say(month, moment, "UTC") for moment in midnight] == [[0], [1]]
    assert [say(month, moment, "Europe/Berlin") for moment in midnight] == [[1], [1]]
    assert [say(month, moment, "America/New_York") for moment in midnight] == [[0], [0]]


def test_the_clock_is_that_of_the_sessions_zone_through_its_changes():
    # New York put its clocks forward on 10 March 2024 at 07:00 UTC, and back on 3 November at 06:00.
    bars = ns("2024-03-08T14:30", "2024-03-11T13:30", "2024-11-01T13:30", "2024-11-04T14:30")
    assert say(time_of_day, bars, "America/New_York") == [9 * 60 + 30] * 4
    assert say(hour, bars, "America/New_York") == [9] * 4
    assert say(minute, bars, "America/New_York") == [30] * 4
    assert say(weekday, bars, "America/New_York") == [4, 0, 4, 0]

    night = ns("2024-03-10T06:59", "2024-03-10T07:00", "2024-11-03T05:59", "2024-11-03T06:00")
    assert say(hour, night, "America/New_York") == [1, 3, 1, 1]
    assert say(hour * 60 + minute, ns("2024-06-03T12:00"), "Asia/Kolkata") == [17 * 60 + 30]


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kolkata"]
)
def test_clocks_are_those_of_the_standard_library(zone):
    moments = np.random.default_rng(3).integers(ns("1950-01-01")[0], ns("2040-01-01")[0], 2_000)
    moments = moments // MINUTE_NS * MINUTE_NS

    shown = [datetime.fromtimestamp(t // 10**9, ZoneInfo(zone)) for t in moments.tolist()]

    assert say(time_of_day, moments, zone) == [d.hour * 60 + d.minute for d in shown]
    assert say(day, moments, zone) == [d.toordinal() - date(1970, 1, 1).toordinal() for d in shown]


def test_a_month_starts_by_the_clock_of_the_zone():
    evening = ns("2024-01-31T23:00", "2024-02-01T00:00", "2024-02-01T04:59", "2024-02-01T05:00")

    assert say(starts(month), evening, "America/New_York")[1:] == [0, 0, 1]
    assert say(starts(month), evening, "UTC")[1:] == [1, 0, 0]


def test_a_session_that_begins_in_the_evening_is_that_of_the_next_day():
    bars = ns(
        "2024-06-03T21:59", "2024-06-03T22:00", "2024-06-04T05:00", "2024-06-04T20:59", "2024-06-04T22:00"
    )

    assert session() is day
    monday = say(day, bars[:1], "America/New_York")[0]
    assert say(session("18:00"), bars, "America/New_York") == [monday, *[monday + 1] * 3, monday + 2]
    assert say(starts(session("18:00")), bars, "America/New_York")[1:] == [1, 0, 0, 1]


def test_the_last_bar_is_the_one_in_which_the_session_ends():
    bars = ns(
        "2024-07-05T19:50", "2024-07-05T19:55", "2024-07-05T20:00", "2024-12-06T20:50", "2024-12-06T20:55"
    )

    assert say(last_bar("16:00"), bars, "America/New_York", minutes=5) == [0, 1, 0, 0, 1]
    assert say(bar_end, bars, "America/New_York", minutes=5) == [955, 960, 965, 955, 960]
    # A bar that is longer than what is left of its session is the last one, too, and a day's is its own.
    assert say(last_bar("16:00"), bars[:3], "America/New_York", minutes=30) == [1, 1, 0]
    assert say(last_bar("16:00"), ns("2024-07-05", "2024-07-08"), "UTC", minutes=1440) == [1, 1]
    assert say(last_bar("24:00"), ns("2024-07-05T23:58", "2024-07-05T23:59"), "UTC") == [0, 1]


def test_the_last_bar_is_known_without_the_next_one():
    bars = ns(*(f"2024-07-05T{h:02}:{m:02}" for h in (19, 20) for m in (0, 15, 30, 45)))

    whole = say(last_bar("16:00"), bars, "America/New_York", minutes=15)

    assert whole == [0, 0, 0, 1, 0, 0, 0, 0]
    for t in range(len(bars)):
        assert say(last_bar("16:00"), bars[: t + 1], "America/New_York", minutes=15) == whole[: t + 1]


@pytest.mark.parametrize("clock", ["16", "16:60", "24:01", "4pm", "", 960, None])
def test_a_time_of_day_is_written_with_hours_and_minutes(clock):
    for word in (last_bar, session):
        with pytest.raises(ConfigError, match=f'{word.__name__} needs a time of day, as "16:00"'):
            word(clock)


def test_a_column_of_the_data_may_be_called_month_and_the_calendar_keeps_its_own():
    bars = ns("2024-01-31", "2024-02-01")

    assert say(field("month"), bars, "UTC", month=[7, 8], close=[1, 1]) == [7, 8]
    assert say(month, bars, "UTC", month=[7, 8], close=[1, 1]) == [648, 649]
    assert say((month == 648) * close, bars, "UTC", close=[3, 3]) == [3, 0]


@pytest.mark.parametrize(
    ("period", "begins"),
    [
        (year, lambda d: (d.month, d.day) == (1, 1)),
        (month, lambda d: d.day == 1),
        (week, lambda d: d.weekday() == 0),
        (day, lambda d: True),
    ],
)
def test_a_period_starts_on_its_first_bar_and_nobody_knows_of_the_very_first(fields, period, begins):
    said = ChunkRunner([starts(period)], 2, np.zeros(2)).advance(fields)[:, :, 0]

    assert np.isnan(said[0]).all()
    expected = [[float(begins(d))] * 2 for d in DAYS.tolist()[1:]]
    np.testing.assert_array_equal(said[1:], expected)

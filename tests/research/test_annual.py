"""A year is as long as the data's own calendar says, and a record as long as the time that went by."""

from math import isnan

import numpy as np
import pandas as pd
import pytest

from flotilla.research.annual import bars_a_year, short_of_a_year, years_of

DAY = 86_400_000_000_000


def times(index):
    return np.asarray(index.as_unit("ns"), "datetime64[ns]").astype(np.int64)


def minutes(days, first="09:30", bars=390, zone="America/New_York"):
    """Return the minutes of sessions on `days`, local time."""
    sessions = [
        pd.date_range(f"{day.date()} {first}", periods=bars, freq="min", tz=zone).tz_convert("UTC")
        for day in days
    ]
    return np.concatenate([times(session.tz_localize(None)) for session in sessions])


@pytest.mark.parametrize("days", [3, 10, 250, 2600])
def test_daily_bars_of_an_exchange_are_252_a_year(days):
    assert bars_a_year(times(pd.bdate_range("2014-01-03", periods=days))) == 252.0


def test_holidays_a_saturday_now_and_then_and_a_hole_of_a_year_change_nothing():
    days = pd.bdate_range("2014-01-01", "2023-12-31")
    kept = days[(days.day != 25) & (days.year != 2018)]
    saturdays = pd.DatetimeIndex(["2015-02-28", "2020-02-01"])

    assert bars_a_year(times(kept.union(saturdays))) == 252.0


@pytest.mark.parametrize("zone", ["Asia/Riyadh", "Asia/Kolkata", "Europe/Berlin"])
def test_five_sessions_a_week_are_252_wherever_their_midnight_is(zone):
    week = "Sun Mon Tue Wed Thu" if zone == "Asia/Riyadh" else "Mon Tue Wed Thu Fri"
    local = pd.date_range(
        "2022-01-01", "2023-12-31", freq=pd.offsets.CustomBusinessDay(weekmask=week), tz=zone
    )

    assert bars_a_year(times(local.tz_convert("UTC").tz_localize(None))) == 252.0


@pytest.mark.parametrize("days", [7, 40, 1500])
def test_a_coin_has_365_days(days):
    assert bars_a_year(times(pd.date_range("2020-01-01", periods=days, freq="D"))) == 365.0


def test_six_sessions_a_week_are_313():
    days = pd.date_range(
        "2022-01-01", "2023-12-31", freq=pd.offsets.CustomBusinessDay(weekmask="Mon Tue Wed Thu Fri Sat")
    )

    assert bars_a_year(times(days)) == 313.0


@pytest.mark.parametrize(
    ("freq", "a_year"), [("W-FRI", 52.0), ("MS", 12.0), ("ME", 12.0), ("QE", 4.0), ("YE", 1.0)]
)
@pytest.mark.parametrize("bars", [5, 13, 60])
def test_longer_bars_are_as_many_as_the_calendar_has(freq, a_year, bars):
    assert bars_a_year(times(pd.date_range("2001-01-01", periods=bars, freq=freq))) == a_year


def test_bars_of_some_days_alone_are_counted():
    mondays_wednesdays = pd.date_range("2020-01-01", "2023-12-31", freq="D")
    kept = mondays_wednesdays[mondays_wednesdays.day_of_week.isin([0, 2])]

    assert bars_a_year(times(kept)) == pytest.approx(2 * 365.25 / 7, rel=0.005)


def test_hours_of_a_coin_are_24_a_day():
    assert bars_a_year(times(pd.date_range("2020-01-01", periods=24 * 400, freq="h"))) == 365.0 * 24


@pytest.mark.parametrize("days", [1, 5, 251])
def test_minutes_of_a_session_are_those_of_252_sessions_from_the_first_day_on(days):
    assert bars_a_year(minutes(pd.bdate_range("2023-01-02", periods=days))) == 252.0 * 390


def test_sessions_over_utc_midnight_are_counted_once():
    sydney = minutes(pd.bdate_range("2022-01-03", "2023-12-29"), "10:00", 360, "Australia/Sydney")

    assert bars_a_year(sydney) == pytest.approx(252 * 360, rel=0.001)


def test_a_week_of_sessions_over_utc_midnight_has_five():
    assert bars_a_year(
        minutes(pd.bdate_range("2022-01-03", periods=5), "10:00", 360, "Australia/Sydney")
    ) == (252.0 * 360)


@pytest.mark.parametrize("first", ["2024-03-04 23:00", "2024-03-04 12:00", "2024-03-08 23:00"])
@pytest.mark.parametrize("bars", [24, 26, 49, 70, 6 * 24, 7 * 24 + 5, 20 * 24 + 7])
def test_hours_of_a_coin_are_8760_however_short_and_whenever_it_begins(first, bars):
    assert bars_a_year(times(pd.date_range(first, periods=bars, freq="h"))) == 365.0 * 24


def test_bars_of_four_hours_around_the_clock_are_2190():
    assert bars_a_year(times(pd.date_range("2024-03-04 20:00", periods=15, freq="4h"))) == 365.0 * 6


@pytest.mark.parametrize(("days", "last"), [(1, 60), (3, 60), (9, 1)])
def test_a_session_that_has_only_begun_takes_nothing_away(days, last):
    sessions = pd.bdate_range("2024-03-04", periods=days + 1)
    kept = np.concatenate([minutes(sessions[:-1]), minutes(sessions[-1:], bars=last)])

    assert bars_a_year(kept) == 252.0 * 390


def test_a_short_session_among_few_is_not_the_usual_one():
    days = pd.DatetimeIndex(["2023-11-22", "2023-11-24", "2023-11-27"])
    kept = np.concatenate([minutes(days[:1]), minutes(days[1:2], bars=210), minutes(days[2:], bars=30)])

    assert bars_a_year(kept) == 252.0 * 390


@pytest.mark.parametrize("days", [8, 30, 300])
def test_currencies_close_at_the_weekend(days):
    hours = pd.date_range("2024-03-04", periods=24 * days, freq="h")
    at = hours.day_of_week * 24 + hours.hour
    kept = hours[(at < 4 * 24 + 22) | (at >= 6 * 24 + 22)]

    assert bars_a_year(times(kept)) == pytest.approx(24 * 5 * 365.25 / 7, rel=0.05)


@pytest.mark.parametrize(("first", "days", "a_year"), [("2024-03-04", 6, 365.0), ("2024-03-04", 5, 252.0)])
def test_a_weekday_that_the_record_does_not_reach_is_as_the_six_others(first, days, a_year):
    assert bars_a_year(times(pd.date_range(first, periods=days, freq="D"))) == a_year


def test_one_bar_has_no_calendar():
    assert isnan(bars_a_year(np.array([0])))
    assert years_of(np.array([0])) == 0.0


def test_years_are_the_time_from_the_first_bar_to_the_last():
    assert years_of(times(pd.DatetimeIndex(["2023-01-01", "2024-01-01"]))) == 365 / 365.25


@pytest.mark.parametrize(("years", "said"), [(0.0, 0), (0.01, 1), (0.9, 1), (364 / 365.25, 0), (5.0, 0)])
def test_a_record_of_less_than_a_year_is_said_to_be(years, said):
    assert len(short_of_a_year(years)) == said


def test_how_short_it_is_stands_there():
    assert short_of_a_year(13 / 365.25) == (
        "the record is of 13 days: figures a year are scaled up from it, and are no forecast",
    )

"""When exchanges trade."""

from datetime import date, timedelta

import pytest

from flotilla.errors import UnknownName
from flotilla.stream.calendars import calendar_names, calendar_of, trading_days

NO_TIME = timedelta(0)


def test_holidays_are_no_trading_days_and_short_days_close_early():
    found = trading_days("XNYS", date(2024, 11, 27), date(2024, 11, 29))

    assert found.zone == "America/New_York"
    assert [tuple(day) for day in found.days] == [
        (date(2024, 11, 27), NO_TIME, NO_TIME),
        (date(2024, 11, 29), NO_TIME, timedelta(hours=3)),  # the day after Thanksgiving
    ]


def test_a_calendar_that_is_known_for_some_years_alone_says_up_to_when():
    found = trading_days("XBOM", date(2024, 1, 1), date(2200, 1, 1))

    assert found.days[-1].day <= found.end < date(2200, 1, 1)


def test_a_calendar_is_of_the_days_that_are_asked_for():
    made = calendar_of("XLON", date(1990, 1, 1), date(1990, 12, 31))

    assert (made.first_session.year, made.last_session.year) == (1990, 1990)


def test_a_name_that_nobody_has_is_told_with_the_nearest():
    assert {"XNYS", "NYSE", "24/7"} <= {*calendar_names()}
    with pytest.raises(UnknownName, match=r"did you mean .*XNYS"):
        calendar_of("XNYZ")

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from flotilla.errors import ConfigError
from flotilla.model.span import instant, is_time


def at(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("bound", "begins", "ends"),
    [
        ("2018", "2018-01-01", "2019-01-01"),
        ("2018-12", "2018-12-01", "2019-01-01"),
        ("2018-02-28", "2018-02-28", "2018-03-01"),
        (date(2018, 2, 28), "2018-02-28", "2018-03-01"),
        (pd.Timestamp("2018-02-28"), "2018-02-28", "2018-03-01"),
        (np.datetime64("2018-02-28"), "2018-02-28", "2018-03-01"),
        (datetime(2018, 2, 28, 10, 30, tzinfo=UTC), "2018-02-28T10:30", "2018-02-28T10:30:00.000001"),
        ("2018-02-28 10:30", "2018-02-28T10:30", "2018-02-28T10:30:00.000001"),
        (
            pd.Timestamp("2018-02-28 10:30", tz="America/New_York"),
            "2018-02-28T15:30",
            "2018-02-28T15:30:00.000001",
        ),
    ],
)
def test_a_bound_is_where_it_begins_and_as_the_last_where_it_ends(bound, begins, ends):
    assert instant(bound, "UTC") == at(begins)
    assert instant(bound, "UTC", last=True) == at(ends)


def test_a_day_begins_at_midnight_of_the_zone():
    assert instant("2018-07-02", "America/New_York") == at("2018-07-02T04:00")


@pytest.mark.parametrize("bound", ["foo", "2018-13", 1.5, True, None, np.datetime64("NaT")])
def test_what_is_no_time_is_said(bound):
    with pytest.raises(ConfigError, match="2018"):
        instant(bound, "UTC")


def test_a_text_is_a_bound_or_not():
    assert is_time("2018")
    assert not is_time("SPY")

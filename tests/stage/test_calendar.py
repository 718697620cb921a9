import numpy as np
import pytest

from flotilla.stage.calendar import calendar_fields, day, month, starts, week, year
from flotilla.stage.chunk import ChunkRunner

DAYS = np.arange("1969-11-15", "1973-02-15", dtype="datetime64[D]")


@pytest.fixture
def fields():
    return calendar_fields(DAYS.astype("datetime64[ns]").astype(np.int64), 2)


def test_periods_are_counted_from_1970(fields):
    at = {str(d): k for k, d in enumerate(DAYS)}

    assert {name: x[at["1970-01-01"], 0] for name, x in fields.items()} == {
        "year": 0,
        "month": 0,
        "week": 0,
        "day": 0,
    }
    assert {name: x[at["1969-12-31"], 1] for name, x in fields.items()} == {
        "year": -1,
        "month": -1,
        "week": 0,
        "day": -1,
    }
    assert {name: x[at["1972-03-01"], 0] for name, x in fields.items()} == {
        "year": 2,
        "month": 26,
        "week": 113,
        "day": 790,
    }


def test_a_moment_belongs_to_the_day_it_is_in_utc():
    one_ns_to_midnight = 86_400_000_000_000 * 31 - 1

    assert calendar_fields(np.array([one_ns_to_midnight]), 1)["month"] == 0
    assert calendar_fields(np.array([one_ns_to_midnight + 1]), 1)["month"] == 1


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

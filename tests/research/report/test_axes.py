import doctest
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.research.report import axes
from flotilla.research.report.axes import (
    COLUMNS,
    Scale,
    along,
    area,
    around,
    line,
    log_ticks,
    thinned,
    ticks,
    time_marks,
)

DAY = 86_400_000_000_000
START = int(np.datetime64("2020-02-03", "ns").astype(np.int64))


def test_the_examples_in_the_docstrings_are_right():
    assert doctest.testmod(axes).failed == 0


def test_a_log_scale_gives_equal_room_to_equal_growth():
    scale = Scale(1.0, 100.0, log=True)

    assert scale.at(np.array([1.0, 10.0, 100.0])).tolist() == [0.0, 0.5, 1.0]


def test_a_scale_has_room_for_all_values_and_begins_at_zero_if_asked():
    scale = around(np.array([2.0, math.nan, 4.0]))
    from_zero = around(np.array([2.0, 4.0]), zero=True)

    assert scale.low < 2.0 < 4.0 < scale.high
    assert from_zero.low == 0.0


def test_a_flat_line_has_a_scale_too():
    assert 0.0 < around(np.array([5.0, 5.0])).spot(5.0) < 1.0
    assert 0.0 < around(np.array([5.0]), log=True).spot(5.0) < 1.0


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e9))
def test_ticks_are_inside_and_about_as_many_as_asked(low, width):
    values = ticks(low, low + width, 5)

    assert all(low - width * 1e-6 <= value <= low + width * 1.000001 for value in values)
    assert len(values) <= 9


@given(st.floats(1e-3, 1e9), st.floats(1.05, 1e8))
def test_log_ticks_are_inside_and_can_be_told_apart(low, factor):
    values = log_ticks(low, low * factor)

    assert all(low * 0.999 <= value <= low * factor * 1.001 for value in values)
    assert len(values) <= 10


@pytest.mark.parametrize(
    ("span", "labels"),
    [
        (3 * 3600 * 10**9, ["00:00", "00:30", "01:00", "01:30", "02:00", "02:30", "03:00"]),
        (2 * DAY, ["2020-02-03 00:00", "2020-02-03 06:00", "2020-02-03 12:00"]),
        (200 * DAY, ["2020-03", "2020-04", "2020-05"]),
        (33 * 365 * DAY, ["2025", "2030", "2035", "2040", "2045", "2050"]),
    ],
)
def test_time_is_marked_in_units_that_fit_the_span(span, labels):
    marks = time_marks(np.array([START, START + span]))

    assert [mark.label for mark in marks][: len(labels)] == labels
    assert all(0.0 <= mark.at <= 1.0 for mark in marks)
    assert len(marks) <= 10


def test_a_mark_of_time_stands_where_its_time_is():
    marks = time_marks(np.array([START, START + 200 * DAY]))

    assert marks[0].at == 27 / 200  # the first of March 2020, 27 days on


def test_one_row_and_less_than_a_second_are_marked_as_far_as_they_go():
    assert [mark.label for mark in time_marks(np.array([START]))] == ["2020-02-03 00:00"]
    assert time_marks(np.array([START + 1, START + 2])) == []


def test_rows_lie_along_the_axis_by_their_time():
    assert along(np.array([0, 10, 40])).tolist() == [0.0, 0.25, 1.0]
    assert along(np.array([7])).tolist() == [0.5]


def test_a_thin_line_keeps_the_first_the_last_and_every_extreme():
    rng = np.random.default_rng(5)
    y = rng.normal(size=100_000)
    y[31_000], y[77_777] = 50.0, -50.0

    rows = thinned(np.linspace(0, 1, len(y)), y)

    assert {0, 31_000, 77_777, len(y) - 1} <= set(rows.tolist())
    assert len(rows) <= 4 * COLUMNS


def test_a_short_line_keeps_all_its_rows():
    y = np.random.default_rng(5).normal(size=300)

    assert thinned(np.linspace(0, 1, 300), y).tolist() == list(range(300))


def test_a_line_breaks_where_there_is_no_value():
    y = np.array([math.nan, 0.0, 0.5, math.nan, math.nan, 1.0])

    assert line(np.linspace(0, 1, 6), y) == "M400 1000L800 500M2000 0"


def test_an_area_stands_on_its_floor():
    assert area(np.array([0.0, 1.0]), np.array([0.5, math.nan]), 0.0) == "M0 1000L0 500L0 1000Z"


def test_a_scale_of_nothing_but_zeros_has_room_above_it():
    scale = around(np.zeros(3), zero=True)

    assert scale.low == 0.0 < scale.high
    assert scale.marks(4, "percent")

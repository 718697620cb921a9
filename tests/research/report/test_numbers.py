import doctest
import math

import pytest

from flotilla.research.report import numbers
from flotilla.research.report.numbers import aligned, compact, minus, moment, percent, shown


def test_the_examples_in_the_docstrings_are_right():
    assert doctest.testmod(numbers).failed == 0


@pytest.mark.parametrize("unit", ["money", "percent", "ratio", "count", "times"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_there_does_not_look_like_one(unit, value):
    assert shown(value, unit) == "n/a"


def test_small_money_keeps_its_cents():
    assert (shown(999.5, "money"), shown(-1000.4, "money")) == ("999.50", "−1,000")


def test_what_rounds_to_zero_has_no_sign():
    assert (percent(-0.0001), minus("-0.00")) == ("0.0%", "0.00")


def test_a_large_number_and_its_letter_stay_on_one_line():
    assert compact(202_463_215.0) == "202\u00a0M"


def test_labels_of_an_axis_have_the_same_decimals():
    assert aligned([-0.5, 0.0, 0.25], "ratio") == ["−0.50", "0.00", "0.25"]
    assert aligned([0.0, 2.0], "times") == ["0×", "2×"]
    assert aligned([0.0, 2e6], "money") == ["0", "2\u00a0M"]


def test_a_moment_has_a_time_of_day_only_where_it_matters():
    assert (moment(0), moment(1_500_000_000)) == ("1970-01-01", "1970-01-01 00:00:01")

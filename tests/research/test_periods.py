import doctest
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.research import periods
from flotilla.research.periods import (
    drawdown,
    returns_by,
    spans,
    turnover_by,
    wall_clock,
    worst_drawdowns,
    worst_of_each,
)

DAY = 86_400_000_000_000
NAN = math.nan


def ns(*days):
    return np.array(days, "datetime64[ns]").astype(np.int64)


def test_the_examples_in_the_docstrings_are_right():
    assert doctest.testmod(periods).failed == 0


def test_a_years_return_is_its_last_equity_over_the_last_one_of_the_year_before():
    ts = ns("2020-06-01", "2020-12-31", "2021-01-04", "2021-12-31", "2022-01-03")

    years = returns_by("Y", ts, np.array([100.0, 120.0, 60.0, 90.0, 99.0]))

    assert years.start.astype(str).tolist() == ["2020-01-01", "2021-01-01", "2022-01-01"]
    assert years.value.tolist() == [120.0 / 100.0 - 1, 90.0 / 120.0 - 1, 99.0 / 90.0 - 1]
    assert years.part.tolist() == [True, False, True]


def test_a_month_without_rows_is_not_there_and_its_return_is_in_the_next():
    ts = ns("2020-01-31", "2020-04-01")

    months = returns_by("M", ts, np.array([100.0, 150.0]))

    assert months.start.astype(str).tolist() == ["2020-01-01", "2020-04-01"]
    assert months.value.tolist() == [0.0, 0.5]


def test_a_row_without_a_valuation_leaves_the_last_one_standing():
    ts = ns("2020-01-30", "2020-01-31", "2020-02-28", "2020-03-31")

    months = returns_by("M", ts, np.array([100.0, NAN, NAN, 110.0]))

    np.testing.assert_array_equal(months.value, [0.0, NAN, 110.0 / 100.0 - 1])


def test_the_first_period_with_a_valuation_begins_at_that_valuation():
    ts = ns("2020-01-30", "2020-02-27", "2020-02-28")

    months = returns_by("M", ts, np.array([NAN, 100.0, 130.0]))

    np.testing.assert_array_equal(months.value, [NAN, 130.0 / 100.0 - 1])


def test_nothing_is_said_as_a_fraction_of_nothing():
    ts = ns("2020-01-31", "2020-02-28", "2020-03-31")

    months = returns_by("M", ts, np.array([100.0, 0.0, 10.0]))

    np.testing.assert_array_equal(months.value, [0.0, -1.0, NAN])


def test_whole_years_are_not_parts_though_the_first_and_last_days_are_holidays():
    years = returns_by("Y", ns("1990-01-02", "1990-12-31", "1991-12-27"), np.ones(3))

    assert years.part.tolist() == [False, False]


def test_a_single_row_is_one_period_that_did_nothing():
    years = returns_by("Y", ns("2020-05-05"), np.array([5.0]))

    assert (years.value.tolist(), years.part.tolist()) == ([0.0], [True])


@pytest.mark.parametrize(("unit", "every"), [("Y", "1y"), ("M", "1mo")])
def test_returns_are_those_that_polars_finds_by_grouping(unit, every):
    rng = np.random.default_rng(3)
    ts = ns("1990-01-02")[0] + DAY * np.cumsum(rng.integers(1, 5, 5000))
    equity = 1e6 * np.exp(np.cumsum(rng.normal(0, 0.01, 5000)))

    ours = returns_by(unit, ts, equity)

    frame = pl.DataFrame({"time": ts, "equity": equity}).with_columns(pl.col("time").cast(pl.Datetime("ns")))
    grouped = frame.group_by(pl.col("time").dt.truncate(every), maintain_order=True).agg(
        pl.col("equity").last()
    )
    before = grouped["equity"].shift(1, fill_value=equity[0])
    assert ours.value.tolist() == (grouped["equity"] / before - 1).to_list()
    assert ours.start.tolist() == grouped["time"].dt.date().to_list()


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=60), st.integers(1, 90), st.sampled_from("YM"))
def test_returns_compound_to_the_whole(values, step, unit):
    equity = np.array(values)
    ts = ns("1999-12-25")[0] + DAY * step * np.arange(len(equity))

    value = returns_by(unit, ts, equity).value

    assert math.isclose(np.prod(1.0 + value), equity[-1] / equity[0], rel_tol=1e-9)


@given(st.lists(st.integers(1, 40 * 24), min_size=0, max_size=60))
def test_periods_share_all_rows_among_them(hours):
    ts = ns("2003-11-30")[0] + 3_600_000_000_000 * np.cumsum([0, *hours])

    _, first, last = spans("M", ts)

    assert np.concatenate([np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]).tolist() == list(
        range(len(ts))
    )


def test_a_drawdown_is_measured_from_the_highest_so_far():
    fall = drawdown(np.array([100.0, 50.0, NAN, 75.0, 200.0, 150.0]))

    np.testing.assert_array_equal(fall, [0.0, 0.5, NAN, 0.25, 0.0, 0.25])


def test_falls_are_told_from_peak_to_trough_to_recovery_deepest_first():
    equity = np.array([100.0, 90.0, 100.0, 120.0, 60.0, 90.0, 130.0, 117.0])

    falls = worst_drawdowns(np.arange(8), equity, 5)

    assert [(f.peak, f.trough, f.recovered) for f in falls] == [(3, 4, 6), (0, 1, 2), (6, 7, None)]
    assert [f.depth for f in falls] == [0.5, 1.0 - 90.0 / 100.0, 1.0 - 117.0 / 130.0]


def test_a_fall_goes_on_through_rows_without_a_valuation():
    falls = worst_drawdowns(np.arange(5), np.array([NAN, 100.0, 80.0, NAN, 90.0]), 5)

    assert [(f.peak, f.trough, f.recovered) for f in falls] == [(1, 2, None)]


def test_what_never_falls_has_no_falls():
    assert worst_drawdowns(np.arange(3), np.array([1.0, 1.0, 2.0]), 5) == []


@given(st.lists(st.floats(1.0, 1e6), min_size=1, max_size=50))
def test_the_deepest_fall_is_the_largest_drawdown(values):
    equity = np.array(values)

    falls = worst_drawdowns(np.arange(len(equity)), equity, 1)

    assert (falls[0].depth if falls else 0.0) == drawdown(equity).max()


def test_each_year_knows_its_deepest_row_below_the_peak_of_all_time():
    ts = ns("2020-01-02", "2020-12-31", "2021-12-31")

    assert (
        worst_of_each("Y", ts, np.array([100.0, 80.0, 90.0])).tolist()
        == drawdown(np.array([100.0, 80.0, 90.0]))[1:].tolist()
    )


def test_turnover_is_the_value_traded_over_the_mean_equity_of_the_period():
    ts = ns("2020-01-02", "2020-12-31", "2021-12-31", "2022-12-30")

    turnover = turnover_by("Y", ts, np.array([50.0, 100.0, 0.0, 10.0]), np.array([100.0, 200.0, 50.0, NAN]))

    np.testing.assert_array_equal(turnover.value, [1.0, 0.0, NAN])


def test_the_clock_of_a_zone_moves_with_its_summer_time():
    ts = np.array(["2024-01-10T14:30", "2024-07-10T13:30"], "datetime64[ns]").astype(np.int64)

    shown = wall_clock(ts, "America/New_York").astype("datetime64[ns]")

    assert shown.astype("datetime64[m]").astype(str).tolist() == ["2024-01-10T09:30", "2024-07-10T09:30"]
    assert wall_clock(ts, "UTC") is ts

"""The specification of a window is exact: rational numbers, rounded once."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.kernel.rolling import (
    MANY,
    Runs,
    Totals,
    accumulate,
    count_runs,
    roll_lowest,
    roll_std,
    roll_sum,
    widen,
)

UNKNOWN = np.zeros(1)
VALUES = st.one_of(
    st.floats(-1e6, 1e6),
    st.floats(1e8, 1e8 + 1e-4),
    st.sampled_from([0.0, 0.1, 0.1, 1e-9, 1e12, math.nan, math.inf]),
)


def rolled(x, windows, kind, ticks=UNKNOWN):
    """Return what is said of a column from its beginning. x: float64[T] -> float64[T, W]."""
    x, windows = np.asarray(x, np.float64)[:, None], np.asarray(windows)
    rows, longest = len(x), windows.max()
    totals, squares = (Totals(*np.zeros((2, longest + rows, 1))) for _ in range(2))
    runs, now = Runs(*np.zeros((2, rows, 1), np.int64)), Runs(*np.zeros((2, 1), np.int64))
    origin = np.full(1, np.nan if kind == "std" else 0.0)
    accumulate(x, ticks, origin, False, totals)
    accumulate(x, ticks, origin, True, squares)
    count_runs(x, ticks, np.full(1, np.nan), now, runs)
    out = np.empty((rows, 1, len(windows)))
    if kind == "std":
        roll_std(ticks, runs, totals, squares, windows, out, 0)
    else:
        roll_sum(x, ticks, runs, totals, windows, kind == "mean", out, 0)
    return out[:, 0]


def exactly(x, n, kind):
    """Return the same in rational numbers: a list of a Fraction (of std: its square), or None."""
    said = []
    for t in range(len(x)):
        window = x[max(t + 1 - n, 0) : t + 1]
        if len(window) < n or not np.isfinite(window).all():
            said.append(None)
            continue
        total = sum(map(Fraction, window))
        squares = sum(Fraction(v) ** 2 for v in window)
        said.append({"sum": total, "mean": total / n, "std": (squares - total**2 / n) / max(n - 1, 1)}[kind])
    return said


@given(st.lists(VALUES, min_size=1, max_size=40), st.integers(1, 12), st.sampled_from(["sum", "mean"]))
def test_a_sum_is_the_exact_one_to_the_last_bits(x, n, kind):
    said = rolled(x, [n], kind)[:, 0]

    for value, exact in zip(said, exactly(x, n, kind), strict=True):
        assert (exact is None) == math.isnan(value)
        if exact is not None:
            # What 106 bits cannot hold next to 1e12 may be lost; nothing else is.
            assert abs(Fraction(float(value)) - exact) <= abs(exact) * Fraction(2) ** -52 + Fraction(
                1, 10**17
            )


@given(st.lists(VALUES, min_size=1, max_size=40), st.integers(2, 12))
def test_a_standard_deviation_is_the_exact_one_to_thirteen_digits_of_the_level(x, n):
    said = rolled(x, [n], "std")[:, 0]

    largest = max((abs(v) for v in x if math.isfinite(v)), default=0.0)
    for value, exact in zip(said, exactly(x, n, "std"), strict=True):
        assert (exact is None) == math.isnan(value)
        if exact is not None:
            assert value == pytest.approx(math.sqrt(exact), rel=1e-13, abs=1e-13 * largest)


def test_a_series_that_hardly_moves_has_its_small_standard_deviation():
    x = 1e9 + 2.0**-20 * np.random.default_rng(1).integers(-3, 4, 500)

    said = rolled(x, [20], "std")[19:, 0]

    exact = [math.sqrt(v) for v in exactly(x, 20, "std")[19:]]
    np.testing.assert_allclose(said, exact, rtol=1e-15)


def test_equal_values_have_themselves_as_mean_and_no_deviation_at_all():
    x = [0.5] * 3 + [0.1] * 50

    mean, std = rolled(x, [7, 49], "mean"), rolled(x, [7, 49], "std")

    assert np.all(mean[9:, 0] == 0.1)
    assert np.all(mean[51:, 1] == 0.1)
    assert np.all(std[9:, 0] == 0.0)
    assert std[8, 0] > 0.0


def test_a_huge_value_takes_nothing_with_it_when_it_leaves():
    small = np.random.default_rng(2).normal(size=60)
    x = small.copy()
    x[10] = 1e140

    said = rolled(x, [5], "sum")[15:, 0]

    np.testing.assert_allclose(said, [float(v) for v in exactly(small, 5, "sum")[15:]], atol=1e-14)


def test_whole_ticks_add_up_exactly():
    # 0.1 + 0.2 is not 0.3 in floats; one tick and two ticks are three.
    x = [0.1, 0.2, 0.3, 0.3, 0.0]

    said = rolled(x, [2, 4], "sum", np.array([10.0]))

    assert said[1, 0] == 0.3
    assert said[4, 0] == 0.3
    assert said[3, 1] == 0.9


@pytest.mark.parametrize("kind", ["sum", "mean", "std"])
@pytest.mark.parametrize("ticks", [0.0, 100.0])
def test_a_window_says_the_same_alone_and_among_many(kind, ticks):
    x = np.round(50.0 + np.random.default_rng(3).normal(size=200).cumsum(), 2)
    x[[20, 21, 90]] = np.nan
    windows = np.arange(2, 2 + 3 * MANY)

    many = rolled(x, windows, kind, np.array([ticks]))

    for w, n in enumerate(windows):
        np.testing.assert_array_equal(rolled(x, [n], kind, np.array([ticks]))[:, 0], many[:, w])


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("windows", [np.arange(16, 32), np.array([16, 21])])
def test_extremes_are_the_extreme_of_each_window(sign, windows):
    x = np.random.default_rng(4).integers(-5, 5, (50, 2)).astype(float)
    x[[7, 30], 0] = np.nan
    levels = np.empty((5, 31 + 50, 2))
    levels[0] = np.concatenate([np.full((31, 2), -np.inf), np.where(np.isnan(x), -np.inf, sign * x)])
    widen(levels)

    # Each is two of the last 16 rows: the chunk's first such row is the 31st, for near; far lies before it.
    near = np.full(len(windows), (4 * 81 + 31) * 2)
    out = np.empty((50, 2, len(windows)))
    roll_lowest(levels.reshape(-1), near, near - (windows - 16) * 2, sign, 50, 2, out, 0)

    for w, n in enumerate(windows):
        for t in range(50):
            window = x[max(t + 1 - n, 0) : t + 1]
            extreme = window.min(axis=0) if sign > 0 else window.max(axis=0)
            np.testing.assert_array_equal(out[t, :, w], extreme if len(window) == n else [np.nan] * 2)


def test_columns_are_written_from_the_first_on_and_no_others():
    x = np.arange(12.0)[:, None]
    totals, runs = Totals(*np.zeros((2, 15, 1))), Runs(*np.full((2, 12, 1), 99))
    accumulate(x, UNKNOWN, np.zeros(1), False, totals)
    runs.same[:] = 0

    out = np.full((12, 1, 4), -1.0)
    roll_sum(x, UNKNOWN, runs, totals, np.array([1, 3]), False, out, 1)

    assert out[5, 0].tolist() == [-1.0, 5.0, 12.0, -1.0]

"""Each kernel against the same in plain Python, one value after the other: equal bits."""

import math

import numpy as np
import pytest

from flotilla.kernel import recursive
from flotilla.kernel.rolling import MANY

WINDOWS = [1, 2, 3, 7, 10, 11, 12, 20, 40]
assert len(WINDOWS) > MANY


@pytest.fixture
def x():
    """Return float64[T, I], with rows that are not known, the first ones of a column too."""
    values = 50.0 + np.random.default_rng(5).normal(size=(150, 3)).cumsum(axis=0)
    values[np.random.default_rng(6).random(values.shape) < 0.1] = np.nan
    values[:30, 1] = np.nan
    values[[40, 41], 0] = np.inf
    values[60:90, 2] = 50.0
    return values


def counted(x):
    seen = np.empty(x.shape, np.int64)
    recursive.count_known(x, np.zeros(x.shape[1], np.int64), seen)
    return seen


def faded(column, n, plain, rate):
    average, seen = 0.0, 0
    for value in column:
        if math.isfinite(value):
            seen += 1
            average += (1.0 / seen if seen <= plain else rate) * (value - average)
        yield average if seen >= n else math.nan


@pytest.mark.parametrize("wilder", [False, True])
def test_an_average_moves_by_its_rate_and_is_a_plain_mean_at_first(x, wilder):
    n = np.array(WINDOWS)
    plain, rate = (n, 1.0 / n) if wilder else (np.ones_like(n), 2.0 / (n + 1))

    out = np.empty((*x.shape, len(n)))
    recursive.fade(x, counted(x), n, plain, rate, np.zeros((3, len(n))), out, 0)

    for i in range(3):
        for w in range(len(n)):
            expected = list(faded(x[:, i], n[w], plain[w], rate[w]))
            np.testing.assert_array_equal(out[:, i, w], expected)


def test_a_change_is_from_the_last_known_value(x):
    out, last = np.empty_like(x), np.full(3, np.nan)

    recursive.changes(x, last, out)

    for i in range(3):
        known = x[np.isfinite(x[:, i]), i]
        first = np.flatnonzero(np.isfinite(x[:, i]))
        np.testing.assert_array_equal(out[first[1:], i], np.diff(known))
        assert np.isnan(out[first[0], i])
        assert last[i] == known[-1]


def strengths(column, n):
    up = down = 0.0
    seen, last = 0, math.nan
    for value in column:
        if math.isfinite(value):
            change, last = value - last, value
            if not math.isnan(change):
                seen += 1
                rate = 1.0 / seen if seen <= n else 1.0 / n
                up += rate * (max(change, 0.0) - up)
                down += rate * (max(-change, 0.0) - down)
        moved = up + down
        yield math.nan if seen < n else (100.0 * up / moved if moved > 0.0 else 50.0)


def test_strength_is_the_share_of_what_rose(x):
    n, change = np.array(WINDOWS), np.empty_like(x)
    recursive.changes(x, np.full(3, np.nan), change)

    out = np.empty((*x.shape, len(n)))
    recursive.roll_rsi(change, counted(change), n, *np.zeros((2, 3, len(n))), out, 0)

    for i in range(3):
        for w in range(len(n)):
            np.testing.assert_array_equal(out[:, i, w], list(strengths(x[:, i], n[w])))


def test_a_switch_goes_on_below_and_off_above():
    x = np.array([[np.nan], [5.0], [1.0], [5.0], [np.nan], [9.0], [5.0], [0.0]])

    out = np.empty((8, 1, 1))
    recursive.switch(x, np.array([2.0]), np.array([8.0]), np.full((1, 1), np.nan), out, 0)

    np.testing.assert_array_equal(out[:, 0, 0], [np.nan, 0, 1, 1, 1, 0, 0, 1])


@pytest.mark.parametrize("kernel", ["fade", "roll_rsi", "switch"])
def test_a_set_of_parameters_says_the_same_alone_and_among_many(x, kernel):
    seen, n = counted(x), np.array(WINDOWS)

    def run(n):
        room, out = np.zeros((3, len(n))), np.empty((*x.shape, len(n)))
        if kernel == "fade":
            recursive.fade(x, seen, n, n, 1.0 / n, room, out, 0)
        elif kernel == "roll_rsi":
            recursive.roll_rsi(x - 50.0, seen, n, room, room.copy(), out, 0)
        else:
            recursive.switch(x, 50.0 - n, 50.0 + 1.0 / n, room * np.nan, out, 0)
        return out

    many = run(n)

    for w in range(len(n)):
        np.testing.assert_array_equal(run(n[w : w + 1])[:, :, 0], many[:, :, w])


def test_a_latch_is_closed_by_the_one_and_opened_by_the_other():
    nan = np.nan
    enter = np.array([nan, nan, 0, 1, 0, nan, 1, 0, 1, 1])[:, None]
    leave = np.array([nan, 0, 0, 0, 0, nan, 1, 0, nan, 0])[:, None]

    out = np.empty_like(enter)
    recursive.latch(enter, leave, np.full(1, np.nan), out)

    np.testing.assert_array_equal(out[:, 0], [nan, 0, 0, 1, 1, 1, 0, 0, 1, 1])


def test_what_is_held_is_the_last_value():
    x = np.array([[np.nan], [3.0], [np.nan], [np.inf], [np.nan]])

    out = np.empty_like(x)
    recursive.hold(x, np.full(1, np.nan), out)

    np.testing.assert_array_equal(out[:, 0], [np.nan, 3.0, 3.0, np.inf, np.inf])

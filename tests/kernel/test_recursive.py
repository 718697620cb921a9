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
            share = 1.0 / seen if seen <= plain else rate
            average = average + share * (value - average) if share < 1.0 else value
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
                rise, fall = max(change, 0.0), max(-change, 0.0)
                up = rise if rate == 1.0 else up + rate * (rise - up)
                down = fall if rate == 1.0 else down + rate * (fall - down)
        moved = up + down
        yield math.nan if seen < n else (100.0 * (up / moved) if moved > 0.0 else 50.0)


def test_strength_is_the_share_of_what_rose(x):
    n, change = np.array(WINDOWS), np.empty_like(x)
    recursive.changes(x, np.full(3, np.nan), change)

    out = np.empty((*x.shape, len(n)))
    recursive.roll_rsi(change, counted(change), n, *np.zeros((2, 3, len(n))), out, 0)

    for i in range(3):
        for w in range(len(n)):
            np.testing.assert_array_equal(out[:, i, w], list(strengths(x[:, i], n[w])))


@pytest.mark.parametrize("many", [1, 9])
def test_strength_is_exact_at_its_bounds_and_never_beyond_them(many):
    rng = np.random.default_rng(4)
    sizes = np.exp(rng.uniform(-700.0, 300.0, 3_000))  # of every size there is
    mixed = sizes * rng.choice([-1.0, 1.0], 3_000)
    mixed[1::2] = -mixed[::2]  # what rose falls again at once
    change = np.stack([sizes, -sizes, np.full(3_000, 0.1), np.zeros(3_000), mixed], axis=1)
    n = np.array([1, 2, 3, 14, 50, 60, 70, 80, 200])[:many]

    out = np.empty((*change.shape, len(n)))
    recursive.roll_rsi(change, counted(change), n, *np.zeros((2, 5, len(n))), out, 0)

    for i, bound in enumerate([100.0, 0.0, 100.0, 50.0]):
        assert all(np.unique(out[k - 1 :, i, w]).tolist() == [bound] for w, k in enumerate(n))
    said = out[199:, 4]
    assert said.min() >= 0.0
    assert said.max() <= 100.0
    assert many == 1 or out[1, 4, 1] == 50.0  # as much up as down


def test_an_average_that_moves_all_the_way_is_the_value():
    x = np.exp(np.random.default_rng(1).uniform(-30.0, 30.0, (500, 2)))
    n = np.array([1])

    for plain, rate in ((n, 1.0 / n), (np.ones_like(n), 2.0 / (n + 1))):
        out = np.empty((*x.shape, 1))
        recursive.fade(x, counted(x), n, plain, rate, np.zeros((2, 1)), out, 0)
        np.testing.assert_array_equal(out[:, :, 0], x)


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
    recursive.ffill(x, np.full(1, np.nan), out)

    np.testing.assert_array_equal(out[:, 0], [np.nan, 3.0, 3.0, np.inf, np.inf])

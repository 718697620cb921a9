"""Several strategies' signals as one."""

from math import nan

import numpy as np

from flotilla.portfolio.fused import fused


def test_one_strategy_is_taken_as_it_is():
    said = np.array([[0.5, nan], [7.0, -1.0]])

    assert fused([said], [0.25]) is said


def test_the_mean_is_of_those_that_say_something_by_their_weights():
    one, two = np.array([[1.0, nan, 0.0, nan]]), np.array([[0.0, 0.5, nan, nan]])

    np.testing.assert_array_equal(fused([one, two], [3.0, 1.0]), [[0.75, 0.5, 0.0, nan]])


def test_who_has_no_weight_is_not_heard():
    one, two = np.array([[1.0, nan]]), np.array([[0.0, 0.5]])

    np.testing.assert_array_equal(fused([one, two], [1.0, 0.0]), [[1.0, nan]])

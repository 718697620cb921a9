"""Operators over the instruments of a row, against pandas and by hand."""

import numpy as np
import pandas as pd
import pytest

from flotilla.kernel import cross_section as over

NAN = np.nan


def said(kernel, *table):
    x = np.array(table, np.float64)
    out = np.empty_like(x)
    kernel(x, out)
    return out


def test_the_lowest_ranks_0_the_highest_1_and_equals_share():
    out = said(over.rank, [10, 30, 20], [5, NAN, 5], [NAN, 7, NAN], [1, 1, 2], [NAN, NAN, NAN])

    np.testing.assert_array_equal(
        out, [[0, 1, 0.5], [0.5, NAN, 0.5], [NAN, 0.5, NAN], [0.25, 0.25, 1], [NAN, NAN, NAN]]
    )


def test_places_are_counted_from_the_top_and_the_earlier_of_equals_is_above():
    out = said(over.rank_from_top, [10, 30, 20], [5, NAN, 5], [1, 2, 2])

    np.testing.assert_array_equal(out, [[2, 0, 1], [0, NAN, 1], [2, 0, 1]])


@pytest.fixture
def table():
    """Return float64[T, I] with ties and missing values."""
    rng = np.random.default_rng(7)
    values = np.round(rng.normal(size=(200, 9)), 1)
    values[rng.random(values.shape) < 0.2] = NAN
    return values


def test_ranks_are_those_of_pandas(table):
    frame = pd.DataFrame(table)

    expected = (frame.rank(axis=1) - 1).div(frame.count(axis=1) - 1, axis=0)

    np.testing.assert_array_equal(said(over.rank, *table), expected)


def test_distances_from_the_mean_are_those_of_pandas(table):
    frame = pd.DataFrame(table)
    distance = frame.sub(frame.mean(axis=1), axis=0)

    np.testing.assert_allclose(said(over.demean, *table), distance, atol=1e-15)
    np.testing.assert_allclose(said(over.zscore, *table), distance.div(frame.std(axis=1), axis=0), rtol=1e-12)


def test_a_row_of_equals_has_no_spread():
    # The sum of three 0.1 is not 0.3: their mean is 0.1 all the same.
    assert np.isnan(said(over.zscore, [0.1, 0.1, 0.1])).all()
    assert np.all(said(over.demean, [0.1, 0.1, 0.1]) == 0.0)


def test_what_is_not_finite_is_not_counted():
    np.testing.assert_array_equal(said(over.demean, [1, np.inf, 3]), [[-1, NAN, 1]])
    np.testing.assert_array_equal(said(over.zscore, [1, NAN, NAN]), [[NAN, NAN, NAN]])

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from flotilla.stream.bars.columns import float64_of, in_one_piece, int64_of, nulls_of

NUMBERS = pa.array([1.5, None, float("nan"), -0.0, 2.5])


def test_a_null_becomes_nan_and_the_other_bits_stay():
    values = float64_of(NUMBERS)

    assert np.array_equal(values, [1.5, np.nan, np.nan, -0.0, 2.5], equal_nan=True)
    assert np.signbit(values).tolist() == [False, np.signbit(np.nan), False, True, False]


def test_a_slice_is_read_from_where_it_begins():
    assert float64_of(NUMBERS.slice(3)).tolist() == [0.0, 2.5]
    assert nulls_of(NUMBERS.slice(1, 2)).tolist() == [True, False]
    assert int64_of(pa.array([1, 2, 3]).slice(1)).tolist() == [2, 3]


def test_narrow_numbers_are_widened_and_those_too_wide_refused():
    assert float64_of(pa.array([1, None], pa.int8()))[0] == 1.0
    with pytest.raises(pa.ArrowInvalid):
        float64_of(pa.array([2**53 + 1]))


def test_times_are_counted():
    assert int64_of(pa.array([5, None], pa.timestamp("ns", "UTC"))).tolist() == [5, 0]


def test_a_column_in_pieces_is_joined():
    assert in_one_piece(pa.chunked_array([[1, 2], [3]])).to_pylist() == [1, 2, 3]
    assert len(in_one_piece(pa.chunked_array([], pa.int64()))) == 0


def test_pandas_is_not_imported_for_it():
    script = """
import sys
from flotilla.builtin.sources.sample import Sample
Sample().panel()
sys.exit("pandas" in sys.modules or "skfolio" in sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0

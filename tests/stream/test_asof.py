import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.errors import OutOfOrderError
from flotilla.stream.asof import latest

TIMES = st.lists(st.integers(-5, 20), max_size=12)


@given(TIMES.map(sorted), TIMES)
def test_it_finds_what_a_loop_finds(ts_recv, at):
    def loop(t):
        return max((n for n, ts in enumerate(ts_recv) if ts <= t), default=-1)

    found = latest(np.array(ts_recv, np.int64), np.array(at, np.int64))

    assert found.tolist() == [loop(t) for t in at]


def test_one_time_gives_one_index():
    assert latest(np.array([10, 20]), 15) == 0


def test_a_row_is_known_at_its_own_instant_and_not_a_nanosecond_before():
    assert latest(np.array([10, 20]), [19, 20]).tolist() == [0, 1]


def test_of_rows_known_at_one_instant_the_last_counts():
    assert latest(np.array([10, 10, 10]), [9, 10]).tolist() == [-1, 2]


def test_rows_that_go_back_in_time_are_refused():
    with pytest.raises(OutOfOrderError, match="row 2 was known at 15, before row 1 at 20; 1 rows go back"):
        latest(np.array([10, 20, 15]), [20])


def test_times_that_are_no_integers_are_refused():
    with pytest.raises(TypeError, match="at should be int64 ns, it is float64"):
        latest(np.array([10, 20]), [1.5])

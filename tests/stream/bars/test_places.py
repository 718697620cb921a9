import numpy as np

from flotilla.stream.bars.places import moved


def test_a_row_that_moved_stands_where_it_stood():
    assert moved(lambda n: f"line {n}", np.array([2, 0]))(0) == "line 2"

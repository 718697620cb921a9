import gc

import numpy as np
import pytest

from flotilla.kernel.mark import carry
from flotilla.stage.lend import given, lent


def fixed(values):
    view = values.view()
    view.setflags(write=False)
    return view


def test_what_is_lent_is_the_same_memory_and_may_be_written():
    owner = np.arange(6.0).reshape(3, 2)

    there = lent(fixed(owner)[1:])

    assert there.flags.writeable
    assert np.shares_memory(there, owner)
    np.testing.assert_array_equal(there, owner[1:])


def test_what_may_be_written_is_lent_as_it_is():
    owner = np.zeros((3, 2))

    assert lent(owner) is owner


def test_what_is_lent_lives_as_long_as_it_is_held():
    there = lent(fixed(np.full((1000, 3), 7.0)))
    gc.collect()

    assert (there == 7.0).all()


def test_no_rows_are_lent_too():
    assert lent(fixed(np.empty((0, 3)))).shape == (0, 3)


def test_a_kernel_is_not_compiled_again_for_what_is_read_only():
    close = np.ones((2, 3))
    carry(np.zeros(3), close, np.empty((2, 3)))
    before = len(carry.signatures)

    carry(np.zeros(3), lent(fixed(close)), np.empty((2, 3)))

    assert len(carry.signatures) == before


def test_what_is_given_is_a_copy_that_cannot_be_written_to():
    owner = np.arange(6.0).reshape(3, 2)

    there = given(owner[:, :1])

    assert there.flags.c_contiguous
    assert not np.shares_memory(there, owner)
    with pytest.raises(ValueError, match="read-only"):
        there += 1.0

"""Queues of groups of lanes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flotilla.kernel.queue import enqueue, queue_place
from flotilla.kernel.records import GROUP


@given(st.integers(1, 100), st.integers(1, 6), st.data())
def test_a_queue_names_the_pending_groups_in_the_order_of_their_instruments(lanes, instruments, data):
    groups = -(-lanes // GROUP)
    pending = data.draw(arrays(np.bool_, (instruments, groups)))
    queue = np.full(1 + instruments * groups, -1)

    enqueue(pending, queue)

    found = [queue_place(entry, lanes) for entry in queue[1 : 1 + queue[0]]]
    assert [(i, first // GROUP) for i, first, _ in found] == list(zip(*np.nonzero(pending), strict=True))
    assert all(0 < last - first <= GROUP and last <= lanes for _, first, last in found)

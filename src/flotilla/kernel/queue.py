"""Queues of groups of lanes that have something to do, in the order of their instruments.

A queue is int64[1 + I * groups]: how many entries there are, then the entries. An entry is an instrument,
shifted by `SHIFT` bits, and a group of `GROUP` lanes.
"""

import numpy as np

from flotilla.kernel.compile import compiled
from flotilla.kernel.records import GROUP
from flotilla.model.arrays import Flags, Ints

SHIFT = 20


@compiled
def queue_place(entry: int, lanes: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return the instrument of a queue's entry, the first lane of its group and the one after its last.

    Unsigned: a signed index might be negative, and the check for that keeps the compiler from its vectors.
    """
    i, g = np.uint64(entry) >> np.uint64(SHIFT), np.uint64(entry) & np.uint64((1 << SHIFT) - 1)
    first = g * np.uint64(GROUP)
    return i, first, min(first + np.uint64(GROUP), np.uint64(lanes))


@compiled
def enqueue(pending: Flags, queue: Ints) -> None:
    """Write the pending groups to the queue, in order: how many, then instrument and group of each."""
    queue[0] = 0
    for i in range(pending.shape[0]):
        for g in range(pending.shape[1]):
            if pending[i, g]:
                queue[0] += 1
                queue[queue[0]] = (i << SHIFT) + g

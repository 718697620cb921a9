"""How ticks are sent, to us and to the floor alike, and which answers count."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

TICKS_S = 200
COLD_S = 5  # ticks are sent from when the feed is there, and wait for who starts after it
BYTES = 200  # of a message, and of a line of the journal


def ticks(quick: bool) -> int:
    """Return how many are sent."""
    return TICKS_S * (8 if quick else 30)


def steady(took_ns: Sequence[int] | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the latencies of the answers, one to every second tick, once all is warm: sorted, in us."""
    return np.sort(np.asarray(took_ns)[COLD_S * TICKS_S // 2 :]) / 1e3

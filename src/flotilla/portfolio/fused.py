"""What several strategies say, as one: the weighted mean of those that say something."""

from collections.abc import Sequence

import numpy as np

from flotilla.kernel.signals import average, blank
from flotilla.model.arrays import Floats


def fused(signals: Sequence[Floats], shares: Sequence[float]) -> Floats:
    """Return strategies' signals as one, NaN for none. Each float64[N, L], with its weight in the mean."""
    if len(signals) == 1:
        return signals[0]
    out: Floats = np.empty(signals[0].shape)
    sums: Floats = np.empty((3, *out.shape))
    blank(sums, out)
    for said, share in zip(signals, shares, strict=True):
        average(said, np.full(out.shape[1], share), sums, out)
    return out

"""Prices that are whole numbers because a fixed point was not divided out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from flotilla.stream.bars.draft import PRICES

# Prices that are all multiples of a hundred and above a hundred thousand: no tick is so coarse but those of a
# few won and rupiah stocks, for which the warning is to be read and passed by.
FEWEST, COARSE, HIGH = 20, 100, 100_000


def looks_scaled(fields: Mapping[str, NDArray[np.float64]]) -> bool:
    """Say whether prices are integers that seem to be ten thousand times a price. fields: float64[N] each."""
    prices = np.concatenate([values for name, values in fields.items() if name in PRICES])
    prices = np.unique(prices[np.isfinite(prices)])
    if len(prices) < FEWEST or (prices != np.rint(prices)).any() or prices.max() > 2.0**53:
        return False
    return bool(np.median(prices) >= HIGH and np.gcd.reduce(prices.astype(np.int64)) % COARSE == 0)

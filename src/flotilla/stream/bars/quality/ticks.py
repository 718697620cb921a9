"""Prices off the grid that the others stand on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flotilla.model.arrays import Flags, Floats

# Each grid holds the next: then what is off one is off all coarser ones.
_CHAINS = (
    (1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.25, 0.5, 1.0, 5.0, 25.0),
    (1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0),
)
# The share that stays on while a grid is made this many times coarser: chance would leave a part of it only.
# NEARLY all on a grid but a few is one step's proof; where a third of all rows is, it takes several.
COARSER, MUCH_COARSER, SAME, LEAST, NEARLY = 4.5, 8.0, 0.9, 0.3, 0.98


def off_tick(prices: Sequence[Floats]) -> tuple[float, Flags]:
    """Return (the tick, bool[N] which rows are off it); (0, none) where all stand on one grid, or on none.

    prices: float64[N] each, of one instrument; NaN is on every grid.
    """
    none = np.zeros(len(prices[0]), np.bool_)
    for chain in _CHAINS:
        on = [np.logical_and.reduce([_on(price, tick) for price in prices]) for tick in chain]
        shares = [float(mask.mean()) for mask in on]
        first = next((n for n, share in enumerate(shares) if share < 1.0), len(chain))
        if first == len(chain) or shares[first] < LEAST:
            continue
        last = max(n for n in range(first, len(chain)) if shares[n] >= SAME * shares[first])
        nearly = first > 0 and shares[first] >= NEARLY
        if chain[last] >= (COARSER * chain[first - 1] if nearly else MUCH_COARSER * chain[first]):
            return chain[last], ~on[last]
    return 0.0, none


def _on(price: Floats, tick: float) -> Flags:
    ticks = price / tick
    return np.asarray(
        np.isnan(price) | (np.abs(ticks - np.rint(ticks)) < 1e-6 * np.maximum(1.0, np.abs(ticks)))
    )

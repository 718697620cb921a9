"""What each instrument did for a portfolio: its profit, its fees, its share of equity. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from flotilla.model.arrays import Floats
from flotilla.model.records import Fill

ROWS = 4096  # that are multiplied at a time: the product of all would be a third copy


class Contribution(NamedTuple):
    """One instrument's part. The profits of all add up to the portfolio's."""

    instrument: str
    profit: float  # account currency, after fees, what is held still at its last mark
    fees: float  # account currency
    traded: float  # account currency, bought and sold
    fills: int
    exposure: float  # mean over the bars of its fraction of equity


def contributions(
    instruments: Sequence[str], fills: Sequence[Fill], positions: Floats, marks: Floats, equity: Floats
) -> list[Contribution]:
    """Return what each instrument did, in their order.

    positions, marks: float64[T, I], units held and last known closes at each close; equity: float64[T].
    """
    place = {name: i for i, name in enumerate(instruments)}
    where = np.array([place[fill.instrument] for fill in fills], np.intp)
    value = np.array([fill.quantity * fill.price for fill in fills], np.float64)
    fee = np.array([fill.fee for fill in fills], np.float64)
    count = len(instruments)
    spent, fees, traded = (np.bincount(where, x, count) for x in (value, fee, np.abs(value)))
    fills_of = np.bincount(where, minlength=count)
    worth = np.where(positions[-1] == 0.0, 0.0, positions[-1] * marks[-1])
    profit = worth - spent - fees
    exposure = exposure_by_instrument(positions, marks, equity)
    columns = (x.tolist() for x in (profit, fees, traded, fills_of, exposure))
    return [Contribution(name, *row) for name, *row in zip(instruments, *columns, strict=True)]


def exposure_by_instrument(positions: Floats, marks: Floats, equity: Floats) -> Floats:
    """Return the mean over the bars of each instrument's fraction of equity: float64[I]."""
    total = np.zeros(positions.shape[1])
    for first in range(0, len(equity), ROWS):
        part = np.s_[first : first + ROWS]
        total += np.where(
            positions[part] == 0.0, 0.0, positions[part] * marks[part] / equity[part, None]
        ).sum(0)
    return np.asarray(total / len(equity), np.float64)

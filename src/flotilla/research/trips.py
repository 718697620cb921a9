"""Round trips: what was bought and sold again, and what each earned. Pure functions of fills.

A fill against what is held closes the oldest purchase that is still open: first in, first out. Each pair of a
purchase and a sale, or of parts of them, is one trip. Fees are split by quantity.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from math import nan
from typing import NamedTuple

import numpy as np

from flotilla.clock import DAY_NS
from flotilla.model.records import Fill

DUST = 1e-9  # of a fill: what is less is the rounding of quantities


class Trip(NamedTuple):
    """One round trip, or what is held of one that is open still."""

    instrument: str
    quantity: float  # units, > 0; < 0 where it was sold first
    entered: int  # ts_event of the purchase's bar, ns UTC
    left: int | None  # of the sale's; None while it is open
    entry: float  # price, account currency a unit
    exit: float  # price; of an open one the last mark, NaN without one
    fees: float  # account currency, of both ends
    profit: float  # account currency, after fees

    @property
    def gain(self) -> float:
        """Return the profit as a fraction of what was bought."""
        return self.profit / abs(self.quantity * self.entry)

    @property
    def days(self) -> float:
        """Return how long it lasted, calendar days; NaN while it is open."""
        return nan if self.left is None else (self.left - self.entered) / DAY_NS


class Trips(NamedTuple):
    """All of a portfolio's: those that are closed, in the order of their sales, and those that are open."""

    closed: list[Trip]
    open: list[Trip]


class _Lot(NamedTuple):
    """What is left of one purchase."""

    quantity: float
    price: float
    ts: int
    fee: float  # a unit


def trips_of(fills: Sequence[Fill], marks: Mapping[str, float] | None = None) -> Trips:
    """Return the round trips of fills, which are in the order of time.

    marks: instrument -> the last price, at which what is open still is valued.
    """
    held: dict[str, deque[_Lot]] = {}
    closed: list[Trip] = []
    for fill in fills:
        lots, left = held.setdefault(fill.instrument, deque()), fill.quantity
        fee = fill.fee / abs(fill.quantity)
        while lots and left * lots[0].quantity < 0.0:
            lot = lots.popleft()
            size = min(abs(left), abs(lot.quantity))
            signed = size if lot.quantity > 0.0 else -size
            closed.append(_trip(fill.instrument, lot, signed, fill.ts_event, fill.price, fee))
            rest, left = lot.quantity - signed, left + signed
            if abs(rest) > DUST * abs(lot.quantity):
                lots.appendleft(lot._replace(quantity=rest))
            if abs(left) <= DUST * abs(fill.quantity):
                left = 0.0
        if left:
            lots.append(_Lot(left, fill.price, fill.ts_event, fee))
    last = marks or {}
    still = [
        _trip(i, lot, lot.quantity, None, last.get(i, nan), 0.0) for i, lots in held.items() for lot in lots
    ]
    return Trips(closed, still)


def _trip(instrument: str, lot: _Lot, quantity: float, left: int | None, price: float, fee: float) -> Trip:
    fees = abs(quantity) * (lot.fee + fee)
    profit = quantity * (price - lot.price) - fees
    return Trip(instrument, quantity, lot.ts, left, lot.price, price, fees, profit)


def trip_stats(closed: Sequence[Trip]) -> dict[str, float]:
    """Return the statistics of closed round trips; NaN where there is none of what they need."""
    profits = np.array([trip.profit for trip in closed])
    gains = np.array([trip.gain for trip in closed])
    lost = float(-profits[profits < 0.0].sum()) if len(profits) else 0.0
    there = len(closed) > 0
    return {
        "trips": float(len(closed)),
        "win_rate": float((profits > 0.0).mean()) if there else nan,
        "profit_factor": float(profits[profits > 0.0].sum()) / lost if lost > 0.0 else nan,
        "mean_trip": float(gains.mean()) if there else nan,
        "best_trip": float(gains.max()) if there else nan,
        "worst_trip": float(gains.min()) if there else nan,
        "holding": float(np.mean([trip.days for trip in closed])) if there else nan,
    }

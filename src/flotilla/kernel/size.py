"""From a weight to a quantity: moment four of a portfolio's bar, second half.

A lot is `lot / per` units, two whole numbers as a rule: a tenth is 1 / 10, and no float64 is a tenth. Some
lots are then the float64 nearest to what they are, as 0.3 is to three tenths. A lot of 0 is any fraction.
"""

import math

import numpy as np

from flotilla.kernel.compile import compiled

NEAR = 2.0**-44  # of a number of lots: more than weight, equity and price lose by rounding


@compiled
def nearest_lots(quantity: float, lot: float, per: float) -> float:
    """Return the whole number of lots that `quantity` is but for rounding, in units."""
    return float(np.rint(quantity * per / lot) * lot / per) if lot > 0.0 else quantity


@compiled
def whole_lots(quantity: float, lot: float, per: float) -> float:
    """Return `quantity` in whole lots, toward zero; within rounding of a whole number it is that number."""
    lots = quantity * per / lot
    nearest = np.rint(lots)
    count = nearest if abs(lots - nearest) <= abs(lots) * NEAR else np.trunc(lots)
    return float(count * lot / per) if lot > 0.0 else quantity


@compiled
def lots_within(quantity: float, lot: float, per: float) -> float:
    """Return the most whole lots that are not more than `quantity` (>= 0) by a single bit, in units."""
    count = np.rint(quantity * per / lot)
    count = count if count * lot / per <= quantity else count - 1.0
    return float(count * lot / per) if lot > 0.0 else quantity


@compiled
def target_quantity(weight: float, equity: float, price: float) -> float:
    """Return the units to hold for `weight` of `equity` at `price` (> 0)."""
    return weight * equity / price


@compiled
def order_quantity(target: float, position: float, price: float, min_trade: float) -> float:
    """Return the units to trade, or NaN if the trade is nothing or worth less than `min_trade`.

    What sells all that is held is a trade whatever it is worth: a rest that can never be sold would stay at
    risk for good.
    """
    quantity = target - position
    worth = abs(quantity) * price
    least = min_trade if target != 0.0 else 0.0  # chosen, not asked with `or`: loops keep their vectors
    return quantity if quantity != 0.0 and worth >= least else math.nan

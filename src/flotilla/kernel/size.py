"""From a weight to a quantity: moment four of a portfolio's bar, second half."""

import math

import numpy as np

from flotilla.kernel.compile import compiled


@compiled
def whole_lots(quantity: float, lot: float) -> float:
    """Return `quantity` rounded toward zero to whole lots; a lot of 0 leaves it as it is."""
    return float(np.trunc(quantity / lot) * lot) if lot > 0.0 else quantity


@compiled
def target_quantity(weight: float, equity: float, price: float) -> float:
    """Return the units to hold for `weight` of `equity` at `price` (> 0)."""
    return weight * equity / price


@compiled
def order_quantity(target: float, position: float, price: float, min_trade: float) -> float:
    """Return the units to trade, or NaN if the trade is nothing or worth less than `min_trade`."""
    quantity = target - position
    worth = abs(quantity) * price
    return quantity if quantity != 0.0 and worth >= min_trade else math.nan

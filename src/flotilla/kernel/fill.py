"""What a market order gets: moment one of a portfolio's bar."""

from flotilla.kernel.compile import compiled

EPSILON = 2.0**-52


@compiled
def fill_price(price: float, quantity: float, slippage: float) -> float:
    """Return `price` moved against the order by `slippage` (a fraction)."""
    return price * (1.0 + slippage) if quantity > 0.0 else price * (1.0 - slippage)


@compiled
def fee_of(quantity: float, price: float, fee: float) -> float:
    """Return the fee, account currency, of a fill. fee: a fraction of the traded value."""
    return abs(quantity * price) * fee


@compiled
def buying_power(cash: float, instruments: int) -> float:
    """Return the cash that a bar's buys may spend together, account currency.

    It is the cash less a few units in its last place: the buys are summed to compare them with the cash, and
    taken from it one by one, and those two roundings differ by less than this allowance. So cash never ends
    below zero, and no rounding has to be swept away afterwards.
    """
    return cash * (1.0 - (instruments + 8) * EPSILON)


@compiled
def buy_scale(need: float, power: float) -> float:
    """Return the common factor, in [0, 1], for a bar's buys that cost `need` and may spend `power`."""
    return 1.0 if need <= power else power / need

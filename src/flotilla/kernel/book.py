"""What a portfolio owns, after a fill and at a mark: moments one and three of a portfolio's bar."""

from flotilla.kernel.compile import compiled


@compiled
def cash_after(cash: float, quantity: float, price: float, fee: float) -> float:
    """Return the cash after a fill. fee: account currency."""
    return cash - (quantity * price + fee)


@compiled
def worth(position: float, price: float) -> float:
    """Return the value of a holding, account currency."""
    return position * price


@compiled
def drawdown_of(equity: float, peak: float) -> float:
    """Return the fall from `peak` (> 0, not below equity), as a fraction of it, in [0, 1]."""
    return 1.0 - equity / peak

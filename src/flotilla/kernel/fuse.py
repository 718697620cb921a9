"""From signals and risk to a weight: moment four of a portfolio's bar, first half."""

from flotilla.kernel.compile import compiled


@compiled
def risk_factor(scale: float, tolerance: float) -> float:
    """Return how much of a weight risk lets through, in [0, 1].

    scale: the least of the decisions that the portfolio heeds, [0, 1]. tolerance: >= 0; 0 never trades.
    """
    return min(1.0, tolerance * scale)


@compiled
def fuse(signal: float, allocation: float, risk: float, cap: float) -> float:
    """Return the weight, in [0, cap], that a cash account gives one instrument.

    signal: [-1, 1], not NaN; one beyond counts as a full one. allocation: the weight of a full signal. A
    negative signal means flat here: a cash account cannot be short.
    """
    weight = min(max(signal, 0.0), 1.0) * allocation * risk
    return min(max(weight, 0.0), cap)

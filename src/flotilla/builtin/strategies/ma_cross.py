"""The crossover of two moving averages."""

from flotilla.stage import Node, close, sma


def ma_cross(fast: int = 10, slow: int = 30) -> Node:
    """Long while the mean of the last `fast` closes is above that of the last `slow`, flat otherwise."""
    return sma(close, fast) > sma(close, slow)

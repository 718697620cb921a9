"""Reversion to the mean, by the relative strength index."""

from flotilla.stage import Node, close, hysteresis, rsi


def rsi_reversion(n: int = 14, low: float = 30.0, high: float = 50.0) -> Node:
    """Long from when the index of `n` rows is below `low` until it is above `high`, flat otherwise.

    The index runs from 0 to 100: below 30 is commonly called oversold, and 50 is the middle.
    """
    return hysteresis(rsi(close, n), low, high)

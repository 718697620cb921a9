"""Buy, and hold: what every other strategy is measured against."""

from math import nan

from flotilla.stage import Node, close, notna, where


def buy_and_hold() -> Node:
    """Hold each instrument from its first known close on."""
    return where(notna(close), 1.0, nan)

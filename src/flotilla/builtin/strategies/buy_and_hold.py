"""Buy, and hold: what every other strategy is measured against."""

from math import nan

from flotilla.stage import Node, close, known, where


def buy_and_hold() -> Node:
    """Hold each instrument from its first known close on."""
    return where(known(close), 1.0, nan)

"""Momentum across instruments: last year's winners, chosen anew every month."""

from math import nan

from flotilla.stage import Node, close, delay, month, rank_from_top, starts, where


def momentum(lookback: int = 252, skip: int = 21, top: int = 5) -> Node:
    """Long the `top` instruments by their return from `lookback` to `skip` rows ago, flat in the others.

    It decides on the first bar of each month, and says nothing in between: the portfolio keeps what it has.
    The latest `skip` rows are left out because they tend to revert (Jegadeesh and Titman, 1993). The signals
    are all or nothing; a portfolio that is to be fully invested in them has an allocation of 1 / top.
    """
    growth = delay(close, skip) / delay(close, lookback)
    return where(starts(month), rank_from_top(growth) < top, nan)

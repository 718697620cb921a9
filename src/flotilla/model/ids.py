"""Ids of what flows, made and read here alone. Each says what the thing is: made twice, it is the same id.

signal     cross-00000042-AAPL       strategy, bar, instrument
decision   var-00000003-A*           risk model, row of the table of decisions, pattern of instruments
order      p-3-00000042-AAPL-1       portfolio, bar, instrument, how many before it on that bar
fill       p-3-00000042-AAPL-1-f0    order, how many before it
request    p-3-00000042              portfolio, bar: all that a portfolio orders on a bar
"""

from __future__ import annotations

import re
from typing import NamedTuple

from flotilla.errors import ConfigError

_NAME = r"[a-z][a-z0-9_-]*"  # of a portfolio, a strategy, or a risk model
_BAR = r"\d{8,}"
_ORDER = re.compile(rf"(?P<portfolio>{_NAME})-(?P<bar>{_BAR})-(?P<instrument>.+)-(?P<sequence>\d+)(-f\d+)?")
_REQUEST = re.compile(rf"(?P<portfolio>{_NAME})-(?P<bar>{_BAR})")


class OrderId(NamedTuple):
    """What the id of an order, or of a fill of it, says."""

    portfolio_id: str
    bar: int
    instrument: str
    sequence: int


class RequestId(NamedTuple):
    """What the id of a request says."""

    portfolio_id: str
    bar: int


def signal_id_of(strategy: str, bar: int, instrument: str) -> str:
    """Return the id of what `strategy` said of `instrument` on `bar`."""
    return f"{strategy}-{bar:08d}-{instrument}"


def signal_bar(signal_id: str, strategy: str, instrument: str) -> int | None:
    """Return the bar of a signal; None where it is not of this strategy and instrument."""
    begin, end = f"{strategy}-", f"-{instrument}"
    bar = signal_id[len(begin) : len(signal_id) - len(end)]
    mine = signal_id.startswith(begin) and signal_id.endswith(end) and re.fullmatch(_BAR, bar)
    return int(bar) if mine else None


def decision_id_of(model: str, row: int, pattern: str) -> str:
    """Return the id of what a risk model said in a row of its table of the instruments of a pattern."""
    return f"{model}-{row:08d}-{pattern}"


def order_id_of(portfolio_id: str, bar: int, instrument: str, sequence: int) -> str:
    """Return the id of an order; `sequence` counts a portfolio's orders in one instrument and bar from 0."""
    return f"{portfolio_id}-{bar:08d}-{instrument}-{sequence}"


def order_named(order_id: str) -> OrderId:
    """Return what the id of an order, or of a fill, says; ConfigError where it is none.

    >>> order_named("cross-1241-00000186-CVX-0-f0").portfolio_id
    'cross-1241'
    """
    found = _ORDER.fullmatch(order_id)
    if found is None:
        raise ConfigError(f"{order_id!r} is no order's id, as in cross-00000186-CVX-0, nor a fill's")
    return OrderId(found["portfolio"], int(found["bar"]), found["instrument"], int(found["sequence"]))


def fill_id_of(order_id: str, n: int) -> str:
    """Return the id of the nth fill of an order, from 0."""
    return f"{order_id}-f{n}"


def request_id_of(portfolio_id: str, bar: int) -> str:
    """Return the id of the request with all that a portfolio orders on a bar."""
    return f"{portfolio_id}-{bar:08d}"


def request_named(request_id: str) -> RequestId | None:
    """Return what the id of a request says; None where it is none."""
    found = _REQUEST.fullmatch(request_id)
    return None if found is None else RequestId(found["portfolio"], int(found["bar"]))

"""The idea, and the words that strategies are written in.

from flotilla.stage import Fold, Node, OnBar, Window, close, sma, where

def ma_cross(fast: int = 10, slow: int = 30) -> Node:
    return sma(close, fast) > sma(close, slow)
"""

from flotilla.stage.calendar import day, month, starts, week, year
from flotilla.stage.expression import Node, close, high, low, open_, volume
from flotilla.stage.fold import Fold, OnBar
from flotilla.stage.operators import (
    atr,
    delay,
    demean,
    differs,
    ema,
    equal,
    exp,
    highest,
    hold,
    hysteresis,
    known,
    latch,
    least,
    log,
    lowest,
    most,
    place,
    rank,
    returns,
    rsi,
    sign,
    sma,
    sqrt,
    std,
    total,
    true_range,
    where,
    wilder,
    zscore,
)
from flotilla.stage.window import Window

__all__ = [
    "Fold",
    "Node",
    "OnBar",
    "Window",
    "atr",
    "close",
    "day",
    "delay",
    "demean",
    "differs",
    "ema",
    "equal",
    "exp",
    "high",
    "highest",
    "hold",
    "hysteresis",
    "known",
    "latch",
    "least",
    "log",
    "low",
    "lowest",
    "month",
    "most",
    "open_",
    "place",
    "rank",
    "returns",
    "rsi",
    "sign",
    "sma",
    "sqrt",
    "starts",
    "std",
    "total",
    "true_range",
    "volume",
    "week",
    "where",
    "wilder",
    "year",
    "zscore",
]

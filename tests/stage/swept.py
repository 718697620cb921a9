"""Strategies for tests of sweeps: each uses its parameters in a way of its own."""

from math import nan

import numpy as np

from flotilla.stage.expression import Node, as_node, close, high, low
from flotilla.stage.fold import Fold, OnBar
from flotilla.stage.operators import (
    atr,
    ema,
    hysteresis,
    maximum,
    minimum,
    notna,
    rank,
    returns,
    rsi,
    sma,
    std,
    where,
    zscore,
)
from flotilla.stage.window import Window


def cross(fast: int = 3, slow: int = 9) -> Node:
    return sma(close, fast) > sma(close, slow)


def computes(n: int = 3, gap: float = 0.5) -> Node:
    """Compute with its parameters before they reach an operator."""
    return sma(close, n) > ema(close, 2 * n + 1) + (gap / 10 - 0.01 * -n) * std(close, n + 1)


def branches(n: int = 3, slow: int = 9) -> Node:
    """Ask a parameter for its value."""
    if n > 5:
        return sma(close, n) > sma(close, slow)
    return rsi(close, n) < 50.0


def equals(n: int = 3) -> Node:
    """Ask whether a parameter is one certain value."""
    if n == 4:
        return sma(close, n) > close
    return sma(close, n) < close if n != 6 else as_node(1.0)


def powers(n: int = 3, x: float = 2.0) -> Node:
    """Compute with its parameters what only numbers can be computed with."""
    return sma(close, n**2 % 7 + 1) > close * round(abs(x), 1) / max(x, 1.0)


def constant(size: float = 0.5) -> Node:
    """Say the same of everything, always."""
    return as_node(size)


def sized(n: int = 3, size: float = 0.5, floor: float = -0.02) -> Node:
    """Compare with one parameter and say another."""
    return where(returns(close, n) > floor, size, 0.0) * notna(close)


def banked(n: int = 3, under: float = 40.0, over: float = 60.0) -> Node:
    """Give swept parameters to operators that take several."""
    return hysteresis(rsi(close, n), under, over)


def inverted(x: float = 50.0) -> Node:
    """Take more steps than there are things to look at."""
    return ~~~~(close > x)


def clamped(n: int = 3, gain: float = 5.0) -> Node:
    """Say fractions."""
    return minimum(maximum(zscore(returns(close, n)) * gain, -1.0), 1.0)


def ranked(n: int = 3, top: float = 0.5) -> Node:
    """Compare instruments with each other; have no signal of those in the middle."""
    place = rank(atr(high, low, close, n) / close)
    return where(place >= top, 1.0, where(place < 1.0 - top, 0.0, nan))


class Above(Window):
    """Long above the mean of the last `n` closes, which a Window sums anew each time."""

    def __init__(self, n: int = 3) -> None:
        self.n = n
        self.lookback = n

    def over(self, close: np.ndarray) -> np.ndarray:
        out = np.full(close.shape, nan)
        for t in range(self.n - 1, len(close)):
            mean = close[t + 1 - self.n : t + 1].sum(axis=0) / self.n
            out[t] = np.where(np.isnan(mean), nan, close[t] > mean)
        return out


class Faded(Fold):
    """Long above a mean in which the past fades by a `rate` a row."""

    def __init__(self, rate: float = 0.2) -> None:
        self.rate = rate

    def start(self, instruments: int) -> np.ndarray:
        return np.full(instruments, nan)

    def advance(self, state: np.ndarray, close: np.ndarray) -> np.ndarray:
        out = np.empty_like(close)
        for t in range(len(close)):
            moved = np.where(np.isnan(state), close[t], state + self.rate * (close[t] - state))
            state[:] = np.where(np.isnan(close[t]), state, moved)
            out[t] = np.where(np.isnan(close[t]), nan, close[t] > state)
        return out


class Streak(OnBar):
    """Long after `n` closes in a row that did not fall."""

    def __init__(self, n: int = 2) -> None:
        self.n = n

    def start(self, instruments: int) -> dict[str, np.ndarray]:
        return {"last": np.full(instruments, nan), "run": np.zeros(instruments)}

    def on_bar(self, state: dict[str, np.ndarray], bar: object) -> np.ndarray:
        state["run"][:] = np.where(bar.close >= state["last"], state["run"] + 1.0, 0.0)
        state["last"][:] = bar.close
        return (state["run"] >= self.n) * 1.0


def told(of: str = "fast", flag: bool = False, n: int | None = None) -> Node:
    """Take what is no number."""
    mean = sma(close, 3 if n is None else n) if of == "fast" else ema(close, 9)
    return close > mean if flag else close < mean

"""Strategies for tests: one says what the market's own fields say, one what a random expression says."""

from typing import Any

import numpy as np

from flotilla.kernel.elementwise import BINARY, UNARY
from flotilla.stage.expression import Node, as_node, close, field
from flotilla.stage.operators import delay, ema, hysteresis, maximum, minimum, rank, returns, rsi, sma, where

TOLD = tuple(f"told{k}" for k in range(8))


def told(k: int = 0) -> Node:
    """Say what field k says."""
    return field(TOLD[k])


def since(n: int = 0) -> Node:
    """Be long from when the first field is n."""
    return field(TOLD[0]) >= n


def grown(seed: int = 0, a: int = 2, b: int = 5, x: float = 0.5) -> Node:
    """Say what a random expression of its parameters says, clipped to [-1, 1]."""
    rng = np.random.default_rng(seed)
    return minimum(maximum(_grown(rng, 4, a, b, x), -1.0), 1.0)


def _grown(rng: np.random.Generator, depth: int, a: int, b: int, x: float) -> Node:
    if depth == 0 or rng.random() < 0.15:
        leaves: list[Any] = [
            sma(close, a), sma(close, b), ema(close, a), returns(close, b), rank(close), delay(close, a),
            hysteresis(rsi(close, a), 40 + x, 60 - x), close, x, 1 - x, 0.25, field(TOLD[0]),
        ]  # fmt: skip
        return as_node(leaves[rng.integers(len(leaves))])
    one, two, three = (_grown(rng, depth - 1, a, b, x) for _ in range(3))
    pick = int(rng.integers(len(BINARY) + len(UNARY) + 3))
    if pick < len(BINARY):
        return Node(BINARY[pick], (), (one, two))
    if pick < len(BINARY) + len(UNARY):
        return Node(UNARY[pick - len(BINARY)], (), (one,))
    return where(one > 0.5, two, three)

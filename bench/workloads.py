"""The workloads: prices, pairs of windows, exact signals, and what some of them are known to come to.

W2: one stock, all in or all out at the next open. W3: twenty stocks, 1/20 each, one cash account, traded at
the next close when a stock's signal changes; W3b: at every bar. A signal is 1 where the fast average is above
the slow one, by whole ticks, so that a tie is a tie. The fee is 10 bps; quantities are fractions.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.records import WrongValue
from flotilla.model.panel import Panel
from flotilla.plugins import find

CASH, FEE = 1_000_000.0, 0.001


class Grid(NamedTuple):
    """Every fast window with every slow one, the slow changing fastest."""

    fast: range
    slow: range

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Return (fast, slow) of each portfolio, by its number."""
        return [(fast, slow) for fast in self.fast for slow in self.slow]


W3 = Grid(range(2, 102), range(105, 304, 2))  # 10,000
W3B = Grid(range(2, 51, 2), range(60, 256, 5))  # 1,000
# By when a portfolio rebalances, and whether the run is a quick one.
GRIDS = {
    ("change", False): W3,
    ("change", True): Grid(W3.fast, W3.slow[::10]),
    ("bar", False): W3B,
    ("bar", True): Grid(W3B.fast[::2], W3B.slow[::4]),
}
W2_LAST, W2_LAST_QUICK = 143, 60

# (fast, slow): final equity, and orders where they are known to the last one
KNOWN_W3 = {
    ("fill", "change"): {
        (10, 60): (25875681.165300544, 3978),
        (20, 120): (30290962.923330572, 1929),
        (50, 200): (39495392.939487763, 915),
    },
    ("decision", "change"): {
        (10, 60): (25968826.962310761, 3978),
        (20, 120): (30649095.932303682, 1927),
        (50, 200): (39123224.570815258, 915),
    },
    ("fill", "bar"): {
        (10, 60): (17700716.353096869, None),
        (20, 120): (19976180.608368661, None),
        (50, 200): (31094447.263049491, None),
    },
    ("decision", "bar"): {
        (10, 60): (17713687.270782769, None),
        (20, 120): (19958022.052332506, None),
        (50, 200): (30867415.493466944, None),
    },
}
KNOWN_W2 = {
    (2, 3): (1335003.4998415387, 753),
    (50, 143): (2954995.313892853, 19),
    (10, 30): (7515292.8398, 67),  # W1
}
_SHOWN = 5
TOLERANCE = {"change": 1e-9, "bar": 1e-6}  # a hundred million orders add up rounding


@cache
def panel() -> Panel:
    """Return 8,313 daily closes of 20 stocks, in thousandths."""
    return find("source", "sample")().panel()


@cache
def google() -> Panel:
    """Return 2,148 daily bars of one stock, in cents."""
    from backtesting.test import GOOG

    return find("source", "frame")(data=GOOG, name="GOOG", tick="0.01", instrument="GOOG").panel()


def stacked(times: int) -> pd.DataFrame:
    """Return the panel's closes as a frame, `times` beside one another: a block for each portfolio."""
    here = panel()
    return pd.DataFrame(np.tile(here.fields["close"], (1, times)), index=pd.to_datetime(here.ts_event))


def pairs_w2(last: int) -> list[tuple[int, int]]:
    """Return every 2 <= fast < slow <= last."""
    return [(fast, slow) for fast in range(2, last) for slow in range(fast + 1, last + 1)]


def signals(prices: Panel, pairs: list[tuple[int, int]]) -> NDArray[np.bool_]:
    """Return the exact signals of pairs of windows: bool[T, P, I]."""
    ticks = np.rint(prices.fields["close"] * prices.ticks_per_unit).astype(np.int64)
    total = np.concatenate([np.zeros((1, ticks.shape[1]), np.int64), np.cumsum(ticks, axis=0)])

    @cache
    def window(n: int) -> NDArray[np.int64]:
        return total[n:] - total[:-n]

    out = np.zeros((len(ticks), len(pairs), ticks.shape[1]), bool)
    for k, (fast, slow) in enumerate(pairs):
        out[slow - 1 :, k] = slow * window(fast)[slow - fast :] > fast * window(slow)
    return out


def close_to(found: float, wanted: float, tolerance: float) -> bool:
    """Return whether `found` is what is wanted, relatively."""
    return abs(found - wanted) <= tolerance * abs(wanted)


def check(what: str, found: dict[Any, tuple[float, float]], wanted: dict[Any, Any], tolerance: float) -> None:
    """Raise where a final equity or a number of orders is not what is wanted. found, wanted: pair -> both."""
    wrong = [
        f"{what} {pair}: {found[pair]}, and not {final, orders}"
        for pair, (final, orders) in wanted.items()
        if not close_to(found[pair][0], final, tolerance) or (orders is not None and found[pair][1] != orders)
    ]
    if wrong:
        raise WrongValue("\n".join([*wrong[:_SHOWN], f"{len(wrong)} of {len(wanted)} are wrong"]))

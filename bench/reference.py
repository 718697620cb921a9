"""W3 and W3b as a plain loop over the bars: slow, and short enough to be believed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.workloads import CASH, FEE, KNOWN_W3, TOLERANCE, check, panel, signals

Finals = dict[tuple[int, int], tuple[float, float]]  # (fast, slow) -> final equity, orders filled


def portfolios(pairs: list[tuple[int, int]], size_at: str, rebalance: str) -> Finals:
    """Return what portfolios come to, after asking the loop for those that are known.

    size_at: "decision" or "fill"; rebalance: "change" or "bar".
    """
    known = KNOWN_W3[size_at, rebalance]
    every = [*known, *pairs]
    finals, orders = _live(panel().fields["close"], signals(panel(), every), size_at, rebalance)
    found = dict(zip(every, zip(finals.tolist(), orders.tolist(), strict=True), strict=True))
    check("reference", found, known, TOLERANCE[rebalance])
    return {pair: found[pair] for pair in pairs}


def _live(
    close: NDArray[np.float64], said: NDArray[np.bool_], size_at: str, rebalance: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return final equity and orders, [P] each. close: float64[T, I]; said: bool[T, P, I]."""
    bars, count, instruments = said.shape
    cash, shares = np.full(count, CASH), np.zeros((count, instruments))
    orders = np.zeros(count, np.int64)
    before = np.zeros((count, instruments), bool)
    for t in range(bars - 1):
        now, price = said[t], close[t + 1]
        asked = now != before if rebalance == "change" else np.ones_like(now)
        before = now
        if not asked.any():
            continue
        sized = close[t] if size_at == "decision" else price
        value = cash + shares @ sized
        quantity = np.where(asked, now / instruments * value[:, None] / sized - shares, 0.0)
        sold, bought = np.minimum(quantity, 0.0), np.maximum(quantity, 0.0)
        cash = cash - (sold @ price) * (1.0 - FEE)
        need = (bought @ price) * (1.0 + FEE)
        bought *= np.where(need > cash, cash / np.maximum(need, 1.0), 1.0)[:, None]
        cash = np.where(need > cash, 0.0, cash - need)
        shares = np.where(asked & ~now, 0.0, shares + sold + bought)
        orders += np.count_nonzero(sold + bought, axis=1)
    return cash + shares @ close[-1], orders

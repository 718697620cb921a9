"""W3 and W3b in vectorbt's Rust engine, which is handed the exact signals and computes none.

It sizes at the fill and trades sells first, then buys from the smallest on: a little otherwise than either of
ours, so its values are compared loosely. A thousand portfolios are a fair sample of ten thousand: each is
twenty columns, and all of them at once would need a hundred gigabytes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import vectorbt as vbt
from psutil import virtual_memory

from bench.records import Job, Measured
from bench.timing import timed
from bench.workloads import CASH, FEE, KNOWN_W3, W3B, check, panel, signals, stacked

_ROOM = 18e9  # bytes that a thousand portfolios need
_LIKE_OURS = 1e-2
_EVERY_BAR_LIKE_OURS = 1e-4


def measure(job: Job) -> Measured:
    """Return how fast the simulation alone went: what it costs to ask for values comes on top."""
    rebalance = job.side.options["rebalance"]
    known = KNOWN_W3["fill", rebalance]
    roomy = virtual_memory().available > _ROOM
    count = 40 if job.quick else 1_000 if roomy else 200
    pairs = ([*known] + [pair for pair in W3B.pairs if pair not in known])[:count]
    instruments = panel().shape[1]
    close, size = stacked(count), _sizes(pairs, rebalance)
    groups = np.repeat(np.arange(count), instruments)

    def call() -> vbt.Portfolio:
        return vbt.Portfolio.from_orders(
            close, size, size_type="targetpercent", fees=FEE, init_cash=CASH,
            cash_sharing=True, group_by=groups, call_seq="auto", freq="1D", engine="rust",
        )  # fmt: skip

    def check_result(portfolio: vbt.Portfolio) -> None:
        finals = portfolio.final_value().to_numpy()[: len(known)]
        found = {pair: (float(final), 0) for pair, final in zip(known, finals, strict=True)}
        wanted = {pair: (final, None) for pair, (final, _) in known.items()}
        check("vectorbt", found, wanted, _LIKE_OURS if rebalance == "change" else _EVERY_BAR_LIKE_OURS)

    timing = timed(job, call, check_result)
    return Measured(
        value=close.size / timing.wall_s / 1e6,
        unit="M/s",
        size=f"{count:,} portfolios",
        note="handed the signals; simulation alone",
        **timing._asdict(),
    )


def _sizes(pairs: list[tuple[int, int]], rebalance: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return target weights at the fills, NaN for no order: float64[T, P * I]."""
    said = signals(panel(), pairs)
    bars, count, instruments = said.shape
    size = np.full((bars, count * instruments), np.nan)
    for k in range(count):
        mine = said[:, k]
        asked = np.ones_like(mine)
        if rebalance == "change":
            asked = mine != np.concatenate([np.zeros_like(mine[:1]), mine[:-1]])
        size[1:, k * instruments : (k + 1) * instruments] = np.where(asked, mine / instruments, np.nan)[:-1]
    return size

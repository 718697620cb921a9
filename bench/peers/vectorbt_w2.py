"""W2 in vectorbt's Rust engine, which is handed the exact signals and computes none."""

from __future__ import annotations

import numpy as np
import vectorbt as vbt

from bench.records import Job, Measured
from bench.timing import timed
from bench.workloads import (
    CASH,
    FEE,
    KNOWN_W2,
    W2_LAST,
    W2_LAST_QUICK,
    check,
    google,
    pairs_w2,
    signals,
)


def measure(job: Job) -> Measured:
    """Return how fast the simulation alone went: what it costs to ask for values comes on top."""
    pairs, prices = pairs_w2(W2_LAST_QUICK if job.quick else W2_LAST), google()
    said = signals(prices, pairs)[:, :, 0]
    enter, leave = np.zeros_like(said), np.zeros_like(said)
    enter[1:], leave[1:] = said[:-1], ~said[:-1]

    def call() -> vbt.Portfolio:
        return vbt.Portfolio.from_signals(
            prices.fields["close"], enter, leave, price=prices.fields["open"],
            fees=FEE, init_cash=CASH, freq="1D", engine="rust",
        )  # fmt: skip

    def check_result(portfolio: vbt.Portfolio) -> None:
        both = zip(portfolio.final_value().tolist(), portfolio.orders.count().tolist(), strict=True)
        found = dict(zip(pairs, both, strict=True))
        check("vectorbt", found, {pair: known for pair, known in KNOWN_W2.items() if pair in found}, 1e-9)

    timing = timed(job, call, check_result)
    return Measured(
        value=said.size / timing.wall_s / 1e6,
        unit="M/s",
        size=f"{len(pairs):,} portfolios",
        note="handed the signals; simulation alone",
        **timing._asdict(),
    )

"""Live: from a tick to its order's acknowledgement, through four processes, the order's journal on disk.

The market is one stock that rises twice and falls twice, at a steady pace, and the strategy is long after a
rise: so every second tick gives an order, and no order rests when one is given. The clock starts when the
feed takes the tick up, and stops when the portfolio knows that its order is written down.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.ours.replayed import replayed
from bench.pace import TICKS_S, steady, ticks
from bench.records import Job, Measured, WrongValue
from flotilla.config import decode
from flotilla.model.panel import Panel
from flotilla.plugins import find


def measure(job: Job) -> Measured:
    """Return the median latency; an order that is missing raises."""
    count = ticks(job.quick)
    rise = {"kind": "ma_cross", "params": {"fast": 1, "slow": 2}}
    config = decode({"name": "ticks", "strategies": {"rise": rise}, "portfolio": {"allocation": 0.5}})
    with replayed(job, config, _waves(count), TICKS_S) as done:
        orders = len(done.result.orders)
    if not count // 2 - 2 <= orders <= count // 2 + 2:
        raise WrongValue(f"{orders} orders of {count} ticks; every second one should give one")
    took = steady(done.result.ack_ns)
    return Measured(
        value=float(np.median(took)),
        unit="us",
        size=f"{count:,} ticks, {TICKS_S} a second",
        others_pct=done.others_pct,
        note=f"p50; p99 {np.quantile(took, 0.99):,.0f}; 1 disk sync",
    )


def _waves(count: int) -> Panel:
    """Return closes of one stock: up, up, down, down, and so on."""
    cents = 10_000 + np.cumsum(np.where(np.arange(count) // 2 % 2 == 0, 1, -1))
    times = pd.date_range("2020-01-01", periods=count, freq="min", tz="UTC")
    frame = pd.DataFrame({"time": times, "WAVE": cents / 100})
    return find("source", "frame")(data=frame, tick="0.01").panel()

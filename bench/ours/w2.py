"""W2: every pair of moving averages over one stock, all in or all out at the next open."""

from __future__ import annotations

from bench.records import Job, Measured
from bench.timing import timed
from bench.workloads import KNOWN_W2, W2_LAST, W2_LAST_QUICK, check, google, pairs_w2
from flotilla.config import decode
from flotilla.research import SweepResult, sweep


def measure(job: Job) -> Measured:
    """Return how fast the sweep went; wrong values raise."""
    last = W2_LAST_QUICK if job.quick else W2_LAST
    pairs, prices = pairs_w2(last), google()
    config = decode(
        {
            "name": "w2",
            "strategies": {"cross": {"kind": "ma_cross"}},
            "portfolio": {"fee_bps": 10, "allocation": 1.0, "fill_at": "open", "size_at": "fill"},
        }
    )
    portfolios = {"cross.fast": [fast for fast, _ in pairs], "cross.slow": [slow for _, slow in pairs]}

    def call() -> SweepResult:
        return sweep(config, panel=prices, portfolios=portfolios, workers=job.workers)

    def check_result(result: SweepResult) -> None:
        table = result.table
        columns = [table[name].to_list() for name in ("cross.fast", "cross.slow", "final_equity", "orders")]
        found = {(fast, slow): (final, orders) for fast, slow, final, orders in zip(*columns, strict=True)}
        check("W2", found, {pair: known for pair, known in KNOWN_W2.items() if pair in found}, 1e-9)

    timing = timed(job, call, check_result)
    return Measured(
        value=len(pairs) * prices.fields["close"].size / timing.wall_s / 1e6,
        unit="M/s",
        size=f"{len(pairs):,} portfolios",
        note="its own signals, equity and all measures",
        **timing._asdict(),
    )

"""W3 and W3b: a sweep of moving-average pairs over twenty stocks, by the Python API."""

from __future__ import annotations

from bench import reference
from bench.records import Job, Measured
from bench.timing import timed
from bench.workloads import GRIDS, TOLERANCE, check, panel
from flotilla.config import decode
from flotilla.research import SweepResult, sweep

_SAMPLED = 24  # portfolios of the timed result that are compared with the plain loop


def measure(job: Job) -> Measured:
    """Return how fast the sweep went; wrong values raise."""
    size_at, rebalance = job.side.options["size_at"], job.side.options["rebalance"]
    grid = GRIDS[rebalance, job.quick]
    config = decode(
        {
            "name": "w3",
            "strategies": {"cross": {"kind": "ma_cross"}},
            "portfolio": {"fee_bps": 10, "fill_at": "close", "size_at": size_at, "rebalance": rebalance},
            "sweep": {"cross.fast": [*grid.fast], "cross.slow": [*grid.slow]},
        }
    )
    prices = panel()

    def call() -> SweepResult:
        return sweep(config, panel=prices, workers=job.workers)

    def check_result(result: SweepResult) -> None:
        table = result.table.sort("portfolio")
        columns = [table[name].to_list() for name in ("cross.fast", "cross.slow", "final_equity", "orders")]
        found = {(fast, slow): (final, orders) for fast, slow, final, orders in zip(*columns, strict=True)}
        sample = grid.pairs[:: max(1, len(grid.pairs) // _SAMPLED)]
        wanted = reference.portfolios(sample, size_at, rebalance)
        if rebalance == "bar":  # whether the last share of a million is traded is a matter of rounding
            wanted = {pair: (final, None) for pair, (final, _) in wanted.items()}
        check("W3", found, wanted, TOLERANCE[rebalance])

    timing = timed(job, call, check_result)
    cells = len(grid.pairs) * prices.fields["close"].size
    return Measured(
        value=cells / timing.wall_s / 1e6,
        unit="M/s",
        size=f"{len(grid.pairs):,} portfolios",
        note="its own signals, equity and all measures",
        **timing._asdict(),
    )

"""Live: daily bars of twenty stocks replayed through four processes, as fast as they go."""

from __future__ import annotations

from bench.ours.replayed import replayed
from bench.records import Job, Measured, WrongValue
from bench.workloads import KNOWN_W3, close_to, panel
from flotilla.config import decode
from flotilla.session.pace import pace_of

_PAIR = (10, 60)


def measure(job: Job) -> Measured:
    """Return the bars a second; a bar that was not simulated, or a wrong end, raises."""
    bars = panel().rows(0, 2_000) if job.quick else panel()
    cross = {"kind": "ma_cross", "params": dict(zip(("fast", "slow"), _PAIR, strict=True))}
    config = decode({"name": "w3", "strategies": {"cross": cross}})
    with replayed(job, config, bars) as done:
        rate, equity = pace_of(done.run), done.result.equity
    final, _ = KNOWN_W3["decision", "change"][_PAIR]
    if len(equity) != len(bars.ts_event) or not (job.quick or close_to(float(equity[-1]), final, 1e-9)):
        raise WrongValue(f"{len(equity)} bars were simulated, to an equity of {equity[-1]}, and not {final}")
    return Measured(
        value=rate,
        unit="bars/s",
        size=f"{len(equity):,} bars of {bars.shape[1]}",
        first_s=done.first_s,
        wall_s=done.wall_s,
        calls=1,
        others_pct=done.others_pct,
        note=f"{len(done.result.orders):,} orders; the walls hold starting and stopping",
    )

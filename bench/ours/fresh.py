"""From a CSV file to the ranked table of a sweep, in a fresh process that has everything compiled."""

from __future__ import annotations

import json
import sys
from statistics import median

import pandas as pd

from bench import reference
from bench.commands import run
from bench.disturbance import Watch
from bench.records import Job, Measured
from bench.scratch import scratch
from bench.workloads import GRIDS, TOLERANCE, check, panel

_PROGRAM = """
import sys
from flotilla.research import sweep

result = sweep(sys.argv[1], workers=int(sys.argv[2]))
print(result.best(10).write_json())
"""
_CONFIG = """
name: w3
data: {{source: csv, params: {{path: {path}}}}}
strategies:
  cross: {{kind: ma_cross}}
portfolio: {{fee_bps: 10}}
sweep:
  cross.fast: {fast}
  cross.slow: {slow}
"""


def measure(job: Job) -> Measured:
    """Return how long it took, by the median; wrong values raise."""
    grid = GRIDS["change", job.quick]
    with scratch() as folder:
        prices, config = folder.absolute() / "closes.csv", folder / "sweep.yaml"
        here = panel()
        frame = pd.DataFrame(here.fields["close"], columns=[*here.instruments])
        frame.insert(0, "date", pd.to_datetime(here.ts_event).strftime("%Y-%m-%d"))
        frame.to_csv(prices, index=False)
        config.write_text(_CONFIG.format(path=prices, fast=[*grid.fast], slow=[*grid.slow]))
        command = [sys.executable, "-P", "-c", _PROGRAM, str(config), str(job.workers)]
        first = run(command)
        with Watch(job.cores) as watch:
            ran = [run(command) for _ in range(2 if job.quick else 5)]
    _check(first.output)
    return Measured(
        value=median(one.wall_s for one in ran),
        unit="s",
        size=f"{len(grid.pairs):,} portfolios",
        first_s=first.wall_s,
        wall_s=min(one.wall_s for one in ran),
        calls=len(ran),
        others_pct=watch.others_pct,
        rss_mb=max(one.rss_mb for one in ran),
        note="median, interpreter and imports included",
    )


def _check(output: str) -> None:
    best = {(row["cross.fast"], row["cross.slow"]): row for row in json.loads(output.splitlines()[-1])}
    found = {pair: (row["final_equity"], row["orders"]) for pair, row in best.items()}
    check("the best", found, reference.portfolios([*found], "decision", "change"), TOLERANCE["change"])

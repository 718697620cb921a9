"""What a portfolio is held against: buying and holding all of its instruments, or something that is named.

Buying and holding is a portfolio of its own, on the same terms, with its costs. What is named is a price, or
another run (research/beside.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from flotilla.model.arrays import Floats
from flotilla.research.beside import Benchmark, beside
from flotilla.research.report.data import HOLD
from flotilla.research.run import UNHEEDED, RunResult, benchmark_of, holding
from flotilla.research.sweep import SweepResult, sweep


def benchmark_for(result: RunResult, named: Any = None, folder: Path | None = None) -> Benchmark:
    """Return what a portfolio is held against.

    named: None for buying and holding; else an instrument of the data, the path of a file of prices, a pandas
    or polars frame or series, a Panel, or another RunResult. folder: where paths, and the user's own files,
    begin. ConfigError where it is none of these, or has no price on the portfolio's bars.
    """
    if named is None:
        hold = benchmark_of(result.config, folder, result.panel)
        return Benchmark(HOLD, hold.equity, hold.measures)
    return beside(result, named, folder)


def held_by_each(swept: SweepResult, folder: Path | None = None) -> Floats | None:
    """Return what buying and holding came to, in the measure that ranks, on each portfolio's own terms.

    float64[P] in the order of the table; None where no term that holding heeds is swept: it is one for all.
    A portfolio that begins later is held against holding from then on.
    """
    heeded = {name: key for name, key in swept.grid.of("portfolio").items() if name not in UNHEEDED}
    keys = [key for key in heeded.values() if len(swept.axes[key]) > 1]
    if not keys:
        return None
    codes = np.stack([swept.grid.codes[key] for key in keys])
    each, which = np.unique(codes, axis=1, return_inverse=True)
    portfolios = {key: [swept.axes[key][c] for c in each[k].tolist()] for k, key in enumerate(keys)}
    held = sweep(holding(swept.config), folder=folder, panel=swept.panel, portfolios=portfolios).table
    values = held.sort("portfolio")[swept.config.rank_by].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.asarray(values[which.reshape(-1)][swept.table["portfolio"].to_numpy()], np.float64)

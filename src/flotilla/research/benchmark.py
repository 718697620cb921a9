"""What a portfolio is held against: buying and holding all of its instruments, or something that is named.

Buying and holding is a portfolio of its own, on the same terms, with its costs. What is named is a price, or
another run (research/beside.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from flotilla.config import RunConfig, Scalar, at
from flotilla.model.arrays import Floats, Ints, Stamps
from flotilla.model.panel import Panel
from flotilla.portfolio.market import first_row
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


class _Bars(NamedTuple):
    """The bars of a portfolio that was not simulated, for something to be laid beside them."""

    config: RunConfig
    panel: Panel
    bars: Ints

    @property
    def equity(self) -> Floats:
        """Return what its cash is where it does nothing."""
        return np.full(len(self.bars), self.config.portfolio.cash)

    @property
    def ts(self) -> Stamps:
        """Return when each bar began."""
        return self.panel.ts_event[self.bars]


def held_by_each(swept: SweepResult, folder: Path | None = None, named: Any = None) -> Floats | None:
    """Return what a benchmark came to, in the measure that ranks, on each portfolio's own terms.

    float64[P] in the order of the table; None where no term that it heeds is swept: it is one for all. named:
    as `benchmark_for` takes it, without costs. A portfolio that begins later is held against what came of it
    from then on; NaN where that is not known.
    """
    heeds = {"start", "cash"} if named is not None else swept.grid.of("portfolio").keys() - UNHEEDED.keys()
    swept_too = {key for name, key in swept.grid.of("portfolio").items() if name in heeds}
    keys = [key for key in swept.axes if key in swept_too and len(swept.axes[key]) > 1]
    if not keys:
        return None
    codes = np.stack([swept.grid.codes[key] for key in keys])
    each, which = np.unique(codes, axis=1, return_inverse=True)
    portfolios = {key: [swept.axes[key][c] for c in each[k].tolist()] for k, key in enumerate(keys)}
    if named is None:
        held = sweep(holding(swept.config), folder=folder, panel=swept.panel, portfolios=portfolios).table
        values = held.sort("portfolio")[swept.config.rank_by].cast(pl.Float64).fill_null(np.nan).to_numpy()
    else:
        terms = [dict(zip(portfolios, one, strict=True)) for one in zip(*portfolios.values(), strict=True)]
        values = np.array([_named_from(swept, one, named, folder) for one in terms])
    return np.asarray(values[which.reshape(-1)][swept.table["portfolio"].to_numpy()], np.float64)


def _named_from(swept: SweepResult, terms: dict[str, Scalar], named: Any, folder: Path | None) -> float:
    """Return what is named came to on the bars of portfolios with these terms; NaN where it is not there."""
    config = at(swept.config, terms)
    bars = np.arange(first_row(swept.panel, config.portfolio), swept.panel.shape[0])
    given = isinstance(named, np.ndarray | list | tuple)  # an equity of the chosen portfolio's bars alone
    if given and len(named) != len(bars):
        return float("nan")
    return beside(_Bars(config, swept.panel, bars), named, folder).measures.get(swept.config.rank_by, np.nan)

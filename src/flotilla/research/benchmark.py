"""What a portfolio is held against: buying and holding all of its instruments, or something that is named.

Buying and holding is a portfolio of its own, on the same terms, with its costs. What is named is a price,
without costs: an instrument of the data, a file of prices, a frame or a panel of one instrument, or another
run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flotilla.errors import ConfigError, FlotillaError, UnknownName
from flotilla.kernel.portfolio import Terms, new_tally
from flotilla.model.panel import Panel
from flotilla.plugins import find
from flotilla.research.annual import bars_a_year, years_of
from flotilla.research.configure import panel_from
from flotilla.research.market import open_panel
from flotilla.research.measures import measures_of
from flotilla.research.report.data import HOLD
from flotilla.research.returns import returns_of
from flotilla.research.run import UNHEEDED, RunResult, benchmark_of, holding
from flotilla.research.sweep import SweepResult, sweep

Floats = NDArray[np.float64]
OF_EQUITY = ("final_equity", "total_return", "cagr", "volatility", "sharpe", "max_drawdown", "calmar")


class Benchmark(NamedTuple):
    """Something beside a portfolio, on its bars."""

    name: str
    equity: Floats  # [T] account currency, from the portfolio's starting cash; NaN before it has a price
    measures: dict[str, float]


def benchmark_for(result: RunResult, named: Any = None, folder: Path | None = None) -> Benchmark:
    """Return what a portfolio is held against.

    named: None for buying and holding; else an instrument of the data, the path of a file of prices, a pandas
    or polars frame or series, a Panel, or another RunResult. folder: where paths, and the user's own files,
    begin. ConfigError where it is none of these, or has no price on the portfolio's bars.
    """
    if named is None:
        hold = benchmark_of(result.config, folder, result.panel)
        return Benchmark(HOLD, hold.equity, hold.measures)
    if isinstance(named, RunResult):
        return _aligned(named.config.name, named.panel.ts_recv[named.bars], named.equity, result)
    panel = _panel(named, result, folder)
    if len(panel.instruments) != 1:
        have = ", ".join(panel.instruments[:5])
        raise ConfigError(f"a benchmark is one instrument; {panel.name} has {len(panel.instruments)}: {have}")
    return _aligned(panel.instruments[0], panel.ts_recv, panel.fields["close"][:, 0], result)


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


def _panel(named: Any, result: RunResult, folder: Path | None) -> Panel:
    """Return the prices that are meant, of one instrument if all is well."""
    if isinstance(named, Panel):
        return named
    if not isinstance(named, str | Path):
        return panel_from(named)
    text, mine = str(named), result.panel
    if text in mine.instruments:
        return mine.only([text])
    path = (folder or Path()) / text
    if path.is_file():
        suffix = path.suffix.lower().removeprefix(".")
        panel: Panel = find("source", "parquet" if suffix == "parquet" else "csv")(path=str(path)).panel()
        return panel
    data = msgspec.structs.replace(result.config.data, instruments=(text,))
    try:
        return open_panel(msgspec.structs.replace(result.config, data=data), folder)
    except FlotillaError as error:
        raise UnknownName("benchmark: no file is there, and no instrument", text, mine.instruments) from error


def _aligned(name: str, ts_recv: NDArray[np.int64], price: Floats, result: RunResult) -> Benchmark:
    """Return a price as an equity on a portfolio's bars: the last one known at each, without costs."""
    there = np.isfinite(price)
    when, price = ts_recv[there], price[there]
    rows = np.searchsorted(when, result.panel.ts_recv[result.bars], side="right") - 1
    known_ = rows >= 0
    if not known_.any():
        raise ConfigError(f"the benchmark {name} has no price on the bars of {result.config.name}")
    first = int(np.argmax(known_))
    cash = result.config.portfolio.cash
    equity = np.where(known_, cash * (price[rows] / price[rows[first]]), np.nan)
    return Benchmark(
        name, equity, _measures(equity[first:], result.ts[first:], bars_a_year(result.panel.ts_event))
    )


def _measures(equity: Floats, ts: NDArray[np.int64], a_year: float) -> dict[str, float]:
    """Return the measures of an equity curve that need nothing else, as those of a portfolio are computed."""
    r = returns_of(equity)
    start = equity[:1]
    tally = new_tally(Terms(start, *(np.ones(1) for _ in Terms._fields[1:])))._replace(
        equity=equity[-1:],
        total=np.array([r.sum()]),
        square=np.array([np.sum(r * r)]),
        drawdown=np.array([np.max(1.0 - equity / np.maximum.accumulate(equity))]),
    )
    found = measures_of(tally, start, len(equity), years_of(ts), a_year)
    return {name: float(found[name][0]) for name in OF_EQUITY}

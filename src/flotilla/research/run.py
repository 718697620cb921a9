"""One portfolio in full: equity, positions, orders, fills, and the signals behind each.

It goes bar by bar through the objects that a live process runs (portfolio/single.py), so what is seen here is
what live does, and, bit for bit, what a sweep computed for the same portfolio.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flotilla.config import RunConfig, StrategyConfig
from flotilla.model.arrays import Floats
from flotilla.model.panel import Panel
from flotilla.model.records import Fill, Order
from flotilla.portfolio.market import Market
from flotilla.portfolio.simulate import simulate
from flotilla.research.annual import bars_a_year, years_of
from flotilla.research.choice import one_of
from flotilla.research.configure import Strategy
from flotilla.research.look import RunLook
from flotilla.research.measures import measures_of
from flotilla.research.signals import signals_of
from flotilla.research.silence import crowded_in_run, flat_in_run, loud_in_run, short_in_run, silent_in_run
from flotilla.research.study import Study, check_store, opened, study_of
from flotilla.stage.expression import Node
from flotilla.stream.table import Store
from flotilla.words import counted

# Terms that buying and holding takes no notice of, and what stands in their place.
UNHEEDED: dict[str, Any] = {
    "allocation": None,
    "cap": 1.0,
    "max_drawdown": None,
    "decisions": None,
    "rebalance": "change",
}


@dataclass(frozen=True, eq=False)
class RunResult(RunLook):
    """What one portfolio did. T: the bars that it trades on; I: instruments."""

    config: RunConfig
    market: Market = field(repr=False)
    identity: str  # hex: equal identities are equal results
    bars: NDArray[np.int64]  # [T] their rows in the panel
    equity: Floats  # [T] account currency, at the close
    cash: Floats  # [T] account currency
    positions: Floats  # [T, I] units
    weights: Floats  # [T, I] the weights decided
    signals: dict[str, Floats]  # strategy -> [T, I], NaN no signal
    orders: list[Order]
    fills: list[Fill]
    measures: dict[str, float]
    remarks: tuple[str, ...] = ()  # what its reader must know, a sentence each: of the data, then of itself

    def __repr__(self) -> str:
        """Return a line for a notebook: all of its bars would fill screens."""
        bars, instruments = self.positions.shape
        return (
            f"RunResult({self.portfolio_id}: {counted(bars, 'bar')} of {counted(instruments, 'instrument')}, "
            f"{counted(len(self.fills), 'fill')}, final equity {self.equity[-1]:,.2f})"
        )

    @property
    def portfolio_id(self) -> str:
        """Return the id in the orders."""
        return self.config.name

    @property
    def panel(self) -> Panel:
        """Return the bars, warm-up included."""
        return self.market.panel

    @property
    def ts(self) -> NDArray[np.int64]:
        """Return when each bar began, int64[T], ns UTC."""
        return self.panel.ts_event[self.bars]

    @property
    def exposure(self) -> Floats:
        """Return the invested fraction of equity, float64[T]."""
        return (self.equity - self.cash) / self.equity

    def frame(self) -> pl.DataFrame:
        """Return a row for each bar: ts, equity, cash, exposure, return, and each instrument's units.

        An instrument that is called as one of the others has " (units)" after its name.
        """
        columns: dict[str, Any] = {
            "ts": pl.Series(self.ts).cast(pl.Datetime("ns", "UTC")),
            "equity": self.equity,
            "cash": self.cash,
            "exposure": self.exposure,
            "return": self.returns,
        }
        names = [f"{name} (units)" if name in columns else name for name in self.panel.instruments]
        return pl.DataFrame(columns | {name: self.positions[:, i].copy() for i, name in enumerate(names)})


def run(
    config: RunConfig | Path | Strategy,
    panel: Panel | None = None,
    *,
    portfolio: Any = None,
    folder: Path | None = None,
    store: Store | None = None,
    **asked: Any,
) -> RunResult:
    """Simulate one portfolio and return all it did.

    config: a configuration without a sweep, the path of one, or a strategy, as `configure` takes it with the
    keywords `asked`: run("ma_cross", params={"fast": 10}). portfolio: its number in a sweep, or its name
    among several; None where there is one alone. folder: where the user's own files are looked
    for first (the file's own folder by default). panel: bars to use in place of the configuration's source.
    store: where Python stages keep their rows; None computes them anew.
    """
    if isinstance(portfolio, Mapping):  # terms, whose place is told
        portfolio, asked = None, {**asked, "portfolio": portfolio}
    config, folder = opened(config, folder, asked)
    check_store(store)
    config = one_of(config, portfolio)
    study = study_of(config, folder, panel)
    trees = study.trees()
    market, identity = study.market(), study.identity(trees.values())
    signals = signals_of(trees, study.stages(market, store))
    result = _simulated(config, market, signals, identity)
    return replace(result, remarks=(*study.remarks(), *_remarks(study, trees, result)))


def _remarks(study: Study, trees: Mapping[str, Node], result: RunResult) -> tuple[str, ...]:
    """Return what must be known of a result itself: what was not said, not done, or cut down."""
    said, strategies = result.signals, len(study.config.strategies)
    return (
        *silent_in_run(trees, said, study.panel.shape[0]),
        *flat_in_run(said, len(result.orders)),
        *short_in_run(said, strategies),
        *loud_in_run(said, strategies),
        *crowded_in_run(result.weights),
    )


def benchmark_of(
    config: RunConfig | RunResult | Path | Strategy, folder: Path | None = None, panel: Panel | None = None
) -> RunResult:
    """Return what the same cash did when all instruments were bought in equal parts and held.

    config: of the portfolio, as `run` takes it; or its result, whose bars are taken, too.
    """
    if isinstance(config, RunResult):
        return run(holding(config.config), folder=folder, panel=config.panel if panel is None else panel)
    config, folder = opened(config, folder)
    return run(holding(config), folder=folder, panel=panel)


def holding(config: RunConfig) -> RunConfig:
    """Return the configuration that buys all instruments in equal parts and holds them, on the same terms."""
    return msgspec.structs.replace(
        config,
        name="buy-and-hold",
        strategies={"hold": StrategyConfig("buy_and_hold")},
        portfolio=msgspec.structs.replace(config.portfolio, **UNHEEDED),
        sweep={},
    )


def _simulated(config: RunConfig, market: Market, signals: dict[str, Floats], identity: str) -> RunResult:
    """Take the bars one by one."""
    done = simulate(market, config.name, config.portfolio, config.weights, signals)
    years, a_year = years_of(market.panel.ts_event[done.bars]), bars_a_year(market.panel.ts_event)
    measures = measures_of(done.sums, np.array([config.portfolio.cash]), len(done.bars), years, a_year)
    return RunResult(
        config=config,
        market=market,
        identity=identity,
        signals={name: said[market.first :] for name, said in signals.items()},
        measures={name: float(value[0]) for name, value in measures.items()},
        **{name: value for name, value in done._asdict().items() if name != "sums"},
    )

"""Portfolios of a sweep that pass through the rows together, and who takes them there.

A sweep is cut into parts, one for each choice of the terms that lanes share (research/grid.py). A part is a
pure function of its study, its grid and its members, so a thread, another process, another host or a device
may compute it, with the same bits.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from flotilla.config import RunConfig, Scalar, at
from flotilla.model.arrays import Floats, Ints
from flotilla.plugins import handed
from flotilla.portfolio.lanes import NOWHERE, LaneDriver
from flotilla.portfolio.market import Market
from flotilla.research.annual import bars_a_year, years_of
from flotilla.research.grid import SHARED, Grid, families, period_of
from flotilla.research.measures import measures_of
from flotilla.research.signals import naming
from flotilla.research.study import Study
from flotilla.stage.lanes import Choice, Swept, plan_lanes, tree_of
from flotilla.stream.table import Store


class Part(NamedTuple):
    """Some portfolios of a grid. P: how many."""

    study: Study  # with the terms that they share
    grid: Grid
    members: Ints  # [P] their numbers, in lane order

    def trees(self) -> dict[str, Swept]:
        """Return each strategy's tree for these portfolios."""
        trees = {}
        for name, target in self.study.targets.items():
            strategy, swept = self.study.config.strategies[name], self.grid.of(name)
            params = {p: self._column(key) for p, key in swept.items() if p != "weight"}
            with naming(name, strategy, target):
                trees[name] = tree_of(target, {**handed(strategy.params), **params}, name)
        return trees

    def shares(self) -> dict[str, Floats]:
        """Return each strategy's weight in the mean of all, float64[P]."""
        shares = {}
        for name, strategy in self.study.config.strategies.items():
            swept = self.grid.of(name)
            weight = self._column(swept["weight"]) if "weight" in swept else strategy.weight
            shares[name] = np.broadcast_to(np.asarray(weight, np.float64), len(self.members))
        return shares

    def driver(self, market: Market, store: Store | None = None, edges: Ints = NOWHERE) -> LaneDriver:
        """Return who takes them through the rows of a market, with a sheet at each of the edges."""
        trees = list(self.trees().values())
        lanes = period_of(self.grid, self.members)
        plan = plan_lanes(trees, list(self.shares().values()), lanes, len(market.panel.instruments))
        own = self.grid.of("portfolio").items()
        terms = {name: self._column(key) for name, key in own if name not in SHARED}
        stages = self.study.stages(market, store)
        features = stages.replace(plan.features)
        for tree in trees:
            for form in tree.forms if isinstance(tree, Choice) else [tree]:
                stages.check(form)
        return LaneDriver(plan, features, stages.fields, self.study.config.portfolio, terms, market, edges)

    def _column(self, key: str) -> NDArray[Any]:
        return self.grid.column(key)[self.members]


def whole_sweep(study: Study, grid: Grid) -> Part:
    """Return all portfolios of a grid as one part, by their numbers."""
    return Part(study, grid, np.arange(grid.size))


def parts_of(study: Study, grid: Grid) -> list[Part]:
    """Return the portfolios of a grid as parts that can each be one pass."""
    return [
        Part(study.with_config(_with(study.config, shared)), grid, members)
        for shared, members in families(grid)
    ]


def measured_in(driver: LaneDriver, market: Market) -> dict[str, Floats]:
    """Return the measures of portfolios that passed through the rows of a market, float64[P] each."""
    times = market.panel.ts_event[market.first :]
    a_year = bars_a_year(market.panel.ts_event)
    return measures_of(driver.sums(), driver.cash, len(times), years_of(times), a_year)


def _with(config: RunConfig, shared: dict[str, Scalar]) -> RunConfig:
    """Return the configuration with the terms that a part shares."""
    if not shared:
        return config
    portfolio = at(config, {f"portfolio.{name}": value for name, value in shared.items()}).portfolio
    return msgspec.structs.replace(config, portfolio=portfolio)

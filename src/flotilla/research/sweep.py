"""Thousands of portfolios at once, ranked.

1. Lay out the portfolios as columns of parameters (research/grid.py).
2. Call each strategy once and plan what is shared and what each lane computes (stage/lanes.py).
3. Pass all portfolios through the rows together (portfolio/lanes.py), noting down now and then how far
   they are.
4. Rank them by a measure, and keep the table under its identity: the same sweep is not computed again.

A sweep keeps the measures of every portfolio and the detail of none; `SweepResult.config_of` names a
portfolio that `run` simulates again in a moment, with the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flotilla.clock import monotonic_ns
from flotilla.config import RunConfig, Scalar, as_dict, at, decode
from flotilla.errors import ConfigError, StreamError, UnknownName
from flotilla.model.measures import MEASURES, RANKED
from flotilla.model.panel import Panel
from flotilla.portfolio.lanes import LaneDriver
from flotilla.portfolio.market import first_row
from flotilla.portfolio.memory import check_room
from flotilla.research.checkpoint import CHECKPOINT_S, Checkpoint
from flotilla.research.choice import one_of
from flotilla.research.configure import Strategy
from flotilla.research.grid import MOST, Grid, grid_of, table_bytes
from flotilla.research.look import SweepLook, measured, number_of, numbers_of, ranked_by
from flotilla.research.market import fields_of
from flotilla.research.part import measured_in, parts_of, whole_sweep
from flotilla.research.plain import columns_of
from flotilla.research.run import RunResult, run
from flotilla.research.signals import Stages, signals_of
from flotilla.research.silence import idle_in_sweep, loud_in_run, short_in_run
from flotilla.research.study import Study, check_store, opened, study_of
from flotilla.stage.expression import walk
from flotilla.stream.table import Store, identity_of
from flotilla.words import counted, cut

AT_ONCE = 4_096  # portfolios whose equity is looked at together
Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class SweepResult(SweepLook):
    """What every portfolio of a sweep came to."""

    study: Study = field(repr=False)
    grid: Grid = field(repr=False)
    table: pl.DataFrame  # best first: "portfolio" (its number), a column for each axis, the measures
    identity: str  # hex: equal identities are equal tables
    seconds: float  # that it took; of a reused table, to read it
    reused: bool  # it was in the store
    resumed: bool  # it went on where one was stopped, so `seconds` are not those of the whole
    bytes: int  # memory that it was predicted to take, bars and table included; 0 for a reused table
    remarks: tuple[str, ...] = ()  # what its reader must know, a sentence each: of the data, then of itself

    @property
    def config(self) -> RunConfig:
        """Return what was swept, with its axes."""
        return self.study.config

    @property
    def panel(self) -> Panel:
        """Return the bars."""
        return self.study.panel

    @property
    def folder(self) -> Path | None:
        """Return where the user's own files are looked for first."""
        return self.study.folder

    def __repr__(self) -> str:
        """Return a line for a notebook: `table` has the rest."""
        portfolios = counted(self.grid.size, "portfolio")
        return (
            f"SweepResult({self.config.name}: {portfolios} by {self.config.rank_by}, "
            f"{self.seconds:.1f} s{', from the store' if self.reused else ''})"
        )

    @property
    def axes(self) -> dict[str, tuple[Scalar, ...]]:
        """Return what was swept: key -> its values."""
        return self.grid.axes

    def config_of(self, portfolio: int) -> RunConfig:
        """Return the configuration of one portfolio, by its number; `run` takes it."""
        portfolio = number_of(portfolio)
        if not 0 <= portfolio < self.grid.size:
            raise ConfigError(
                f"there is no portfolio {portfolio}: {self.config.name} has 0 to {self.grid.size - 1}"
            )
        return at(self.config, self.grid.values(portfolio))

    def result(self, portfolio: int) -> RunResult:
        """Return one portfolio in full, by its number."""
        return run(self.config_of(portfolio), folder=self.folder, panel=self.panel)

    def equity(self, portfolios: Any = None) -> NDArray[np.float64]:
        """Return the equity of portfolios, by their numbers, or of all: float64[T, P], account currency.

        portfolios: numbers, or rows of the table, as best(3); None is all.
        T: the panel's bars; NaN on those before `portfolio.start`. P: as they are asked for. They pass
        through the rows together, as the sweep did, with the same bits. ConfigError where it would take more
        memory than there is.
        """
        chosen = np.arange(self.grid.size) if portfolios is None else numbers_of(portfolios)
        for portfolio in chosen[(chosen < 0) | (chosen >= self.grid.size)].tolist():
            self.config_of(portfolio)  # says which there are
        return _equity(self, chosen)

    def ranked_by(
        self, measure: str | Callable[[NDArray[np.float64]], float], *, lower: bool = False
    ) -> pl.DataFrame:
        """Return the table ranked by another measure, or by one's own: a function of equity, float64[T].

        lower: the least is the best.
        """
        if isinstance(measure, str):
            if measure not in MEASURES or measure not in self.table.columns:
                raise UnknownName("measure of a sweep", measure, RANKED)
            return self.table[_ranking(self.table, measure)]
        if not callable(measure):
            raise ConfigError(f"a measure is a name or a function of equity, it is {cut(measure)}")
        values: dict[int, float] = {}
        for first in range(0, self.grid.size, AT_ONCE):
            numbers = np.arange(first, min(first + AT_ONCE, self.grid.size))
            equity = self.equity(numbers)
            for column, number in enumerate(numbers.tolist()):
                mine = equity[:, column]
                values[number] = measured(measure, number, mine[~np.isnan(mine)])
        return ranked_by(self.table, measure, values, lower)


def sweep(
    config: RunConfig | Path | Strategy,
    panel: Panel | None = None,
    *,
    folder: Path | None = None,
    portfolios: Any = None,
    workers: int | None = None,
    store: Store | None = None,
    fresh: bool = False,
    checkpoint_s: float = CHECKPOINT_S,
    progress: Progress | None = None,
    **asked: Any,
) -> SweepResult:
    """Simulate every portfolio of a configuration's sweep and rank them.

    config: a configuration, its path, or a strategy, as `configure` takes it with the keywords `asked`.
    portfolios: a list of portfolios in place of the configuration's product: key -> a value for each, a list
    of dicts, or a frame, as another sweep's best().
    workers: threads, one a processor by default. store: where tables and checkpoints are kept; None keeps
    nothing. fresh: compute although it is stored, or was begun. progress: told rows done and rows there are.
    """
    began = monotonic_ns()
    config, folder = opened(config, folder, asked)
    _check(workers, store)
    config = config if config.sweep or portfolios is not None else one_of(config, None)
    study = study_of(config, folder, panel)
    grid = _grid(config, folder, portfolios)
    remarks = study.with_config(msgspec.structs.replace(config, sweep=grid.axes)).remarks()
    identity = _identity(study, grid, portfolios is not None)
    found = store.take(identity) if store and not fresh else None
    if found is not None:
        table, size, resumed, lost = pl.DataFrame(pl.from_arrow(found)), 0, False, list[str]()
    else:
        keeping = _Keeping(store, identity, fresh, checkpoint_s)
        table, size, resumed, lost = _computed(study, grid, workers, keeping, progress)
        if store:
            recipe = {"kind": "sweep", "config": as_dict(config), "panel": study.panel.identity}
            try:
                store.put(identity, table.to_arrow(), recipe)
            except StreamError as error:  # what was computed is shown all the same
                lost.append(f"the table is not kept: {error}")
    ranked = table[_ranking(table, config.rank_by)]
    idle = idle_in_sweep(whole_sweep(study, grid), table["orders"].to_list())
    best = study.with_config(at(config, grid.values(int(ranked["portfolio"][0]))))
    remarks = (*remarks, *lost, *idle, *_cut_down_in_best(best))
    seconds = (monotonic_ns() - began) * 1e-9
    return SweepResult(study, grid, ranked, identity, seconds, found is not None, resumed, size, remarks)


def _check(workers: Any, store: Any) -> None:
    """Raise ConfigError where workers are no number of threads, or the store is none."""
    if workers is not None and (not isinstance(workers, int) or workers < 1):
        raise ConfigError(f"workers should be 1 or more, it is {cut(workers)}")
    check_store(store)


def _cut_down_in_best(best: Study) -> tuple[str, ...]:
    """Return what is said of the best portfolio's strategies if a cash account cannot follow them.

    Of expressions, which cost next to nothing for one portfolio; somebody's Python is not run once more.
    """
    trees = {n: t for n, t in best.trees().items() if all(b.op != "stage" for b in walk([t]))}
    if not trees:
        return ()
    said = signals_of(trees, Stages(best.panel, fields_of(best.panel), None, best.folder))
    first, count = first_row(best.panel, best.config.portfolio), len(best.config.strategies)
    traded = {name: signals[first:] for name, signals in said.items()}
    told = (*short_in_run(traded, count), *loud_in_run(traded, count))
    return tuple(f"in the best portfolio {sentence}" for sentence in told)


def _grid(config: RunConfig, folder: Path | None, portfolios: Any) -> Grid:
    """Return the portfolios of a sweep. A list of them is checked as a file's axes are."""
    if portfolios is None:
        axes = config.axes()
        count = prod(len(values) for values in axes.values())
        if count <= MOST:  # of more, how many there may be is said
            check_room(table_bytes(count, len(axes)), f"a table of {count:,} portfolios", "sweep parts of it")
        return grid_of(config, None)
    grid = grid_of(config, columns_of(portfolios, config, folder))
    swept = as_dict(config) | {"sweep": {key: list(values) for key, values in grid.axes.items()}}
    checked, _ = opened(decode(swept, config.name), folder)
    return grid._replace(axes=checked.axes())


def _ranking(table: pl.DataFrame, measure: str) -> NDArray[np.int64]:
    """Return the rows from the best to the worst; equal ones by their number, those without a value last."""
    values = table[measure].cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.lexsort([table["portfolio"].to_numpy(), values if MEASURES[measure].lower else -values])


def _identity(study: Study, grid: Grid, listed: bool) -> str:
    """Return the name of the table: of the configuration, and of the list of portfolios if there is one."""
    config = msgspec.structs.replace(study.config, sweep=grid.axes) if listed else study.config
    identity = study.with_config(config).identity(whole_sweep(study, grid).trees().values())
    if not listed:
        return identity
    columns = {key: list(values) for key, values in grid.axes.items()}
    codes = [blake2b(grid.codes[key].tobytes(), digest_size=16).hexdigest() for key in grid.axes]
    return identity_of("sweep of a list", "", columns, [identity, *codes])


class _Keeping(NamedTuple):
    """Where a sweep notes down how far it is."""

    store: Store | None
    identity: str
    fresh: bool
    checkpoint_s: float


def _computed(
    study: Study, grid: Grid, workers: int | None, keeping: _Keeping, progress: Progress | None
) -> tuple[pl.DataFrame, int, bool, list[str]]:
    """Return the table in the portfolios' order, the largest pass's memory, if one was resumed, remarks."""
    parts = parts_of(study, grid)
    measures = {name: np.empty(grid.size) for name in RANKED}
    size, resumed, lost = 0, False, list[str]()
    for n, part in enumerate(parts):
        market = part.study.market()
        driver = part.driver(market, keeping.store)
        size = max(size, driver.predicted_bytes() + table_bytes(grid.size, len(grid.axes)))
        checkpoint = Checkpoint(keeping.store, f"{keeping.identity}-{n}", keeping.checkpoint_s)
        if not keeping.fresh:
            checkpoint.resume(driver)
            resumed = resumed or driver.done > 0

        def arrived(
            rows: int, n: int = n, driver: LaneDriver = driver, kept: Checkpoint = checkpoint
        ) -> None:
            kept.save_if_due(driver)
            if progress:
                progress(n * driver.rows + rows, len(parts) * driver.rows)

        driver.advance(workers or os.cpu_count() or 1, arrived)
        for name, values in measured_in(driver, market).items():
            measures[name][part.members] = values
        checkpoint.remove()
        lost += [f"no checkpoint was kept: {checkpoint.lost}"] * bool(checkpoint.lost)
    columns = {key: _plain(grid.column(key)) for key in grid.axes}
    numbers = {"portfolio": np.arange(grid.size)}
    table = pl.DataFrame(numbers | columns | measures, nan_to_null=True)
    return table, size, resumed, lost


def _plain(column: NDArray[Any]) -> Any:
    return column.tolist() if column.dtype == object else column


def _equity(swept: SweepResult, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the equity of chosen portfolios, float64[T, P], noted down row by row."""
    rows = swept.panel.shape[0]
    what = f"the equity of {len(chosen):,} portfolios on {rows:,} bars"
    # A sheet has three sums, and equity is put side by side, and then in its place.
    check_room(5 * rows * len(chosen) * 8, what, "name fewer, as equity([3, 7])")
    grid = Grid(swept.grid.axes, {key: codes[chosen] for key, codes in swept.grid.codes.items()})
    found = np.full((rows, len(chosen)), np.nan)
    for part in parts_of(swept.study, grid) if len(chosen) else ():
        market = part.study.market()
        driver = part.driver(market, edges=np.arange(market.first, rows))
        driver.advance(1)
        equity = np.concatenate([sheet.equity for sheet in driver.sheets], axis=1)
        found[market.first :, part.members] = equity
    return found

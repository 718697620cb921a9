"""Fill a report from results: what was done, what it is compared with, what was assumed."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from heapq import nlargest
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec.structs import asdict

from flotilla.clock import now_ns
from flotilla.config import RunConfig
from flotilla.errors import ConfigError
from flotilla.kernel.compile import KERNEL_IDENTITY
from flotilla.model.arrays import Floats
from flotilla.model.terms import PortfolioConfig
from flotilla.plugins import parameters
from flotilla.research.annual import bars_a_year
from flotilla.research.benchmark import benchmark_for, held_by_each
from flotilla.research.periods import wall_clock
from flotilla.research.profit import Contribution, contributions
from flotilla.research.report import NOT_MODELLED, ReportData, SweepData, assumptions_of
from flotilla.research.returns import returns_stats
from flotilla.research.run import RunResult
from flotilla.research.signals import targets_of
from flotilla.research.stats import stats_of
from flotilla.research.sweep import SweepResult
from flotilla.research.trips import Trips, trips_of
from flotilla.words import cut

SURVIVORS = (
    "Survivorship",
    "The sample's stocks were chosen in 2022, among those that had lasted: whoever traded in 1990 did not "
    "know which would. Every return on it is flattered.",
)
PICTURED = 4  # instruments whose prices are drawn
LIBRARIES = ("numpy", "numba", "polars", "pyarrow")


def report_data(
    result: RunResult,
    swept: SweepResult | None = None,
    folder: Path | None = None,
    command: str = "",
    benchmark: Any = None,
) -> ReportData:
    """Return all that a report says of a run, and of the sweep that it was chosen from.

    folder: where the user's own files, and paths, begin. benchmark: what it is held against, as
    `benchmark_for` takes it: an instrument, a file of prices, a frame or series; None for buying and holding.
    """
    _check(result, swept)
    config, panel = result.config, result.panel
    beside = benchmark_for(result, benchmark, folder)
    a_year = bars_a_year(panel.ts_event)
    trips, parts = _trips(result), _parts(result)
    given, defaults = _settings(config, folder)
    return ReportData(
        name=config.name,
        identity=result.identity,
        created_ns=now_ns(),
        ts=result.ts,
        equity=result.equity,
        measures=result.measures,
        description=_description(config, folder),
        data=panel.name,
        instruments=panel.instruments,
        parameters={**defaults, **given},
        told=_told(given, defaults, swept),
        benchmark=beside.equity,
        benchmark_name=beside.name,
        benchmark_measures=beside.measures,
        statistics=stats_of(result.ts, result.equity, result.fills, a_year, beside.equity, panel.zone),
        benchmark_statistics=returns_stats(wall_clock(result.ts, panel.zone), beside.equity, a_year),
        a_year=a_year,
        zone=panel.zone,
        exposure=result.exposure,
        orders=len(result.orders),
        fills=result.fills,
        trips=trips,
        contributions=parts,
        prices=_prices(result, parts),
        sweep=_swept(swept, folder, benchmark) if swept else None,
        assumptions=assumptions_of(asdict(config.portfolio), len(panel.instruments), panel.fields),
        not_modelled=(*NOT_MODELLED, SURVIVORS) if panel.name == "sample" else NOT_MODELLED,
        remarks=tuple(dict.fromkeys((*(swept.remarks if swept else ()), *result.remarks))),
        lineage=_lineage(result, swept),
        command=command,
    )


def _check(result: Any, swept: Any) -> None:
    """Raise ConfigError where something else stands in the place of a result."""
    if not isinstance(result, RunResult):
        more = "; of a sweep, report_data(swept.result(0), swept)" if isinstance(result, SweepResult) else ""
        raise ConfigError(
            f"report_data needs a RunResult, as run(config) returns it, not {cut(result)}{more}"
        )
    if not isinstance(swept, SweepResult | None):
        raise ConfigError(f"swept should be the SweepResult that the run is of, it is {cut(swept)}")


def _settings(config: RunConfig, folder: Path | None) -> tuple[dict[str, object], dict[str, object]]:
    """Return every parameter of a configuration as it is, and what each is by default where it has one."""
    given: dict[str, object] = {}
    defaults: dict[str, object] = {}
    for name, target in targets_of(config, folder).items():
        strategy = config.strategies[name]
        takes = parameters(target).values()
        defaults |= {f"{name}.{p.name}": p.default for p in takes if not p.required}
        given |= {f"{name}.{key}": value for key, value in strategy.params.items()}
        given[f"{name}.weight"], defaults[f"{name}.weight"] = strategy.weight, 1.0
    usual = msgspec.to_builtins(PortfolioConfig())
    defaults |= {f"portfolio.{name}": value for name, value in usual.items()}
    given |= {f"portfolio.{name}": v for name, v in msgspec.to_builtins(config.portfolio).items()}
    return given, defaults


def _told(
    given: dict[str, object], defaults: dict[str, object], swept: SweepResult | None
) -> tuple[str, ...]:
    """Return the parameters that a reader wants to see first: what is swept, or is not as by default."""
    axes, missing = swept.axes if swept else {}, object()
    return tuple(name for name, v in given.items() if name in axes or defaults.get(name, missing) != v)


def _description(config: RunConfig, folder: Path | None) -> str:
    """Return the first line of what each strategy says of itself; one of weight 0 does not trade."""
    trading = {n: t for n, t in targets_of(config, folder).items() if config.strategies[n].weight > 0.0}
    words = [(target.__doc__ or "").strip().partition("\n")[0] for target in trading.values()]
    return " ".join(words).replace("`", "")


def _trips(result: RunResult) -> Trips:
    marks = result.market.marks[result.bars[-1]].tolist()
    return trips_of(result.fills, dict(zip(result.panel.instruments, marks, strict=True)))


def _parts(result: RunResult) -> list[Contribution]:
    marks = result.market.marks[result.bars]
    return contributions(result.panel.instruments, result.fills, result.positions, marks, result.equity)


def _prices(result: RunResult, parts: Sequence[Contribution]) -> dict[str, Floats]:
    """Return the closes of the instruments that earned or lost most, float64[T] each."""
    traded = [part for part in parts if part.fills]
    most = nlargest(PICTURED, traded, key=lambda part: abs(part.profit))
    column = {name: i for i, name in enumerate(result.panel.instruments)}
    closes = {p.instrument: result.market.close[result.bars, column[p.instrument]] for p in most}
    return {name: close for name, close in closes.items() if np.isfinite(close).any()}


def _swept(swept: SweepResult, folder: Path | None, benchmark: Any) -> SweepData:
    held = held_by_each(swept, folder, benchmark)
    return SweepData(swept.axes, swept.table, swept.config.rank_by, held)


def _lineage(result: RunResult, swept: SweepResult | None) -> dict[str, str]:
    """Return the identities of what went in, and the versions of what computed it."""
    lineage = {"data": result.panel.identity, "run": result.identity, "kernels": KERNEL_IDENTITY}
    if swept:
        lineage["sweep"] = swept.identity
    lineage["python"] = platform.python_version()
    return lineage | {name: version(name) for name in LIBRARIES}

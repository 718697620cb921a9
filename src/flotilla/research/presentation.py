"""Fill a report from results: what was done, what it is compared with, what was assumed."""

from __future__ import annotations

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from flotilla.clock import now_ns
from flotilla.kernel.compile import KERNEL_IDENTITY
from flotilla.plugins import parameters
from flotilla.research.benchmark import benchmark_for, held_by_each
from flotilla.research.report import NOT_MODELLED, ReportData, SweepData, assumptions_of
from flotilla.research.run import RunResult
from flotilla.research.signals import targets_of
from flotilla.research.sweep import SweepResult

SURVIVORS = (
    "Survivorship",
    "The sample's stocks were chosen in 2022, among those that had lasted: whoever traded in 1990 did not "
    "know which would. Every return on it is flattered.",
)
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
    config, panel = result.config, result.panel
    beside = benchmark_for(result, benchmark, folder)
    targets = targets_of(config, folder)
    told = {f"{name}.{k}": v for name, s in config.strategies.items() for k, v in s.params.items()}
    defaults = {
        f"{name}.{p.name}": p.default
        for name, target in targets.items()
        for p in parameters(target).values()
        if not p.required
    }
    terms = {f"portfolio.{name}": value for name, value in msgspec.to_builtins(config.portfolio).items()}
    weights = {f"{name}.weight": s.weight for name, s in config.strategies.items()}
    words = [(target.__doc__ or "").strip().partition("\n")[0] for target in targets.values()]
    return ReportData(
        name=config.name,
        identity=result.identity,
        created_ns=now_ns(),
        ts=result.ts,
        equity=result.equity,
        measures=result.measures,
        description=" ".join(words).replace("`", ""),
        data=panel.name,
        instruments=panel.instruments,
        parameters={**defaults, **told, **weights, **terms},
        benchmark=beside.equity,
        benchmark_name=beside.name,
        benchmark_measures=beside.measures,
        exposure=result.exposure,
        orders=len(result.orders),
        fills=result.fills,
        sweep=_swept(swept, folder, benchmark) if swept else None,
        assumptions=assumptions_of(
            msgspec.structs.asdict(config.portfolio), len(panel.instruments), panel.fields
        ),
        not_modelled=(*NOT_MODELLED, SURVIVORS) if panel.name == "sample" else NOT_MODELLED,
        remarks=tuple(dict.fromkeys((*(swept.remarks if swept else ()), *result.remarks))),
        lineage=_lineage(result, swept),
        command=command,
    )


def _swept(swept: SweepResult, folder: Path | None, benchmark: Any) -> SweepData:
    held = held_by_each(swept, folder) if benchmark is None else None
    return SweepData(swept.axes, swept.table, swept.config.rank_by, held)


def _lineage(result: RunResult, swept: SweepResult | None) -> dict[str, str]:
    """Return the identities of what went in, and the versions of what computed it."""
    lineage = {"data": result.panel.identity, "run": result.identity, "kernels": KERNEL_IDENTITY}
    if swept:
        lineage["sweep"] = swept.identity
    lineage["python"] = platform.python_version()
    return lineage | {name: version(name) for name in LIBRARIES}

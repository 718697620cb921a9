"""`flotilla run`: one portfolio in full."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from flotilla.cli import say
from flotilla.cli.choose import one_of
from flotilla.cli.compiler import waits_for
from flotilla.cli.runs import keep
from flotilla.cli.waiting import told_where
from flotilla.config import RunConfig, read
from flotilla.kernel.bar import portfolio_bar
from flotilla.model.measures import MEASURES
from flotilla.model.panel import Panel
from flotilla.research import RunResult
from flotilla.research import run as simulate
from flotilla.research.annual import bars_a_year
from flotilla.research.benchmark import benchmark_for
from flotilla.research.beside import Benchmark
from flotilla.research.report.data import HOLD
from flotilla.research.report.numbers import day, shown
from flotilla.research.report.verdict import sentence
from flotilla.research.signals import targets_of, trees_of
from flotilla.research.stats import stats_of
from flotilla.stage.plan import plan as plan_of
from flotilla.stream.table import Store
from flotilla.words import counted


def run(
    config: Path,
    /,
    *,
    portfolio: int | None = None,
    plan: bool = False,
    benchmark: str | None = None,
    full: bool = False,
    json: bool = False,
) -> None:
    """Simulate one portfolio, and say what it came to beside buying and holding, or what is named."""
    chosen = one_of(read(config), portfolio)
    if plan:
        told = str(plan_of(list(trees_of(chosen, targets_of(chosen, config.parent)).values())))
        say.show_json({"portfolio": chosen.name, "plan": told.splitlines()}) if json else say.show(told)
        return
    result = simulated(chosen, config.parent)
    beside = benchmark_for(result, benchmark, config.parent)
    if json:
        say.show_json(as_dict(result, beside, full))
        keep(chosen, config.parent, "run")
        return
    say.remarks(*result.remarks)
    span = f"{day(int(result.ts[0]))} to {day(int(result.ts[-1]))}, {counted(len(result.ts), 'bar')}"
    say.show(say.title(f"{result.portfolio_id}: {span}"), measures(result, beside, full))
    # After it is shown: a disk that is full loses nothing that was computed.
    keep(chosen, config.parent, "run")
    again = [config] if portfolio is None else [config, "--portfolio", portfolio]
    next_steps = [(say.command("report", *again), "the whole picture, on one page")]
    if result.orders:
        next_steps.append((say.command("why", result.orders[-1].order_id), "why its last order is there"))
    next_steps.append((say.command("live", "--replay", *again), "the same bars, through live processes"))
    say.note(say.steps(*next_steps))


def simulated(config: RunConfig, plugins: Path | None, panel: Panel | None = None) -> RunResult:
    """Return one portfolio in full. plugins: folder of the user's own files."""
    if waits := waits_for(portfolio_bar):
        say.note(f"simulating {config.name} ... {waits}")
    with told_where():
        return simulate(config, folder=plugins, panel=panel, store=Store())


def measures(result: RunResult, beside: Benchmark, full: bool = False) -> Table:
    """Return what a portfolio came to, beside its benchmark, as a table; `full`: with all statistics."""
    made = say.table("", f">{result.portfolio_id}", f">{sentence(beside.name)}")
    for name, value in {**result.measures, **(statistics(result, beside) if full else {})}.items():
        measure, held = MEASURES[name], beside.measures.get(name)
        against = "" if held is None else shown(held, measure.unit)
        made.add_row(measure.title, shown(value, measure.unit), against)
    return made


def statistics(result: RunResult, beside: Benchmark) -> dict[str, float]:
    """Return the statistics that only a portfolio in full has, with those beside its benchmark."""
    panel = result.panel
    a_year = bars_a_year(panel.ts_event)
    return stats_of(result.ts, result.equity, result.fills, a_year, beside.equity, panel.zone)


def as_dict(result: RunResult, beside: Benchmark, full: bool) -> dict[str, object]:
    """Return a result as plain values; `full`: with all that it did."""
    told: dict[str, object] = {
        "portfolio": result.portfolio_id,
        "identity": result.identity,
        "first_bar": day(int(result.ts[0])),
        "last_bar": day(int(result.ts[-1])),
        "bars": len(result.ts),
        "measures": result.measures,
        "statistics": statistics(result, beside),
        "benchmark": {"name": beside.name, "measures": beside.measures},
        **({"buy_and_hold": beside.measures} if beside.name == HOLD else {}),
        "orders": len(result.orders),
        "fills": len(result.fills),
        "remarks": result.remarks,
    }
    if full:
        told |= {"orders": result.orders, "fills": result.fills, "ts": result.ts, "equity": result.equity}
    return told

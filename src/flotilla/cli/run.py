"""`flotilla run`: one portfolio in full."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table

from flotilla.cli import say
from flotilla.cli.choose import one_of
from flotilla.cli.compiler import waits_for
from flotilla.cli.runs import keep
from flotilla.config import RunConfig, read
from flotilla.kernel.decide import decide
from flotilla.model.measures import MEASURES
from flotilla.model.panel import Panel
from flotilla.research import RunResult, benchmark_of
from flotilla.research import run as live_through
from flotilla.research.report.numbers import day, shown
from flotilla.research.signals import trees_of
from flotilla.stage.plan import plan as plan_of
from flotilla.stream.table import Store
from flotilla.words import counted


def run(
    config: Path,
    /,
    *,
    portfolio: int | None = None,
    plan: bool = False,
    full: bool = False,
    json: bool = False,
) -> None:
    """Live one portfolio through its data, and say what it came to beside buying and holding."""
    chosen = one_of(read(config), portfolio)
    if plan:
        told = str(plan_of(list(trees_of(chosen, config.parent).values())))
        say.show_json({"portfolio": chosen.name, "plan": told.splitlines()}) if json else say.show(told)
        return
    result = lived(chosen, config.parent)
    hold = benchmark_of(chosen, config.parent, result.panel)
    keep(chosen, config.parent, "run")
    if json:
        say.show_json(as_dict(result, hold, full))
        return
    say.remarks(*result.remarks)
    span = f"{day(int(result.ts[0]))} to {day(int(result.ts[-1]))}, {counted(len(result.ts), 'bar')}"
    say.show(say.title(f"{result.portfolio_id}: {span}"), measures(result, hold))
    again = [config] if portfolio is None else [config, "--portfolio", portfolio]
    next_steps = [(say.command("report", *again), "the whole picture, on one page")]
    if result.orders:
        next_steps.append((say.command("why", result.orders[-1].order_id), "why its last order is there"))
    next_steps.append((say.command("live", "--replay", *again), "the same bars, through live processes"))
    say.note(say.steps(*next_steps))


def lived(config: RunConfig, plugins: Path | None, panel: Panel | None = None) -> RunResult:
    """Return one portfolio in full. plugins: folder of the user's own files."""
    if waits := waits_for(decide):
        say.note(f"living {config.name} ... {waits}")
    return live_through(config, folder=plugins, panel=panel, store=Store())


def measures(result: RunResult, hold: RunResult) -> Table:
    """Return what a portfolio came to, beside buying and holding, as a table."""
    made = say.table("", f">{result.portfolio_id}", ">buy and hold")
    for name, value in result.measures.items():
        measure = MEASURES[name]
        made.add_row(measure.title, shown(value, measure.unit), shown(hold.measures[name], measure.unit))
    return made


def as_dict(result: RunResult, hold: RunResult, full: bool) -> dict[str, object]:
    """Return a result as plain values; `full`: with all that it did."""
    told: dict[str, object] = {
        "portfolio": result.portfolio_id,
        "identity": result.identity,
        "first_bar": day(int(result.ts[0])),
        "last_bar": day(int(result.ts[-1])),
        "bars": len(result.ts),
        "measures": result.measures,
        "buy_and_hold": hold.measures,
        "orders": len(result.orders),
        "fills": len(result.fills),
        "remarks": result.remarks,
    }
    if full:
        told |= {"orders": result.orders, "fills": result.fills, "ts": result.ts, "equity": result.equity}
    return told

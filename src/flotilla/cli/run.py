"""`flotilla run`: one portfolio in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from flotilla.cli import say
from flotilla.cli.compiler import waits_for
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
from flotilla.research.choice import each_of
from flotilla.research.report.data import HOLD
from flotilla.research.report.numbers import shown, spelled_day
from flotilla.research.report.verdict import sentence
from flotilla.research.runs import keep_run
from flotilla.research.signals import targets_of, trees_of
from flotilla.research.stats import stats_of
from flotilla.stage.plan import plan as plan_of
from flotilla.stream.table import Store
from flotilla.words import counted


def run(
    config: Path,
    /,
    *,
    portfolio: int | str | None = None,
    plan: bool = False,
    benchmark: str | None = None,
    full: bool = False,
    json: bool = False,
) -> None:
    """Simulate one portfolio, or several, and say what they came to beside buying and holding."""
    study = read(config)
    chosen = each_of(study, portfolio)
    if plan:
        _tell_plan(chosen, config.parent, json)
        return
    results: list[RunResult] = []
    for each in chosen:  # of the same bars
        results.append(simulated(each, config.parent, results[0].panel if results else None))
    beside = [benchmark_for(result, benchmark, config.parent) for result in results]
    if json:
        told = [as_dict(result, held, full) for result, held in zip(results, beside, strict=True)]
        say.show_json(told[0] if len(told) == 1 else {"portfolios": told})
    else:
        _tell(study, results, beside, full)
    # After it is shown: a disk that is full loses nothing that was computed.
    for each in chosen:
        keep_run(each, config.parent, "run", study.name if study.portfolios else None)
    if not json:
        _next(config, portfolio, study, results)


def _tell_plan(chosen: Sequence[RunConfig], folder: Path, json: bool) -> None:
    """Say what is computed for the strategies of each portfolio."""
    plans = {
        each.name: str(plan_of(list(trees_of(each, targets_of(each, folder)).values()))) for each in chosen
    }
    if json:
        told = [{"portfolio": name, "plan": words.splitlines()} for name, words in plans.items()]
        say.show_json(told[0] if len(told) == 1 else {"portfolios": told})
        return
    for name, words in plans.items():
        say.show(*[say.title(name)] * (len(plans) > 1), words)


def _tell(study: RunConfig, results: Sequence[RunResult], beside: Sequence[Benchmark], full: bool) -> None:
    """Show what portfolios came to: one beside its benchmark, several side by side."""
    first = results[0]
    say.remarks(*dict.fromkeys(remark for result in results for remark in result.remarks))
    begin, end = (spelled_day(int(first.ts[n])) for n in (0, -1))
    span = f"{begin} to {end}, {counted(len(first.ts), 'bar')}"
    if len(results) == 1:
        say.show(say.title(f"{first.portfolio_id}: {span}"), measures(first, beside[0], full))
        return
    named = dict(zip(study.portfolios, results, strict=True))
    title = f"{study.name}, {counted(len(results), 'portfolio')}: {span}"
    say.show(say.title(title), side_by_side(named, beside, full))


def _next(config: Path, portfolio: int | str | None, study: RunConfig, results: Sequence[RunResult]) -> None:
    """Say what may be done next."""
    again = [config] if portfolio is None else [config, "--portfolio", portfolio]
    one = again if len(results) == 1 else [config, "--portfolio", next(iter(study.portfolios))]
    next_steps = [(say.command("report", *one), "the whole picture, on one page")]
    orders = [result.orders[-1].order_id for result in results if result.orders]
    if orders:
        next_steps.append((say.command("why", orders[0]), "why its last order is there"))
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


def side_by_side(results: Mapping[str, RunResult], beside: Sequence[Benchmark], full: bool = False) -> Table:
    """Return what several portfolios came to, a column each; `full`: with all statistics.

    results: by the portfolio's name, which is at the head of its column. The last row is what each one's
    benchmark came to, on that portfolio's own terms.
    """
    made = say.table("", *(f">{name}" for name in results))
    found = [
        {**result.measures, **(statistics(result, held) if full else {})}
        for result, held in zip(results.values(), beside, strict=True)
    ]
    for name in found[0]:
        measure = MEASURES[name]
        made.add_row(measure.title, *(shown(each[name], measure.unit) for each in found))
    final = MEASURES["final_equity"]
    held_to = [shown(held.measures["final_equity"], final.unit) for held in beside]
    made.add_row(f"{final.title} of {sentence(beside[0].name)}", *held_to)
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
        "first_bar": spelled_day(int(result.ts[0])),
        "last_bar": spelled_day(int(result.ts[-1])),
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

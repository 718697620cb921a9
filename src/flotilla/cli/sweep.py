"""`flotilla sweep`: thousands of portfolios, ranked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.table import Table
from rich.text import Text

from flotilla.cli import say
from flotilla.cli.compiler import waits_for
from flotilla.cli.waiting import told_where
from flotilla.config import RunConfig, read
from flotilla.errors import ConfigError
from flotilla.kernel.lanes import advance
from flotilla.model.measures import MEASURES, SKILL_OR_LUCK
from flotilla.research import SweepResult
from flotilla.research import sweep as sweep_all
from flotilla.research.checkpoint import CHECKPOINT_S
from flotilla.research.choice import one_of
from flotilla.research.grid import grid_of
from flotilla.research.report.numbers import compact, setting, shown
from flotilla.research.runs import keep_run
from flotilla.stream.table import Store
from flotilla.words import counted

SHOWN = ("final_equity", "cagr", "sharpe", "max_drawdown", "orders")


def sweep(
    config: Path, /, *, top: int = 10, workers: int | None = None, fresh: bool = False, json: bool = False
) -> None:
    """Simulate every portfolio of the configuration's sweep, and rank them.

    The table is stored: the same sweep is not computed twice. One that was stopped goes on where it was.
    """
    study = read(config)
    if top < 1 or (workers is not None and workers < 1):
        raise ConfigError("--top and --workers are 1 or more")
    result = swept(study, config.parent, workers, fresh)
    best = int(result.table["portfolio"][0])
    say.show_json(as_dict(result, top)) if json else tell(result, top, say.show)
    keep_run(one_of(study, best), config.parent, "sweep")  # after it is shown, as in `run`
    if json:
        return
    say.note(
        say.steps(
            (say.command("report", config), "the best, and the whole sweep, on one page"),
            (say.command("run", config, "--portfolio", best), "the best in full"),
            (
                say.command("live", "--replay", config, "--portfolio", best),
                "the best, through live processes",
            ),
        )
    )


def swept(study: RunConfig, folder: Path, workers: int | None = None, fresh: bool = False) -> SweepResult:
    """Return the sweep; show progress, and how fast it was. folder: of the user's own files."""
    if not study.sweep:
        raise ConfigError(f"{study.name} has no sweep; `flotilla run` simulates what there is")
    what = f"sweeping {counted(grid_of(study, None).size, 'portfolio')}"
    with _going_on(fresh), say.progress(what, "bars", waits_for(advance)) as told, told_where():
        result = sweep_all(study, folder=folder, workers=workers, store=Store(), fresh=fresh, progress=told)
    bars, instruments = result.panel.shape
    counts = (result.grid.size, "portfolio"), (instruments, "instrument"), (bars, "bar")
    work = " × ".join(counted(*each) for each in counts)
    if result.reused:
        say.note(f"{work}: found in the store, {result.identity[:12]} (--fresh computes it anew)")
    elif result.resumed:
        say.note(f"{work}: went on where it was stopped, {result.seconds:.1f} s more")
    else:
        rate = result.grid.size * instruments * bars / result.seconds
        say.note(f"{work} in {result.seconds:.1f} s: {compact(rate)} of these a second")
    return result


@contextmanager
def _going_on(fresh: bool) -> Iterator[None]:
    """Say of a sweep that is stopped from the keyboard that the work so far is not lost."""
    try:
        yield
    except KeyboardInterrupt:
        again = "the same command without --fresh" if fresh else "the same command"
        raise KeyboardInterrupt(
            f"how far it is was written down every {CHECKPOINT_S:g} s, and {again} goes on from there"
        ) from None


def tell(result: SweepResult, top: int, show: Callable[..., None]) -> None:
    """Show the best of a sweep, and what must be said beside them."""
    say.remarks(*result.remarks)
    measure, count = MEASURES[result.config.rank_by].title, min(top, result.grid.size)
    first, there = f"The {count:,} best" if count != 1 else "The best", counted(result.grid.size, "portfolio")
    show(say.title(f"{first} of {there}, by {measure}"))
    show(ranking(result, top), luck(result))


def ranking(result: SweepResult, top: int) -> Table:
    """Return the best of a sweep as a table."""
    rank_by = result.config.rank_by
    names = [*SHOWN] if rank_by in SHOWN else [*SHOWN, rank_by]
    headers = [
        ">rank",
        ">portfolio",
        *(f">{key.replace('.', ' ')}" for key in result.axes),
        *(f">{MEASURES[name].title}" for name in names),
    ]
    axes, last = len(result.axes), len(headers) - 1
    ranked_by = 2 + axes + names.index(rank_by)  # what the rank is by goes last, before it the axes
    figures = [n for n in range(last, 1 + axes, -1) if n != ranked_by]
    made = say.table(*headers, spare=[*figures, *range(1 + axes, 1, -1), ranked_by])
    for rank, row in enumerate(result.best(top).iter_rows(named=True), 1):
        settings = [setting(row[key]) for key in result.axes]
        values = [shown(_number(row[name]), MEASURES[name].unit) for name in names]
        made.add_row(f"{rank:,}", str(row["portfolio"]), *settings, *values)
    return made


def luck(result: SweepResult) -> Text:
    """Return what must be said beside the best of many."""
    measure, values = MEASURES[result.config.rank_by], result.table[result.config.rank_by].drop_nulls()
    words = f"The best of {result.grid.size:,} is luck until shown otherwise. "
    if len(values):
        best, middle, worst = (
            shown(_number(v), measure.unit) for v in (values[0], values.median(), values[-1])
        )
        words += f"{measure.title} of all: best {best}, median {middle}, worst {worst}. "
    words += "It was chosen on the very data that it is shown on.\n"
    tests = ", ".join(name for name, *_ in SKILL_OR_LUCK)
    return Text.assemble(say.warning(words), (f"Not computed yet: {tests}.", "dim"))


def as_dict(result: SweepResult, top: int) -> dict[str, object]:
    """Return a sweep as plain values, with the best of it."""
    return {
        "name": result.config.name,
        "identity": result.identity,
        "portfolios": result.grid.size,
        "bars": result.panel.shape[0],
        "instruments": result.panel.shape[1],
        "seconds": result.seconds,
        "reused": result.reused,
        "resumed": result.resumed,
        "rank_by": result.config.rank_by,
        "axes": result.axes,
        "best": result.best(top).to_dicts(),
        "skill_or_luck": {name: None for name, *_ in SKILL_OR_LUCK},
        "remarks": result.remarks,
    }


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")

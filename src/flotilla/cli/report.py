"""`flotilla report`: one page about a portfolio, and about the sweep that it was chosen from."""

from __future__ import annotations

import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from flotilla.cli import say
from flotilla.cli.run import simulated
from flotilla.cli.sweep import swept
from flotilla.config import read
from flotilla.research import SweepResult, report_data, write_report
from flotilla.research.choice import one_of
from flotilla.research.report.verdict import verdict
from flotilla.research.runs import folder_of_run, keep_run


class Written(NamedTuple):
    """A report that is written."""

    words: str  # what it says, in a few sentences
    html: Path
    numbers: Path
    remarks: Sequence[str]  # what its reader must know, a sentence each


def report(
    config: Path,
    /,
    *,
    output: Path | None = None,
    portfolio: int | str | None = None,
    benchmark: str | None = None,
    browse: bool = False,
    json: bool = False,
) -> None:
    """Write report.html, one page that needs nothing else, and report.json beside it.

    Of a sweep it shows the best, or the --portfolio you say, before all the others.
    """
    study = read(config)
    result = swept(study, config.parent) if study.sweep else None
    number = int(result.table["portfolio"][0]) if result and portfolio is None else portfolio
    name = one_of(study, portfolio).name if study.portfolios else study.name
    folder = output or folder_of_run(name) / "report"
    asked = {"--portfolio": portfolio, "--benchmark": benchmark}
    words = [word for name, value in asked.items() if value is not None for word in (name, value)]
    made = written(config, result, number, folder, say.command("report", config, *words), benchmark)
    if json:
        files = {"html": str(made.html), "json": str(made.numbers)}
        say.show_json({**files, "name": name, "portfolio": number, "remarks": made.remarks})
    else:
        say.remarks(*made.remarks)
        say.show(made.words, f"{made.html}\n{made.numbers}")
    if browse:
        webbrowser.open(made.html.absolute().as_uri())


def written(
    config: Path,
    swept_: SweepResult | None,
    number: int | str | None,
    folder: Path,
    command: str,
    benchmark: str | None = None,
) -> Written:
    """Write a report, and return what it says and where it is.

    number: of the portfolio that it is about, or its name; None where there is one alone. benchmark: what it
    is held against; None for buying and holding.
    """
    chosen = one_of(swept_.config if swept_ else read(config), number)
    panel = swept_.panel if swept_ else None
    result = simulated(chosen, config.parent, panel)
    data = report_data(result, swept_, config.parent, command, benchmark)
    try:
        keep_run(chosen, config.parent, "report")
        files = write_report(data, folder)
    except OSError:  # what was computed is shown before it is said that it could not be kept
        say.remarks(*data.remarks)
        say.show(verdict(data))
        raise
    return Written(verdict(data), *files, data.remarks)

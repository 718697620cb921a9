"""`flotilla demo`: research, a report, and the best portfolio through live, on real prices.

1. Leave a configuration in a folder, unless there is one to go by (`configuration_in`).
2. Sweep it, and show the best for what they are.
3. Write the report of the best.
4. Play its last two years through the live processes, and compare with research.
"""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

from rich.text import Text

from flotilla.cli import live, say, sweep
from flotilla.cli.report import written
from flotilla.config import read
from flotilla.model.panel import Panel
from flotilla.research.choice import one_of, trading_from
from flotilla.research.report.numbers import spelled_day

CONFIG = Path(__file__).with_name("demo.yaml")
TOP = 10
LAST = timedelta(days=2 * 365)  # of the data, for live


def demo(*, output: Path | None = None, json: bool = False) -> int:
    """Sweep, report and replay the configuration in the folder; put one there first if there is none."""
    folder = output or Path("demo")
    config = configuration_in(folder)
    study = read(config)

    tell = say.note if json else say.show
    tell(_heading(1, f"Research: every portfolio of {config}"))
    swept = sweep.swept(study, config.parent, fresh=True)
    best = int(swept.table["portfolio"][0])
    sweep.tell(swept, TOP, tell)

    tell(_heading(2, f"A report of the best, portfolio {best}"))
    made = written(config, swept, best, folder, f"flotilla report {config}")
    tell(made.words, f"{made.html}    one page, to open or to send\n{made.numbers}    its numbers")

    start = last_years(swept.panel)
    tell(_heading(3, f"Live: the best from {start} on, through processes of its own, on paper"))
    portfolio = trading_from(one_of(study, best), start)
    replayed = live.replayed(portfolio, swept.panel, config.parent, fresh=True)
    if json:
        files = {"html": str(made.html), "json": str(made.numbers)}
        say.show_json({"sweep": sweep.as_dict(swept, TOP), "report": files, "live": live.as_dict(replayed)})
    else:
        live.tell(replayed)
        _next(config, best, replayed)
    return replayed.exit_code


def configuration_in(folder: Path) -> Path:
    """Return the demo's configuration in a folder; one that is there already is left as it is."""
    path = folder / "cross.yaml"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(CONFIG, path)
    return path


def last_years(panel: Panel) -> date:
    """Return the day on which the panel's last two years begin."""
    return date.fromisoformat(spelled_day(int(panel.ts_event[-1]))) - LAST


def _heading(number: int, words: str) -> Text:
    return say.title(f"\n{number}. {words}")


def _next(config: Path, best: int, replayed: live.Replayed) -> None:
    (live_,) = replayed.live.values()
    orders = live_.orders
    lines = [(say.command("why", orders[-1].order_id), "why its last order is there")] if orders else []
    lines += [
        (say.command("run", config, "--portfolio", best), "the best beside buying and holding"),
        (say.command("sweep", config), "after you have changed something in it"),
    ]
    say.note("", say.steps(*lines))

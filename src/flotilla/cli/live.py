"""`flotilla live --replay`: the processes that will trade, on the bars of the past, beside research."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.table import Table

from flotilla.cli import say
from flotilla.cli.run import simulated
from flotilla.config import RunConfig, read
from flotilla.errors import ConfigError
from flotilla.live.folder import FILE, Run, prepare
from flotilla.live.progress import simulated_bars
from flotilla.live.result import LiveResult
from flotilla.model.panel import Panel
from flotilla.research.choice import one_of, trading_from
from flotilla.research.market import open_panel
from flotilla.research.runs import keep_run, live_folder_of, made_folder_of
from flotilla.session.claim import claimed, forget
from flotilla.session.pace import answers, latency_of, pace_of
from flotilla.session.parity import Comparison, compare
from flotilla.session.replay import fleet_of
from flotilla.session.replay import replay as replay_bars
from flotilla.stream.table import Store
from flotilla.words import counted

INTERRUPTED = 130
EQUAL = "EQUAL: every order, every fill and each bar's cash and equity, to the last bit"
NOT_YET = (
    "only a replay of the past, on paper, is there: flotilla live --replay CONFIG\n"
    "  Trading with a broker will ask for a word of its own, so that nobody does it by leaving one out."
)


class Replayed(NamedTuple):
    """What a replay came to; of each portfolio by its id."""

    run: Run
    live: dict[str, LiveResult]
    comparisons: dict[str, Comparison]
    pace: float  # bars a second; NaN where too little was ordered to say
    remarks: tuple[str, ...]

    @property
    def bars(self) -> int:
        """Return how many bars were simulated."""
        return min(len(one.ts) for one in self.live.values())

    @property
    def whole(self) -> bool:
        """Return whether every bar was simulated."""
        return self.bars == self.run.manifest.bars

    @property
    def equal(self) -> bool:
        """Return whether all portfolios are those of research, to the last bit."""
        return all(one.equal for one in self.comparisons.values())

    @property
    def exit_code(self) -> int:
        """Return 0 where live did what research did, 1 where not, 130 where it was stopped."""
        if not self.whole:
            return INTERRUPTED
        return 0 if self.equal else 1


def live(
    config: Path,
    /,
    *,
    replay: bool = False,
    start: datetime | None = None,
    portfolio: int | str | None = None,
    speed: float | None = None,
    fresh: bool = False,
    json: bool = False,
) -> int:
    """Play history through the live processes, and compare every order, fill and bar with research.

    A replay that was stopped goes on where it was. Returns the exit code: 1 if one bit differs.
    """
    if not replay:
        raise ConfigError(NOT_YET)
    if speed is not None and speed <= 0:
        raise ConfigError("--speed is in bars a second, above 0")
    study = read(config)
    chosen = study if study.portfolios and portfolio is None else one_of(study, portfolio)
    chosen = trading_from(chosen, start.date() if start else None)
    found = replayed(chosen, open_panel(chosen, config.parent), config.parent, speed=speed, fresh=fresh)
    if json:
        say.show_json(as_dict(found))
    else:
        tell(found)
    return found.exit_code


def replayed(
    config: RunConfig, panel: Panel, plugins: Path, *, speed: float | None = None, fresh: bool = False
) -> Replayed:
    """Replay portfolios and compare them with research. plugins: folder of the user's own files."""
    made_folder_of(config.name)
    folder = live_folder_of(config.name)
    with claimed(folder):
        research = {name: simulated(one, plugins, panel) for name, one in config.each().items()}
        run = _begun(folder, config, panel, plugins, speed, fresh)
        for one in run.portfolios.values():
            keep_run(one, plugins, "live", config.name)
        platforms = counted(len(fleet_of(run).platforms), "process", "processes")
        what = f"playing {counted(run.manifest.bars, 'bar')} through {platforms}"
        before = answers(run)
        with say.progress(what, "bars", "they are starting") as told:
            results = replay_bars(run, told, say.note)
        comparisons = {name: compare(results[name], done) for name, done in research.items()}
        remarks = dict.fromkeys(remark for done in research.values() for remark in done.remarks)
        return Replayed(run, results, comparisons, pace_of(run, before), tuple(remarks))


def tell(found: Replayed) -> None:
    """Print what a replay came to."""
    say.remarks(*found.remarks)
    if not found.whole:
        done, bars = counted(found.bars, "bar"), found.run.manifest.bars
        say.note(f"stopped after {done} of {bars:,}; the same command goes on from there")
        return
    several = len(found.comparisons) > 1
    for name, comparison in found.comparisons.items():
        title = f"The same bars, twice{f': {name}' if several else ''}"
        say.show(say.title(title), beside(comparison))
    if np.isfinite(found.pace):
        instruments = len(found.run.manifest.instruments)
        say.show(f"{found.pace:,.0f} bars a second of {counted(instruments, 'instrument')} went through")
    p50, p99 = latency_of(found.run, found.live.values())
    if np.isfinite(p50):
        say.show(f"a bar's orders were acknowledged, on disk, {p50:.1f} ms after it (p50; p99 {p99:.1f} ms)")
    if found.equal:
        say.show(say.verdict(EQUAL, True))
        return
    parting = [
        f"{name}: {said}" if several else said
        for name, comparison in found.comparisons.items()
        for said in comparison.differences
    ]
    say.show(say.verdict("DIFFERENT", False), *parting)
    say.note("most often it is a strategy that differs a bar at a time; this says which promise it breaks:")
    say.note(_asks(found))


def _asks(found: Replayed) -> str:
    """Return what to type to have each strategy's promises tried."""
    asked = []
    for strategy in found.run.config.strategies.values():
        params = [f"{name}={value!r}" for name, value in strategy.params.items()]
        asked.append(f"check_strategy({', '.join([repr(strategy.kind), *params])})")
    return f'  python -c "from flotilla.testing import check_strategy; {"; ".join(asked)}"'


def beside(comparison: Comparison) -> Table:
    """Return live and research side by side, as a table."""
    made = say.table("", ">live", ">research", "")
    for side in comparison.sides:
        made.add_row(side.what, side.live, side.research, "equal" if side.equal else "DIFFERENT")
    return made


def as_dict(found: Replayed) -> dict[str, object]:
    """Return what a replay came to as plain values."""
    portfolios: list[dict[str, object]] = [
        {
            "portfolio": name,
            "equal": found.whole and comparison.equal,
            "differences": comparison.differences,
            "sides": [side._asdict() for side in comparison.sides],
        }
        for name, comparison in found.comparisons.items()
    ]
    return {
        **(portfolios[0] if len(portfolios) == 1 else {"equal": found.whole and found.equal}),
        **({"portfolios": portfolios} if len(portfolios) > 1 else {}),
        "folder": str(found.run.folder),
        "bars": found.bars,
        "whole": found.whole,
        "bars_a_second": found.pace,
        "remarks": found.remarks,
        "acknowledged_ms": latency_of(found.run, found.live.values())._asdict(),
    }


def _begun(
    folder: Path, config: RunConfig, panel: Panel, plugins: Path, speed: float | None, fresh: bool
) -> Run:
    """Return the run's folder, which is claimed: of one that was stopped, to go on with; else a new one."""
    there = (folder / FILE).exists()
    try:
        if fresh or (there and _is_over(Run.read(folder))):
            forget(folder)
        return prepare(folder, config, panel, Store(), plugins=plugins, speed=speed)
    except ConfigError as error:
        raise ConfigError(f"{error}; --fresh begins anew") from error


def _is_over(run: Run) -> bool:
    """Return whether a run has taken its last bar."""
    return simulated_bars(run) >= run.manifest.bars

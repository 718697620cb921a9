"""`flotilla live --replay`: the processes that will trade, on the bars of the past, beside research."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.table import Table

from flotilla.cli import say
from flotilla.cli.run import simulated as simulated_in_research
from flotilla.config import RunConfig, read
from flotilla.errors import ConfigError
from flotilla.live.folder import FILE, Run, prepare
from flotilla.live.messages import KEPT
from flotilla.live.progress import Progress
from flotilla.live.result import LiveResult, simulated_bars
from flotilla.model.panel import Panel
from flotilla.research.choice import one_of, trading_from
from flotilla.research.market import open_panel
from flotilla.research.runs import keep, live_folder_of, made_folder_of
from flotilla.session.claim import claimed, forget
from flotilla.session.parity import Comparison, compare
from flotilla.session.replay import fleet_of
from flotilla.session.replay import replay as replay_bars
from flotilla.stream.log import LogReader
from flotilla.stream.table import Store
from flotilla.words import counted

INTERRUPTED = 130
EQUAL = "EQUAL: every order, every fill and each bar's cash and equity, to the last bit"
NOT_YET = (
    "only a replay of the past, on paper, is there: flotilla live --replay CONFIG\n"
    "  Trading with a broker will ask for a word of its own, so that nobody does it by leaving one out."
)


class Replayed(NamedTuple):
    """What a replay came to."""

    run: Run
    live: LiveResult
    comparison: Comparison
    pace: float  # bars a second; NaN where too little was ordered to say
    remarks: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Return whether every bar was simulated."""
        return len(self.live.ts) == self.run.manifest.bars

    @property
    def exit_code(self) -> int:
        """Return 0 where live did what research did, 1 where not, 130 where it was stopped."""
        if not self.whole:
            return INTERRUPTED
        return 0 if self.comparison.equal else 1


def live(
    config: Path,
    /,
    *,
    replay: bool = False,
    start: datetime | None = None,
    portfolio: int | None = None,
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
    chosen = trading_from(one_of(read(config), portfolio), start.date() if start else None)
    found = replayed(chosen, open_panel(chosen, config.parent), config.parent, speed=speed, fresh=fresh)
    if json:
        say.show_json(as_dict(found))
    else:
        tell(found)
    return found.exit_code


def replayed(
    config: RunConfig, panel: Panel, plugins: Path, *, speed: float | None = None, fresh: bool = False
) -> Replayed:
    """Replay one portfolio and compare it with research. plugins: folder of the user's own files."""
    made_folder_of(config.name)
    folder = live_folder_of(config.name)
    with claimed(folder):
        research = simulated_in_research(config, plugins, panel)
        run = _begun(folder, config, panel, plugins, speed, fresh)
        keep(config, plugins, "live")
        platforms = counted(len(fleet_of(run).platforms), "process", "processes")
        what = f"playing {counted(run.manifest.bars, 'bar')} through {platforms}"
        before = _answered(run)
        with say.progress(what, "bars", "they are starting") as told:
            result = replay_bars(run, told, say.note)
        return Replayed(run, result, compare(result, research), pace_of(run, before), research.remarks)


def tell(found: Replayed) -> None:
    """Print what a replay came to."""
    say.remarks(*found.remarks)
    if not found.whole:
        done, bars = len(found.live.ts), found.run.manifest.bars
        say.note(f"stopped after {counted(done, 'bar')} of {bars:,}; the same command goes on from there")
        return
    say.show(say.title("The same bars, twice"), beside(found.comparison))
    if np.isfinite(found.pace):
        instruments = len(found.run.manifest.instruments)
        say.show(f"{found.pace:,.0f} bars a second of {counted(instruments, 'instrument')} went through")
    p50, p99 = _latency_ms(found)
    if np.isfinite(p50):
        say.show(f"a bar's orders were acknowledged, on disk, {p50:.1f} ms after it (p50; p99 {p99:.1f} ms)")
    if found.comparison.equal:
        say.show(say.verdict(EQUAL, True))
    else:
        say.show(say.verdict("DIFFERENT", False), *found.comparison.differences)
        say.note(
            "most often it is a strategy that differs a bar at a time; this says which promise it breaks:"
        )
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
    return {
        "portfolio": found.run.portfolio_id,
        "folder": str(found.run.folder),
        "bars": len(found.live.ts),
        "whole": found.whole,
        "equal": found.whole and found.comparison.equal,
        "differences": found.comparison.differences,
        "sides": [side._asdict() for side in found.comparison.sides],
        "bars_a_second": found.pace,
        "remarks": found.remarks,
        "acknowledged_ms": dict(zip(("p50", "p99"), _latency_ms(found), strict=True)),
    }


def _answered(run: Run) -> int:
    """Return how many orders' answers are written down."""
    with closing(Progress(run.log("portfolio"), "acks")) as log:
        return log.bars()


def pace_of(run: Run, before: int = 0) -> float:
    """Return the bars a second from the first order's answer to the last; NaN if there are too few.

    before: how many answers do not count, being of a time before a pause.
    """
    if _answered(run) <= before:  # stopped before it began
        return float("nan")
    with closing(LogReader(run.log("portfolio"), "acks")) as log:
        rows = [*log.read(before, 1), *log.read(log.last_seq() - 1, 1)]
    if len(rows) < 2 or rows[0].ts >= rows[-1].ts:
        return float("nan")
    first, last = (KEPT.decode(row.payload).bar for row in rows)
    return (last - first) * 1e9 / (rows[-1].ts - rows[0].ts)


def _latency_ms(found: Replayed) -> tuple[float, float]:
    """Return p50 and p99 from a bar to its orders' acknowledgement; NaN flat out, where bars only queue."""
    ack = found.live.ack_ns
    if not found.run.manifest.speed or not len(ack):
        return float("nan"), float("nan")
    p50, p99 = np.percentile(ack, (50, 99)) / 1e6
    return float(p50), float(p99)


def _begun(
    folder: Path, config: RunConfig, panel: Panel, plugins: Path, speed: float | None, fresh: bool
) -> Run:
    """Return the run's folder, which is claimed: of one that was stopped, to go on with; else a new one."""
    there = (folder / FILE).exists()
    try:
        if fresh or (there and simulated_bars(folder) >= Run.read(folder).manifest.bars):
            forget(folder)
        return prepare(folder, config, panel, Store(), plugins=plugins, speed=speed)
    except ConfigError as error:
        raise ConfigError(f"{error}; --fresh begins anew") from error

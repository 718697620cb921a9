"""`flotilla data`: what a source gives, before anything is computed from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from flotilla.cli import say
from flotilla.config import read
from flotilla.model.panel import Panel
from flotilla.research.market import open_panel

DAY_NS = 86_400_000_000_000


class Coverage(NamedTuple):
    """What there is of one instrument."""

    name: str
    first: str | None  # day of its first close
    last: str | None
    closes: int
    holes: int  # bars without a close between the first and the last
    longest_hole: int  # bars
    tick: float | None  # smallest step of its price; None where that is not known


def data(config: Path, /, *, json: bool = False) -> None:
    """Show what the configuration's source gives: instruments, dates, ticks, holes."""
    panel = open_panel(read(config), config.parent)
    found = [coverage(panel, i) for i in range(len(panel.instruments))]
    if json:
        say.show_json(as_dict(panel, found))
        return
    say.show(say.title(headline(panel)), listing(found))
    holes = sum(each.holes for each in found)
    say.note(
        f"{', '.join(panel.fields)}; longest pause between two bars: {_pause_days(panel):g} days; "
        + (f"{holes:,} holes: a strategy sees NaN there" if holes else "no holes")
    )


def coverage(panel: Panel, i: int) -> Coverage:
    """Return what there is of a panel's instrument i."""
    known = np.isfinite(panel.fields["close"][:, i])
    rows, per_unit = np.flatnonzero(known), panel.ticks_per_unit[i]
    steps = np.diff(rows) - 1
    return Coverage(
        panel.instruments[i],
        _day(panel.ts_event[rows[0]]) if len(rows) else None,
        _day(panel.ts_event[rows[-1]]) if len(rows) else None,
        len(rows),
        int(steps.sum()),
        int(steps.max(initial=0)),
        float(1.0 / per_unit) if per_unit else None,
    )


def headline(panel: Panel) -> str:
    """Return what there is in one line."""
    bars, instruments = panel.shape
    words = f"{panel.name}: {instruments:,} instruments, {bars:,} bars"
    return f"{words}, {_day(panel.ts_event[0])} to {_day(panel.ts_event[-1])}" if bars else words


def listing(found: list[Coverage]) -> Table:
    """Return what there is of each instrument as a table."""
    made = say.table("instrument", "first", "last", ">closes", ">holes", ">longest hole", ">tick")
    for each in found:
        made.add_row(
            each.name,
            each.first or "never",
            each.last or "never",
            f"{each.closes:,}",
            f"{each.holes:,}",
            f"{each.longest_hole:,}",
            f"{each.tick:g}" if each.tick else "unknown",
        )
    return made


def as_dict(panel: Panel, found: list[Coverage]) -> dict[str, Any]:
    """Return what there is as plain values."""
    bars = panel.shape[0]
    return {
        "name": panel.name,
        "identity": panel.identity,
        "fields": list(panel.fields),
        "bars": bars,
        "first": _day(panel.ts_event[0]) if bars else None,
        "last": _day(panel.ts_event[-1]) if bars else None,
        "longest_pause_days": _pause_days(panel),
        "instruments": [each._asdict() for each in found],
    }


def _pause_days(panel: Panel) -> float:
    return float(np.diff(panel.ts_event).max(initial=0) / DAY_NS)


def _day(ts: np.int64) -> str:
    return str(ts.astype("datetime64[ns]").astype("datetime64[D]"))

"""`flotilla data`: what a source or a file gives, before anything is computed from it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.table import Table

from flotilla.cli import say
from flotilla.clock import DAY_NS
from flotilla.config import read
from flotilla.errors import ConfigError, DataError
from flotilla.model.panel import Panel
from flotilla.research.market import open_panel
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.file import PARQUET, draft_of_file
from flotilla.stream.bars.folder import TEXTS, files_of, together
from flotilla.stream.bars.joined import joined, told_of_many
from flotilla.stream.bars.options import Options
from flotilla.stream.bars.series.pauses import WEEKS, usual
from flotilla.words import counted, lasting

CONFIGS = (".yaml", ".yml")
DATA = (*TEXTS, *PARQUET, ".gz", ".zip", ".feather")
_NAMED = 3  # instruments of a file that a row of many files names
_KEY = re.compile(rb"\s*(#[^\n]*\n\s*)*(---\s*\n\s*)?[a-z_]+:(\s|$)")


class Coverage(NamedTuple):
    """What there is of one instrument."""

    name: str
    first: str | None  # day of its first close
    last: str | None
    closes: int
    holes: int  # bars without a close between the first and the last
    longest_hole: int  # bars
    tick: float | None  # smallest step of its price; None where that is not known


def data(
    file: Path,
    /,
    *,
    instrument: str | None = None,
    frequency: str | None = None,
    zone: str | None = None,
    unit: str | None = None,
    date_format: str | None = None,
    dialect: str | None = None,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    json: bool = False,
) -> None:
    """Show what a configuration's source gives, or what is in a file, a folder or a pattern of files."""
    said: dict[str, Any] = {
        "instrument": instrument, "frequency": frequency, "zone": zone, "unit": unit,
        "date_format": date_format, "dialect": dialect, "separator": separator,
        "decimal": decimal, "encoding": encoding,
    }  # fmt: skip
    given: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    apart: list[str] = []
    if is_config(file):
        if given:
            raise ConfigError(
                f"{file} says itself how its data are read: leave out --{next(iter(given)).replace('_', '-')}"
            )
        panels = [open_panel(read(file), file.parent)]
    else:
        panels, apart = _panels(file, Options(**given))
    shown = [(panel, [coverage(panel, i) for i in range(len(panel.instruments))]) for panel in panels]
    if json:
        told = [as_dict(panel, found) for panel, found in shown]
        say.show_json(told[0] if len(told) == 1 else {"files": told})
    elif len(shown) == 1:
        _tell(*shown[0])
    else:
        _tell_many(shown, apart)


def _panels(given: Path, options: Options) -> tuple[list[Panel], list[str]]:
    """Return a panel for each file, and why they cannot be read as one; DataError tells of every bad file."""
    files, drafts, panels, wrong = files_of(str(given), DATA), [], [], {}
    for file in files:
        try:
            draft = draft_of_file(file, options)
            panels.append(panel_of(draft))
            drafts.append(draft)
        except DataError as error:
            wrong[file] = error
    if wrong:
        raise next(iter(wrong.values())) if len(files) == 1 else together(str(given), files, wrong)
    try:
        if len(drafts) > 1:
            joined(drafts, given.name)
    except DataError as error:
        return panels, [f"as one panel {error}"]
    return panels, []


def is_config(file: Path) -> bool:
    """Say whether a file is a configuration: by the end of its name, else by how it begins."""
    if file.suffix.lower() in CONFIGS:
        return True
    if file.suffix.lower() in DATA or file.is_dir() or not file.is_file():
        return False
    with file.open("rb") as opened:
        return _KEY.match(opened.read(4096)) is not None


def _tell(panel: Panel, found: list[Coverage]) -> None:
    say.show(say.title(headline(panel)), listing(found))
    say.remarks(*panel.remarks)
    holes = sum(each.holes for each in found)
    pause = np.diff(panel.ts_event).max(initial=0)
    say.note(
        f"{', '.join(panel.fields)}; longest pause between two bars: {lasting(float(pause))}; "
        + (f"{counted(holes, 'hole')}: a strategy sees NaN there" if holes else "no holes")
    )


def _tell_many(shown: list[tuple[Panel, list[Coverage]]], apart: list[str]) -> None:
    """Show several files as one table, a row for each, and what is said of them below it.

    apart: why they could not be read side by side.
    """
    made = say.table("file", "instrument", ">bars", "first", "last", "frequency", ">holes", ">remarks")
    for panel, found in shown:
        names = ", ".join(panel.instruments) if len(found) <= _NAMED else counted(len(found), "instrument")
        ends = [_day(panel.ts_event[n]) if panel.shape[0] else "never" for n in (0, -1)]
        holes = sum(each.holes for each in found)
        made.add_row(
            panel.name, names, f"{panel.shape[0]:,}", *ends, frequency_of(panel), f"{holes:,}",
            f"{len(panel.remarks):,}",
        )  # fmt: skip
    say.show(say.title(counted(len(shown), "file")), made)
    say.remarks(*told_of_many([(panel.name, panel.remarks) for panel, _ in shown]), *apart)
    say.note("all of one file: flotilla data FILE; of all files: --json")


def frequency_of(panel: Panel) -> str:
    """Return how long bars are, in words; dates that are a week apart and more by how far they are."""
    if not panel.shape[0]:
        return "unknown"
    length = int(panel.ts_recv[0] - panel.ts_event[0])
    apart = usual(panel.ts_event) if length == DAY_NS else 0
    return f"{apart} days apart" if apart >= WEEKS else lasting(float(length))


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
    words = f"{panel.name}: {counted(instruments, 'instrument')}, {counted(bars, 'bar')}"
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
        "frequency": frequency_of(panel),
        "first": _day(panel.ts_event[0]) if bars else None,
        "last": _day(panel.ts_event[-1]) if bars else None,
        "longest_pause_days": float(np.diff(panel.ts_event).max(initial=0) / DAY_NS),
        "remarks": list(panel.remarks),
        "instruments": [each._asdict() for each in found],
    }


def _day(ts: np.int64) -> str:
    return str(ts.astype("datetime64[ns]").astype("datetime64[D]"))

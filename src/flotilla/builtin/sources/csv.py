"""Bars from a CSV file, plain or gzipped: see stream/bars/csv_table.py for how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from flotilla.model.panel import Panel
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.file import draft_of_csv
from flotilla.stream.bars.tables import Options


class Csv:
    """Bars from one CSV file.

    path: the file; in a configuration file, relative to that file.
    tick: smallest price step, "0.01"; by default the fewest decimals that hold all prices.
    instrument, frequency, zone, unit: see tables.Options.
    separator, decimal, encoding: how the text is written, where not as 1,234.5 would mislead.
    """

    def __init__(
        self,
        *,
        path: str,
        tick: str | None = None,
        instrument: str | None = None,
        frequency: str | None = None,
        zone: str | None = None,
        unit: str | None = None,
        separator: str = ",",
        decimal: str = ".",
        encoding: str = "utf-8",
    ) -> None:
        self._path = Path(path)
        self._tick = tick
        self._options = Options(instrument, frequency, zone, unit, separator, decimal, encoding)

    def panel(
        self, start: date | None = None, end: date | None = None, instruments: Sequence[str] | None = None
    ) -> Panel:
        """Return the bars from `start` to `end`, both included."""
        draft = draft_of_csv(self._path, self._options)
        return panel_of(draft, start, end, instruments, self._tick)

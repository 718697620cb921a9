"""Bars from CSV files, plain or gzipped: see stream/bars/csv_table.py for how it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from flotilla.model.panel import Panel
from flotilla.stream.bars.draft import panel_of
from flotilla.stream.bars.file import draft_of_csv
from flotilla.stream.bars.folder import TEXTS, draft_of_files
from flotilla.stream.bars.options import Options


class Csv:
    """Bars from CSV files.

    path: a file, a folder of them, a pattern as data/*.csv, or a list of these, mostly a file for each
    instrument; in a configuration file, relative to that file.
    tick: smallest price step, "0.01"; by default the fewest decimals that hold all prices.
    The others: see options.Options.
    """

    def __init__(
        self,
        *,
        path: str | Sequence[str],
        tick: str | None = None,
        instrument: str | None = None,
        frequency: str | None = None,
        zone: str | None = None,
        unit: str | None = None,
        date_format: str | None = None,
        columns: Mapping[str, str] | None = None,
        extra: Sequence[str] = (),
        sort: bool = False,
        adjusted: bool | None = None,
        layout: str | None = None,
        dialect: str | None = None,
        separator: str | None = None,
        decimal: str = ".",
        thousands: str | None = None,
        encoding: str = "utf-8",
    ) -> None:
        self._path = path
        self._tick = tick
        self._options = Options(
            instrument=instrument,
            frequency=frequency,
            zone=zone,
            unit=unit,
            date_format=date_format,
            columns=columns or {},
            extra=tuple(extra),
            sort=sort,
            adjusted=adjusted,
            layout=layout,
            dialect=dialect,
            separator=separator,
            decimal=decimal,
            thousands=thousands,
            encoding=encoding,
        )

    def panel(
        self, start: date | None = None, end: date | None = None, instruments: Sequence[str] | None = None
    ) -> Panel:
        """Return the bars from `start` to `end`, both included."""
        draft = draft_of_files(self._path, self._options, draft_of_csv, TEXTS)
        return panel_of(draft, start, end, instruments, self._tick)

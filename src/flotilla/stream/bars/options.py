"""How to read what data do not say themselves: one value for every source that reads tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """How to read what the data do not say themselves.

    instrument: name of the only instrument, where the table has no symbols.
    frequency: length of a bar: 30s, 1m, 4h, 1d.  zone: where times without a zone were
    taken: "America/New_York".  unit: of times that are numbers, see stamps.UNITS.
    separator, decimal, encoding: how a text is written; a separator of None is read from the header.
    columns: what -> its column, where names do not say it: {"close": "Price", "time": "open_time"};
    what no bar has ("sentiment") is kept beside the bars.  extra: columns that are kept under their own name.
    date_format: of the times, as "%d/%m/%Y".  thousands: between groups of digits, as ",".
    sort: put rows in order of time; two of one time are a defect all the same.
    adjusted: take the column Adj Close, and scale open, high and low as it; None takes close and says so.
    layout: long, one or wide, where the columns leave a doubt.
    dialect: whose files these are, see dialects.py; None goes by their shape.
    amounts: numbers may be written 12.5K or $1.50.  keep: (column, value): only such rows are read.
    either_order: in dates the day or the month comes first, as the column itself tells: see slashed.py.
    """

    instrument: str | None = None
    frequency: str | None = None
    zone: str | None = None
    unit: str | None = None
    separator: str | None = None
    decimal: str = "."
    encoding: str = "utf-8"
    columns: Mapping[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    date_format: str | None = None
    thousands: str | None = None
    sort: bool = False
    adjusted: bool | None = None
    layout: str | None = None
    dialect: str | None = None
    amounts: bool = False
    keep: tuple[str, str] | None = None
    either_order: bool = False

    @property
    def are_texts(self) -> bool:
        """Whether numbers are read as text first."""
        return self.amounts or self.thousands is not None

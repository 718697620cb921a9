"""What a report is made of. Plain values: whoever has run something fills them in, and nothing here runs.

Arrays have one row per bar, `T` in all, in the order of time. NaN is "not known".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flotilla.errors import DataError
from flotilla.model.measures import MEASURES, Measure
from flotilla.model.records import Fill
from flotilla.research.periods import wall_clock
from flotilla.research.profit import Contribution
from flotilla.research.trips import Trips

HOLD = "Buy and hold"


@dataclass(frozen=True, eq=False)
class SweepData:
    """Every portfolio of a sweep: what was varied, and how each one did."""

    axes: Mapping[str, Sequence[object]]  # name of the swept parameter -> its values, in their order
    table: pl.DataFrame  # a row per portfolio, best first: a column per axis, then measures
    rank_by: str  # the measure that the table is sorted by
    held: NDArray[np.float64] | None = None  # [P] what the benchmark came to on each one's own terms

    def __post_init__(self) -> None:
        missing = [c for c in (*self.axes, self.rank_by) if c not in self.table.columns]
        if missing:
            raise DataError(f"the sweep's table has no column {', '.join(missing)}")
        if not self.table.height:
            raise DataError("the sweep's table is empty")
        if self.held is not None and self.held.shape != (self.table.height,):
            raise DataError(f"held has the shape {self.held.shape}, for {self.table.height} portfolios")

    def rank_of(self, parameters: Mapping[str, object]) -> int | None:
        """Return the rank, from 1, of the portfolio with these parameters; None if it is not in the sweep."""
        if not all(name in parameters for name in self.axes):
            return None
        wanted = tuple(parameters[name] for name in self.axes)
        rows = zip(*(self.table[name].to_list() for name in self.axes), strict=True)
        return next((rank for rank, row in enumerate(rows, 1) if row == wanted), None)


@dataclass(frozen=True, eq=False)
class ReportData:
    """One portfolio in full, the sweep that it was chosen from if there was one, and what was assumed."""

    name: str
    identity: str  # hex, of the result
    created_ns: int  # when the report was made, ns since 1970, UTC
    ts: NDArray[np.int64]  # [T] ns since 1970, UTC, rising
    equity: NDArray[np.float64]  # [T] account currency
    measures: Mapping[str, float]
    description: str = ""  # one sentence: what the strategy does
    data: str = ""  # one phrase: where the prices come from
    instruments: Sequence[str] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)  # of this portfolio, all of them
    told: Sequence[str] = ()  # those that the head of the page shows; the others are as they are by default
    benchmark: NDArray[np.float64] | None = None  # [T] equity of the same cash, bought and held
    benchmark_name: str = HOLD
    benchmark_measures: Mapping[str, float] = field(default_factory=dict)
    statistics: Mapping[str, float] = field(default_factory=dict)  # that one portfolio in full has
    benchmark_statistics: Mapping[str, float] = field(default_factory=dict)
    a_year: float = float("nan")  # N, the bars in a year
    zone: str = "UTC"  # of days, months and years
    exposure: NDArray[np.float64] | None = None  # [T] invested fraction of equity
    orders: int = 0  # decided; not all need have filled
    fills: Sequence[Fill] = ()
    trips: Trips = field(default_factory=lambda: Trips([], []))
    contributions: Sequence[Contribution] = ()
    prices: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)  # instrument -> [T] closes
    sweep: SweepData | None = None
    definitions: Mapping[str, Measure] = field(default_factory=lambda: MEASURES)
    assumptions: Sequence[tuple[str, str]] = ()  # what about, in words
    not_modelled: Sequence[tuple[str, str]] = ()
    remarks: Sequence[str] = ()  # what a reader must know of the data and of the run, a sentence each
    lineage: Mapping[str, str] = field(default_factory=dict)  # identities and versions
    command: str = ""  # that makes this result again

    def __post_init__(self) -> None:
        rows = len(self.ts)
        if not rows:
            raise DataError("a report needs at least one row")
        if np.any(np.diff(self.ts) <= 0):
            raise DataError("the report's rows do not rise in time")
        for what in ("equity", "benchmark", "exposure"):
            column = getattr(self, what)
            if column is None:
                continue
            if column.shape != (rows,):
                raise DataError(f"{what} has the shape {column.shape}, for {rows} rows")
            if not np.isfinite(column).any():
                raise DataError(f"{what} has no value at all")
            if what != "exposure" and column[np.isfinite(column)][0] <= 0.0:
                raise DataError(f"{what} begins at 0 or below: nothing can be said as a fraction of it")

    @property
    def local(self) -> NDArray[np.int64]:
        """Return what the clocks of the zone show at each row, ns since 1970. int64[T]."""
        return wall_clock(self.ts, self.zone)

    def traded(self) -> NDArray[np.float64]:
        """Return the value traded in each row, account currency. float64[T]."""
        rows = np.searchsorted(self.ts, [fill.ts_event for fill in self.fills])
        values = [abs(fill.quantity * fill.price) for fill in self.fills]
        return np.bincount(np.minimum(rows, len(self.ts) - 1), values, len(self.ts)).astype(np.float64)

    def measure(self, key: str) -> Measure:
        """Return the definition of `key`; a measure that nobody defined keeps its own name."""
        return self.definitions.get(key) or Measure(key, "ratio", "Not defined here.", "", "")

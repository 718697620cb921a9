"""What a notebook asks of a result: its measures by name, its returns, its round trips, a figure, a table.

`RunLook` and `SweepLook` are the parts of `RunResult` and `SweepResult` that only look at what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flotilla.config import RunConfig
from flotilla.errors import ConfigError, nearest
from flotilla.model.measures import MEASURES
from flotilla.model.panel import Panel
from flotilla.model.records import Fill, Order
from flotilla.research.annual import bars_a_year
from flotilla.research.plot import plot_run, plot_sweep
from flotilla.research.stats import stats_of
from flotilla.research.trips import Trip, trips_of
from flotilla.words import cut

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = NDArray[np.float64]
SHOWN = 10  # rows of a sweep that a notebook shows
_TIMES = ("entered", "left", "ts_event")


class RunLook:
    """What is asked of one portfolio in full. Every measure is an attribute too: `result.sharpe`."""

    config: RunConfig
    equity: Floats
    positions: Floats
    orders: list[Order]
    fills: list[Fill]
    measures: dict[str, float]
    remarks: tuple[str, ...]

    @property
    def panel(self) -> Panel:
        """Return the bars, warm-up included."""
        raise NotImplementedError

    @property
    def ts(self) -> NDArray[np.int64]:
        """Return when each bar began, int64[T], ns UTC."""
        raise NotImplementedError

    def __getattr__(self, name: str) -> float:
        """Return a measure by its name."""
        measures = self.__dict__.get("measures", {})
        if name in measures:
            return float(measures[name])
        known = [*measures, *(word for word in dir(type(self)) if not word.startswith("_"))]
        hint = "" if name.startswith("_") else nearest(name, known)
        raise AttributeError(f"{type(self).__name__} has no {name!r}{hint}")

    def __dir__(self) -> Iterable[str]:
        """Return what there is, the measures with it."""
        return [*super().__dir__(), *self.measures]

    @property
    def returns(self) -> Floats:
        """Return each bar's return, float64[T], row for row with `ts`; the first is on the starting cash."""
        before = np.append(self.config.portfolio.cash, self.equity[:-1])
        made: Floats = self.equity / before - 1.0
        return made

    @property
    def trades(self) -> pl.DataFrame:
        """Return a row for each round trip, in the order of the sales, and then those that are open still.

        entered, left: when; entry, exit: prices, of an open one the last close; profit: after fees.
        """
        close = self.panel.fields["close"]
        marks = {}
        for i, name in enumerate(self.panel.instruments):
            there = np.flatnonzero(~np.isnan(close[:, i]))
            if len(there):
                marks[name] = float(close[there[-1], i])
        trips = trips_of(self.fills, marks)
        rows = [
            {**trip._asdict(), "gain": trip.gain, "days": trip.days} for trip in [*trips.closed, *trips.open]
        ]
        names = [*Trip._fields, "gain", "days"]
        kinds: dict[str, Any] = {"instrument": pl.String, "entered": pl.Int64, "left": pl.Int64}
        schema = {name: kinds.get(name, pl.Float64) for name in names}
        return _dated(pl.DataFrame(rows, schema=schema))

    def stats(self, benchmark: RunLook | Floats | None = None) -> dict[str, float]:
        """Return every measure, and what only a portfolio in full has: Sortino ratio, tails, round trips.

        benchmark: another result of the same bars, or its equity, float64[T]: with it what is relative to it.
        """
        other = benchmark.equity if isinstance(benchmark, RunLook) else benchmark
        if other is not None and np.shape(other) != self.equity.shape:
            raise ConfigError(
                f"a benchmark has an equity for each bar: {np.shape(other)}, not {self.equity.shape}"
            )
        year = bars_a_year(self.ts)
        return self.measures | stats_of(self.ts, self.equity, self.fills, year, other, self.panel.zone)

    def plot(self, beside: Any = None) -> go.Figure:
        """Return a figure of equity and drawdown. beside: another result of the same bars, in grey."""
        return plot_run(self, beside)

    def frame_of_orders(self) -> pl.DataFrame:
        """Return a row for each order; ids of signals and decisions with blanks between them."""
        return _frame(self.orders, Order)

    def frame_of_fills(self) -> pl.DataFrame:
        """Return a row for each fill."""
        return _frame(self.fills, Fill)

    def _repr_html_(self) -> str:
        rows = [(MEASURES[name].title, told(value, name)) for name, value in self.measures.items()]
        return _section(repr(self), self.remarks, _table(("", self.config.name), rows))


class SweepLook:
    """What is asked of the table of a sweep."""

    config: RunConfig
    table: pl.DataFrame
    remarks: tuple[str, ...]

    @property
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """Return what was swept: key -> its values."""
        raise NotImplementedError

    def best(self, n: int = 10) -> pl.DataFrame:
        """Return the n best by the measure that ranks them."""
        return self.table.head(n)

    def plot(self, x: str | None = None, y: str | None = None) -> go.Figure:
        """Return a heat map of the measure that ranks. x, y: keys of the sweep, the last two by default."""
        return plot_sweep(self, x, y)

    def _repr_html_(self) -> str:
        shown = self.table.head(SHOWN)
        names = [name if name not in MEASURES else MEASURES[name].title for name in shown.columns]
        rows = [
            [told(value, name) for name, value in zip(shown.columns, row, strict=True)]
            for row in shown.rows()
        ]
        return _section(repr(self), self.remarks, _table(names, rows))


def told(value: Any, name: str) -> str:
    """Return a figure as a table shows it. name: of its measure, or of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    unit = MEASURES[name].unit if name in MEASURES else ""
    if isinstance(value, float) and not np.isfinite(value):
        return "n/a"
    if unit == "percent":
        return f"{value:.2%}"
    return f"{value:,.2f}" if unit else str(value)


def _section(title: str, remarks: Sequence[str], table: str) -> str:
    notes = "".join(f"<li>{escape(remark)}</li>" for remark in remarks)
    return f"<p>{escape(title)}</p>{f'<ul>{notes}</ul>' if notes else ''}{table}"


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in headers)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _frame(records: Sequence[Any], kind: type[msgspec.Struct]) -> pl.DataFrame:
    """Return records as a table of plain columns, which any file can hold; without records its columns."""
    names = kind.__struct_fields__
    rows = [[_flat(getattr(record, name)) for name in names] for record in records]
    return _dated(pl.DataFrame(rows, schema=list(names), orient="row", infer_schema_length=None))


def _flat(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else value


def _dated(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a table with its times as times, UTC."""
    there = [name for name in _TIMES if name in frame.columns]
    return frame.with_columns(pl.col(there).cast(pl.Int64).cast(pl.Datetime("ns", "UTC")))


def measured(measure: Callable[[Floats], float], portfolio: int, equity: Floats) -> float:
    """Return what a measure of one's own says of a portfolio. ConfigError if that is no number.

    equity: float64[T], account currency.
    """
    said = measure(equity)
    try:
        return float(said)
    except (TypeError, ValueError) as error:
        name = getattr(measure, "__name__", "measure")
        raise ConfigError(
            f"the measure {name} should give a number (NaN for none): of portfolio {portfolio} it gave "
            f"{cut(said)}"
        ) from error


def ranked_by(
    table: pl.DataFrame, measure: str | Callable[[Floats], float], values: Mapping[int, float], lower: bool
) -> pl.DataFrame:
    """Return a sweep's table with a measure of one's own as its last column, the best first.

    values: portfolio -> value; those without one are left out. lower: the least is the best.
    """
    name = measure if isinstance(measure, str) else getattr(measure, "__name__", "measure").strip("<>")
    if name in table.columns:
        raise ConfigError(f"the table has a column {name!r} already: call the measure otherwise")
    own = pl.DataFrame({"portfolio": list(values), name: list(values.values())}, nan_to_null=True)
    own = own.with_columns(pl.col("portfolio").cast(table["portfolio"].dtype))
    return table.join(own, on="portfolio").sort(
        [name, "portfolio"], descending=[not lower, False], nulls_last=True
    )

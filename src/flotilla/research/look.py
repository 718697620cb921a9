"""What a notebook asks of a result: its measures by name, its returns, its round trips, a figure, a table.

`RunLook` and `SweepLook` are the parts of `RunResult` and `SweepResult` that only look at what is there.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from flotilla.config import RunConfig
from flotilla.errors import ConfigError, line_of, nearest
from flotilla.model.arrays import Floats
from flotilla.model.measures import MEASURES
from flotilla.model.panel import Panel
from flotilla.model.records import Fill, Order
from flotilla.research.annual import bars_a_year
from flotilla.research.beside import beside as beside_of
from flotilla.research.plot import plot_run, plot_sweep
from flotilla.research.stats import stats_of
from flotilla.research.trips import Trip, trips_of
from flotilla.words import cut

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHOWN = 10  # rows of a sweep that a notebook shows
_TIMES = ("entered", "left", "ts_event")


class RunLook:
    """What is asked of one portfolio in full. Every measure is an attribute too: `result.sharpe`."""

    config: RunConfig
    bars: NDArray[np.int64]
    equity: Floats
    positions: Floats
    orders: list[Order]
    fills: list[Fill]
    measures: dict[str, float]
    remarks: tuple[str, ...]

    @property
    @abstractmethod
    def panel(self) -> Panel:
        """Return the bars, warm-up included."""

    @property
    @abstractmethod
    def ts(self) -> NDArray[np.int64]:
        """Return when each bar began, int64[T], ns UTC."""

    def __getattr__(self, name: str) -> float:
        """Return a measure by its name."""
        measures = self.__dict__.get("measures", {})
        if name in measures:
            return float(measures[name])
        raise AttributeError(_no_such(self, name, measures))

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

    def stats(self, benchmark: Any = None) -> dict[str, float]:
        """Return every measure, and what only a portfolio in full has: Sortino ratio, tails, round trips.

        benchmark: with it what is relative to it. Another result, an equity of the same bars, float64[T], an
        instrument of the data, a file of prices, or a frame, series or panel of one instrument.
        """
        other = None if benchmark is None else beside_of(self, benchmark).equity
        year = bars_a_year(self.ts)
        return self.measures | stats_of(self.ts, self.equity, self.fills, year, other, self.panel.zone)

    def plot(self, beside: Any = None) -> go.Figure:
        """Return a figure of equity and drawdown. beside: in grey, whatever `stats` takes as a benchmark."""
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

    table: pl.DataFrame
    remarks: tuple[str, ...]

    @property
    @abstractmethod
    def config(self) -> RunConfig:
        """Return what was swept, with its axes."""

    @property
    @abstractmethod
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """Return what was swept: key -> its values."""

    def __getattr__(self, name: str) -> NoReturn:
        """Say where a measure is, and what there is."""
        if name in MEASURES and name in self.__dict__["table"].columns:
            raise AttributeError(
                f"{type(self).__name__} has a {name} of each portfolio: table[{name!r}], best first, or "
                f"result(portfolio).{name}"
            )
        raise AttributeError(_no_such(self, name, ()))

    def best(self, n: Any = 10) -> pl.DataFrame:
        """Return the n best by the measure that ranks them."""
        if not isinstance(n, int | np.integer) or n < 1:
            raise ConfigError(f"best({cut(n)}) should be how many are shown, 1 or more")
        return self.table.head(int(n))

    def plot(self, x: str | None = None, y: str | None = None) -> go.Figure:
        """Return a heat map of the measure that ranks; of one axis a line.

        x, y: keys of the sweep, the last two by default; "fast" where one strategy has it.
        """
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


def _no_such(result: Any, name: str, measures: Iterable[str]) -> str:
    """Return what is said of an attribute that a result has not."""
    known = {*measures, *(word for word in dir(type(result)) if not word.startswith("_"))}
    known |= {word for word in vars(result) if not word.startswith("_")}
    return f"{type(result).__name__} has no {name!r}{'' if name.startswith('_') else nearest(name, known)}"


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


def number_of(portfolio: Any) -> int:
    """Return the number of a portfolio; ConfigError where it is none: 1.5, a text, a row."""
    if isinstance(portfolio, bool) or not isinstance(portfolio, int | np.integer):
        raise ConfigError(
            f"a portfolio is asked for by its number (column portfolio of the table), not by {cut(portfolio)}"
        )
    return int(portfolio)


def numbers_of(portfolios: Any) -> NDArray[np.int64]:
    """Return the numbers of portfolios: int64[P]. Of rows of a table, those in its column portfolio."""
    if "portfolio" in getattr(portfolios, "columns", ()):
        portfolios = portfolios["portfolio"].to_list()
    many = isinstance(portfolios, Iterable) and not isinstance(portfolios, str | bytes)
    return np.array([number_of(each) for each in (portfolios if many else [portfolios])], np.int64)


def measured(measure: Callable[[Floats], float], portfolio: int, equity: Floats) -> float:
    """Return what a measure of one's own says of a portfolio. ConfigError if that is no number.

    equity: float64[T], account currency.
    """
    name = getattr(measure, "__name__", "measure")
    try:
        said = measure(equity)
    except Exception as error:
        where = f"{name}{line_of(error, getattr(measure, '__module__', ''))}"
        raise ConfigError(
            f"the measure {where} failed on portfolio {portfolio}, whose equity it is handed, float64"
            f"[{len(equity)}]: {type(error).__name__}: {error}"
        ) from error
    value = np.asarray(said)
    if value.ndim or value.dtype.kind not in "biuf":
        many = "; of many take one, as equity[-1]" if value.ndim else ""
        raise ConfigError(
            f"the measure {name} should give a number (NaN for none{many}): of portfolio {portfolio} it gave "
            f"{cut(said)}"
        )
    return float(value)


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

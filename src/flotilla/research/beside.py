"""Something that is named beside a portfolio, on its bars: another run, its equity, or a price.

It is taken without costs: an instrument of the data, a file of prices, a frame, a series or a panel of one
instrument, another run, or an equity of the same bars.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

from flotilla.config import RunConfig
from flotilla.errors import ConfigError, FlotillaError, UnknownName
from flotilla.kernel.records import new_sums
from flotilla.model.arrays import Floats
from flotilla.model.panel import Panel
from flotilla.plugins import find
from flotilla.research.annual import bars_a_year, years_of
from flotilla.research.configure import panel_from
from flotilla.research.market import open_panel
from flotilla.research.measures import measures_of
from flotilla.research.returns import returns_of
from flotilla.words import cut

OF_EQUITY = ("final_equity", "total_return", "cagr", "volatility", "sharpe", "max_drawdown", "calmar")


class Benchmark(NamedTuple):
    """Something beside a portfolio, on its bars."""

    name: str
    equity: Floats  # [T] account currency, from the portfolio's starting cash; NaN before it has a price
    measures: dict[str, float]


@runtime_checkable
class Ran(Protocol):
    """A portfolio in full, as a `RunResult` is. T: its bars."""

    @property
    def config(self) -> RunConfig:
        """Return its configuration."""

    @property
    def equity(self) -> Floats:
        """Return its equity, float64[T], account currency."""

    @property
    def bars(self) -> NDArray[np.int64]:
        """Return the rows of its bars in the panel, int64[T]."""

    @property
    def panel(self) -> Panel:
        """Return the bars, warm-up included."""

    @property
    def ts(self) -> NDArray[np.int64]:
        """Return when each bar began, int64[T], ns UTC."""


def beside(result: Ran, named: Any, folder: Path | None = None) -> Benchmark:
    """Return what is named, on the portfolio's bars.

    named: an instrument of the data, the path of a file of prices, a pandas or polars frame or series, a dict
    of them, a Panel, another result, or an equity, float64[T], of the same bars. folder: where paths, and the
    user's own files, begin. ConfigError where it is none of these, or has no price on the portfolio's bars.
    """
    if isinstance(named, Ran):
        stamps = named.panel.ts_recv[named.bars]
        same = np.array_equal(stamps, result.panel.ts_recv[result.bars])
        if same and named.config.portfolio.cash == result.config.portfolio.cash:
            return _measured(named.config.name, named.equity, result)
        return _aligned(named.config.name, stamps, named.equity, result)
    if isinstance(named, np.ndarray | list | tuple):
        return _measured("benchmark", _equity(named, result), result)
    panel = _panel(named, result, folder)
    if len(panel.instruments) != 1:
        have = ", ".join(panel.instruments[:5])
        raise ConfigError(f"a benchmark is one instrument; {panel.name} has {len(panel.instruments)}: {have}")
    return _aligned(panel.instruments[0], panel.ts_recv, panel.fields["close"][:, 0], result)


def _equity(values: Any, result: Ran) -> Floats:
    """Return an equity that was given without times; ConfigError unless it is one, of the same bars."""
    try:
        equity = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"a benchmark's equity is numbers, it is {cut(values)}") from error
    if equity.shape != result.equity.shape:
        raise ConfigError(
            f"a benchmark has an equity for each bar: {equity.shape}, not {result.equity.shape}"
        )
    if not (np.isnan(equity) | (equity > 0.0)).all():
        raise ConfigError(
            "a benchmark is prices or equity, above 0: of returns, give np.cumprod(1 + returns)"
        )
    return equity


def _panel(named: Any, result: Ran, folder: Path | None) -> Panel:
    """Return the prices that are meant, of one instrument if all is well."""
    if isinstance(named, Panel):
        return named
    if not isinstance(named, str | Path):
        if isinstance(named, type) or not (
            isinstance(named, Mapping) or hasattr(named, "columns") or hasattr(named, "to_list")
        ):
            raise ConfigError(
                "a benchmark is an instrument, a file of prices, a frame or series, a panel, or another "
                f"RunResult; it is {cut(named)}"
            )
        return panel_from(named)
    text, mine = str(named), result.panel
    if text in mine.instruments:
        return mine.only([text])
    path = (folder or Path()) / text
    if path.is_file():
        suffix = path.suffix.lower().removeprefix(".")
        panel: Panel = find("source", "parquet" if suffix == "parquet" else "csv")(path=str(path)).panel()
        return panel
    data = msgspec.structs.replace(result.config.data, instruments=(text,))
    try:
        return open_panel(msgspec.structs.replace(result.config, data=data), folder)
    except FlotillaError as error:
        raise UnknownName("benchmark: no file is there, and no instrument", text, mine.instruments) from error


def _aligned(name: str, ts_recv: NDArray[np.int64], price: Floats, result: Ran) -> Benchmark:
    """Return a price as an equity on a portfolio's bars: the last one known at each, without costs."""
    there = np.isfinite(price)
    when, price = ts_recv[there], price[there]
    rows = np.searchsorted(when, result.panel.ts_recv[result.bars], side="right") - 1
    known = rows >= 0
    if not known.any():
        raise ConfigError(f"the benchmark {name} has no price on the bars of {result.config.name}")
    first = int(np.argmax(known))
    equity = np.where(known, result.config.portfolio.cash * (price[rows] / price[rows[first]]), np.nan)
    return _measured(name, equity, result)


def _measured(name: str, equity: Floats, result: Ran) -> Benchmark:
    """Return an equity with its measures, from its first value on."""
    first = int(np.argmax(~np.isnan(equity)))
    a_year = bars_a_year(result.panel.ts_event)
    return Benchmark(name, equity, _measures(equity[first:], result.ts[first:], a_year))


def _measures(equity: Floats, ts: NDArray[np.int64], a_year: float) -> dict[str, float]:
    """Return the measures of an equity curve that need nothing else, as those of a portfolio are computed."""
    r = returns_of(equity)
    start = equity[:1]
    sums = new_sums(start)._replace(
        equity=equity[-1:],
        total=np.array([r.sum()]),
        square=np.array([np.sum(r * r)]),
        drawdown=np.array([np.max(1.0 - equity / np.maximum.accumulate(equity))]),
    )
    found = measures_of(sums, start, len(equity), years_of(ts), a_year)
    return {name: float(found[name][0]) for name in OF_EQUITY}

"""Figures for a notebook: of one portfolio, or of a sweep. A report draws its own (research/report)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from flotilla.config import RunConfig
from flotilla.config.paths import split_path
from flotilla.errors import ConfigError, UnknownName
from flotilla.model.measures import MEASURES
from flotilla.research.beside import Ran
from flotilla.research.beside import beside as benchmark

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Swept(Protocol):
    """What a figure of a sweep needs of a `SweepResult`."""

    table: pl.DataFrame

    @property
    def config(self) -> RunConfig:
        """Return what was swept."""

    @property
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """Return what was swept: key -> its values."""


def plot_run(result: Ran, beside: Any = None) -> go.Figure:
    """Return equity, on a logarithmic scale, over drawdown.

    beside: another run, or whatever else is named as a benchmark (research/beside.py), in grey.
    """
    from plotly.subplots import make_subplots  # here, because it takes a moment and is not always wanted

    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.04)
    drawn = [(result.config.name, result.equity, "#1f6feb")]
    if beside is not None:
        other = benchmark(result, beside)
        drawn.insert(0, (other.name, other.equity, "#9aa3ad"))
    when = result.ts.astype("datetime64[ns]")
    for name, equity, colour in drawn:
        line = {"color": colour, "width": 1.5}
        fall = equity / np.fmax.accumulate(equity) - 1.0
        figure.add_scatter(x=when, y=equity, name=name, line=line, row=1, col=1)
        figure.add_scatter(x=when, y=fall, showlegend=False, line=line, row=2, col=1)
    figure.update_yaxes(type="log", title="equity", row=1, col=1)
    figure.update_yaxes(tickformat=".0%", title="drawdown", row=2, col=1)
    return figure.update_layout(template="plotly_white", hovermode="x unified", title=result.config.name)


def plot_sweep(result: Swept, x: str | None = None, y: str | None = None) -> go.Figure:
    """Return the measure that ranks over one or two axes: the best of what is swept besides.

    Two axes are a heat map, one is a line. x, y: keys of the sweep ("fast" where one strategy has it), the
    last two by default. UnknownName where a key is not swept, ConfigError where nothing is.
    """
    import plotly.graph_objects as go

    swept = [key for key, values in result.axes.items() if len(values) > 1]
    if not swept:
        raise ConfigError("a figure of a sweep needs a swept parameter; there is none")
    along = [axis_of(key, result.axes) for key in (x, y) if key is not None]
    if len(along) != len(set(along)):
        raise ConfigError(f"a heat map is over two swept parameters, not over {along[0]} twice")
    along += [key for key in reversed(swept) if key not in along][: 2 - len(along)]
    if x is None and y is not None:
        along.reverse()
    rank_by = result.config.rank_by
    title = f"{result.config.name}: the best of {result.table.height:,} is luck until shown otherwise"
    sides = [_in_order(result.axes[key]) for key in along]
    places = [{value: n for n, value in enumerate(side)} for side in sides]
    best = np.full([len(side) for side in sides], np.nan)
    for *at, value in reversed(result.table.select(*along, rank_by).rows()):  # the table has the best first
        if value is not None:
            best[tuple(place[each] for place, each in zip(places, at, strict=True))] = value
    sides = [["none" if value is None else value for value in side] for side in sides]
    if len(along) == 1:
        drawn, upward = go.Scatter(x=sides[0], y=best, mode="lines+markers"), MEASURES[rank_by].title
    else:
        told = {"title": MEASURES[rank_by].title}
        drawn = go.Heatmap(x=sides[0], y=sides[1], z=best.T, colorscale="Cividis", colorbar=told)
        upward = along[1]
    shown = {"template": "plotly_white", "xaxis_title": along[0], "yaxis_title": upward, "title": title}
    return go.Figure(drawn).update_layout(**shown)


def axis_of(key: Any, axes: Mapping[str, Any]) -> str:
    """Return the axis of a sweep that a key names: "trend.fast", or "fast" where it is the only one."""
    meant = [axis for axis in axes if key in (axis, split_path(axis).name)]
    if not meant:
        raise UnknownName("axis of the sweep", str(key), axes)
    if len(meant) > 1:
        raise ConfigError(f"say which {key!r} is meant: {' or '.join(meant)}")
    return meant[0]


def _in_order(values: Sequence[Any]) -> list[Any]:
    """Return an axis's values as it is drawn: numbers from the least on, others as they were given."""
    return sorted(values) if all(isinstance(value, int | float) for value in values) else list(values)

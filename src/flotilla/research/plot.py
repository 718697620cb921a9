"""Figures for a notebook: of one portfolio, or of a sweep. A report draws its own (research/report)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from flotilla.config import RunConfig
from flotilla.errors import ConfigError
from flotilla.model.measures import MEASURES

if TYPE_CHECKING:
    import plotly.graph_objects as go


class Run(Protocol):
    """What a figure of one portfolio needs of a `RunResult`."""

    config: RunConfig
    equity: NDArray[np.float64]

    @property
    def ts(self) -> NDArray[np.int64]:
        """Return when each bar began, int64[T], ns UTC."""


class Swept(Protocol):
    """What a figure of a sweep needs of a `SweepResult`."""

    config: RunConfig
    table: pl.DataFrame

    @property
    def axes(self) -> Mapping[str, tuple[Any, ...]]:
        """Return what was swept: key -> its values."""


def plot_run(result: Run, beside: Run | None = None) -> go.Figure:
    """Return equity, on a logarithmic scale, over drawdown. beside: another run of the same bars, in grey."""
    from plotly.subplots import make_subplots  # here, because it takes a moment and is not always wanted

    figure = make_subplots(rows=2, shared_xaxes=True, row_heights=[0.7, 0.3], vertical_spacing=0.04)
    for run, colour in ((beside, "#9aa3ad"), (result, "#1f6feb")):
        if run is None:
            continue
        when, fall = run.ts.astype("datetime64[ns]"), run.equity / np.maximum.accumulate(run.equity) - 1.0
        line = {"color": colour, "width": 1.5}
        figure.add_scatter(x=when, y=run.equity, name=run.config.name, line=line, row=1, col=1)
        figure.add_scatter(x=when, y=fall, showlegend=False, line=line, row=2, col=1)
    figure.update_yaxes(type="log", title="equity", row=1, col=1)
    figure.update_yaxes(tickformat=".0%", title="drawdown", row=2, col=1)
    return figure.update_layout(template="plotly_white", hovermode="x unified", title=result.config.name)


def plot_sweep(result: Swept, x: str | None = None, y: str | None = None) -> go.Figure:
    """Return a heat map of the measure that ranks, over two axes: the best of what is swept besides.

    x, y: keys of the sweep; the last two by default. ConfigError where fewer than two are swept.
    """
    import plotly.graph_objects as go

    keys = [key for key, values in result.axes.items() if len(values) > 1]
    if len(keys) < 2:
        raise ConfigError(f"a heat map needs two swept parameters; there are {len(keys)}: {', '.join(keys)}")
    x, y = x or keys[-1], y or keys[-2]
    rank_by = result.config.rank_by
    best = result.table.group_by([x, y], maintain_order=True).first()  # the table has the best first
    grid = best.pivot(on=x, index=y, values=rank_by).sort(y)
    columns = sorted((name for name in grid.columns if name != y), key=float)
    heat = go.Heatmap(
        x=[float(name) for name in columns],
        y=grid[y].to_list(),
        z=grid.select(columns).to_numpy(),
        colorscale="Cividis",
        colorbar={"title": MEASURES[rank_by].title},
    )
    title = f"{result.config.name}: the best of {result.table.height:,} is luck until shown otherwise"
    return go.Figure(heat).update_layout(template="plotly_white", xaxis_title=x, yaxis_title=y, title=title)

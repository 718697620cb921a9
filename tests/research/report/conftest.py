"""A small run and a small sweep, made up, for the report's tests."""

import numpy as np
import polars as pl
import pytest

from flotilla.model.records import Fill
from flotilla.research.report import NOT_MODELLED, ReportData, SweepData, assumptions_of

DAY = 86_400_000_000_000


def ns(*days):
    return np.array(days, "datetime64[ns]").astype(np.int64)


def walk(rows, seed):
    """Return an equity curve that wanders. float64[T]."""
    steps = np.random.default_rng(seed).normal(3e-4, 0.01, rows)
    return 1e6 * np.exp(np.cumsum(np.append(0.0, steps[1:])))


def fill(ts, quantity, price, instrument="KO", fee=1.0):
    name = f"{instrument}-{ts}"
    return Fill(name, name, "cross-00000", instrument, int(ts), 0, price, quantity, fee)


def sweep_of(axes, rank_by="sharpe", score=lambda *values: float(sum(values)), descending=True):
    """Return the sweep over all combinations of `axes` in which a portfolio is as good as `score` says."""
    rows = [{}]
    for name, values in axes.items():
        rows = [{**row, name: value} for row in rows for value in values]
    rows = [{**row, rank_by: score(*row.values())} for row in rows]
    table = pl.DataFrame(rows).sort(rank_by, descending=descending, nulls_last=True)
    return SweepData(axes, table, rank_by)


@pytest.fixture
def made():
    """Return a maker of reports: all there is, but for what the test says otherwise."""

    def make(rows=800, **otherwise):
        ts = ns("2019-11-04")[0] + DAY * np.arange(rows)
        portfolio = {"cash": 1e6, "fee_bps": 10.0, "fill_at": "auto", "size_at": "decision"}
        values = {
            "name": "cross",
            "identity": "ab12" * 8,
            "created_ns": int(ns("2024-05-06T07:08:09")[0]),
            "ts": ts,
            "equity": walk(rows, 1),
            "measures": {"sharpe": 0.8, "max_drawdown": 0.31, "final_equity": 1_234_567.0},
            "benchmark": walk(rows, 2),
            "benchmark_measures": {"sharpe": 0.5, "max_drawdown": 0.5},
            "exposure": np.linspace(0.0, 1.0, rows),
            "orders": 3,
            "fills": [fill(ts[0], 10.0, 50.0), fill(ts[-1], -10.0, 60.0)],
            "instruments": ("KO", "PEP"),
            "parameters": {"cross.fast": 4, "cross.slow": 30},
            "sweep": sweep_of({"cross.fast": [2, 3, 4], "cross.slow": [10, 20, 30]}),
            "assumptions": assumptions_of(portfolio, 2, ("open", "close")),
            "not_modelled": NOT_MODELLED,
            "lineage": {"data": "cd34" * 8, "python": "3.11.7"},
            "command": "flotilla sweep cross.yaml",
        }
        return ReportData(**{**values, **otherwise})

    return make

"""report.json: every number behind the page, for programs.

Strict JSON: a number that is not there is null, never NaN. Times are ISO 8601, UTC. Arrays side by side have
the same rows: those of `curves` have the times `curves.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import nlargest

import msgspec
import numpy as np
from numpy.typing import NDArray

from flotilla.research.periods import (
    Drawdown,
    PeriodUnit,
    Returns,
    drawdown,
    returns_by,
    turnover_by,
    worst_drawdowns,
)
from flotilla.research.report.data import ReportData
from flotilla.research.report.heatmap import histogram
from flotilla.research.report.risk import windows
from flotilla.research.report.sections import Explored
from flotilla.research.report.surface import surface_values
from flotilla.research.report.tables import BEST, DEEPEST, LARGEST
from flotilla.research.report.verdict import chosen, luck, verdict
from flotilla.research.trips import Trip

FORMAT = "flotilla-report/1"


def document(data: ReportData, found: Explored | None) -> bytes:
    """Return the report as JSON, UTF-8."""
    spread = found.spread if found else None
    whole = {
        "format": FORMAT,
        "name": data.name,
        "description": data.description,
        "identity": data.identity,
        "created": _iso(np.array([data.created_ns]))[0],
        "data": data.data,
        "instruments": list(data.instruments),
        "parameters": _plain(data.parameters),
        "verdict": verdict(data),
        "warning": [luck(spread), chosen(data, spread)],
        "remarks": list(data.remarks),
        "skill_or_luck": {"deflated_sharpe": None, "pbo": None, "spa": None},
        "measures": _plain(data.measures),
        "statistics": _plain(data.statistics),
        "benchmark": {
            "name": data.benchmark_name,
            "measures": _plain(data.benchmark_measures),
            "statistics": _plain(data.benchmark_statistics),
        },
        "bars_a_year": data.a_year,
        "definitions": {key: data.measure(key)._asdict() for key in (*data.measures, *data.statistics)},
        "curves": _curves(data),
        "years": _returns(data, "Y"),
        "months": _returns(data, "M"),
        "drawdowns": [_fall(fall) for fall in worst_drawdowns(data.ts, data.equity, DEEPEST)],
        "rolling": _rolling(data),
        "profit_by_instrument": [part._asdict() for part in data.contributions],
        "round_trips": [_trip(trip) for trip in (*data.trips.closed, *data.trips.open)],
        "orders": _orders(data),
        "sweep": None if found is None else _sweep(found),
        "assumptions": [list(pair) for pair in data.assumptions],
        "not_modelled": [list(pair) for pair in data.not_modelled],
        "lineage": dict(data.lineage),
        "command": data.command,
    }
    return msgspec.json.encode(whole)


def _curves(data: ReportData) -> dict[str, object]:
    lines: dict[str, object] = {
        "ts": _iso(data.ts),
        "equity": data.equity.tolist(),
        "drawdown": drawdown(data.equity).tolist(),
        "traded": data.traded().tolist(),
    }
    if data.benchmark is not None:
        lines |= {
            "benchmark": data.benchmark.tolist(),
            "benchmark_drawdown": drawdown(data.benchmark).tolist(),
        }
    if data.exposure is not None:
        lines["exposure"] = data.exposure.tolist()
    return lines


def _returns(data: ReportData, unit: PeriodUnit) -> dict[str, object]:
    own = returns_by(unit, data.local, data.equity)
    columns: dict[str, object] = {
        "start": [str(day) for day in own.start],
        "part": own.part.tolist(),
        "return": own.value.tolist(),
        "turnover": _values(turnover_by(unit, data.local, data.traded(), data.equity)),
    }
    if data.benchmark is not None:
        columns["benchmark"] = _values(returns_by(unit, data.local, data.benchmark))
    return columns


def _values(returns: Returns) -> list[float]:
    values: list[float] = returns.value.tolist()
    return values


def _rolling(data: ReportData) -> dict[str, object] | None:
    """Return the rolling statistics, a value for each of `curves.ts` but the first."""
    found = windows(data)
    if found is None:
        return None
    own, other = found
    told: dict[str, object] = {
        "window": own.window,
        "sharpe": own.sharpe.tolist(),
        "volatility": own.volatility.tolist(),
    }
    if other is not None:
        told |= {"benchmark_sharpe": other.sharpe.tolist(), "benchmark_volatility": other.volatility.tolist()}
    return told


def _trip(trip: Trip) -> dict[str, object]:
    entered, left = (None if ts is None else _iso(np.array([ts]))[0] for ts in (trip.entered, trip.left))
    return {**trip._asdict(), "entered": entered, "left": left, "gain": trip.gain, "days": trip.days}


def _fall(fall: Drawdown) -> dict[str, object]:
    times = ("peak", fall.peak), ("trough", fall.trough), ("recovered", fall.recovered)
    dated = {name: None if ts is None else _iso(np.array([ts]))[0] for name, ts in times}
    return {**dated, "depth": fall.depth}


def _orders(data: ReportData) -> dict[str, object]:
    largest = nlargest(LARGEST, data.fills, key=lambda fill: abs(fill.quantity * fill.price))
    return {
        "decided": data.orders,
        "fills": len(data.fills),
        "buys": sum(fill.quantity > 0 for fill in data.fills),
        "traded": sum(abs(fill.quantity * fill.price) for fill in data.fills),
        "fees": sum(fill.fee for fill in data.fills),
        "largest": largest,
    }


def _sweep(found: Explored) -> dict[str, object]:
    sweep, surface, values = found.sweep, found.surface, surface_values(found.sweep)
    counts, edges = histogram(values) if len(values) else (np.zeros(0, np.int64), np.zeros(0))
    columns = [*sweep.axes, sweep.rank_by]
    return {
        "axes": {name: [_scalar(v) for v in values] for name, values in sweep.axes.items()},
        "rank_by": sweep.rank_by,
        "spread": found.spread._asdict(),
        "heat_map": {
            "rows": surface.rows,
            "columns": surface.columns,
            "best_over": list(surface.over),
            "values": surface.values.tolist(),
        },
        "distribution": {"counts": counts.tolist(), "edges": edges.tolist()},
        "best": [_plain(row) for row in sweep.table.head(BEST).iter_rows(named=True)],
        "portfolios": {column: [_scalar(v) for v in sweep.table[column].to_list()] for column in columns},
    }


def _plain(values: Mapping[str, object]) -> dict[str, object]:
    return {key: _scalar(value) for key, value in values.items()}


def _scalar(value: object) -> object:
    """Return a value that JSON has: numpy's numbers as Python's, and what JSON does not have as text."""
    if isinstance(value, np.generic):
        value = value.item()
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _iso(ts: NDArray[np.int64]) -> list[str]:
    """Return times in seconds where they are whole, else to the nanosecond. ts: int64[T] ns."""
    times = ts.astype("datetime64[ns]")
    if not np.any(ts % 1_000_000_000):
        times = times.astype("datetime64[s]")
    return [f"{time}Z" for time in times.astype(str).tolist()]

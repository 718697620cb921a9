"""What a live run left behind, read from its logs: the same columns that research has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.live.folder import Run
from flotilla.live.messages import DECIDED, FILLS, KEPT, SIGNALS, arrays
from flotilla.live.roles import ACKS_LOG, EQUITY_LOG, FILLS_LOG, ORDERS_LOG, SIGNALS_LOG, LogStream
from flotilla.model.arrays import Floats
from flotilla.model.records import Fill, Order
from flotilla.stream.codec import Codec, LogRow
from flotilla.stream.log import LogNotBegun

_SLICE = 4_096


class LiveResult(NamedTuple):
    """What one portfolio did, bar by bar. T: the bars that were simulated, from the run's first on."""

    ts: NDArray[np.int64]  # [T] ns UTC, of the bars
    equity: Floats  # [T] account currency
    cash: Floats  # [T] account currency
    orders: list[Order]  # as they were written down
    fills: list[Fill]  # as they were told
    signals: dict[str, Floats]  # strategy -> float64[T', I]; T' may be ahead of T
    ack_ns: NDArray[np.int64]  # from a bar's being written down to its order request's answer


def read_results(run: Run) -> dict[str, LiveResult]:
    """Return what each portfolio of a run has done so far, by its id. It may be running still."""
    signals = {name: _signals(run, name) for name in run.strategies}
    accounts = _by_portfolio(run, EQUITY_LOG, KEPT)
    acks = _by_portfolio(run, ACKS_LOG, KEPT)
    decided = _by_portfolio(run, ORDERS_LOG, DECIDED)
    filled = _by_portfolio(run, FILLS_LOG, FILLS)
    return {
        name: LiveResult(
            ts=np.array([account.ts_event for account in accounts[name]], np.int64),
            equity=np.array([account.equity for account in accounts[name]]),
            cash=np.array([account.cash for account in accounts[name]]),
            orders=[order for decision in decided[name] for order in decision.orders],
            fills=[fill for told in filled[name] for fill in told.fills],
            signals={strategy: signals[strategy] for strategy in one.strategies},
            ack_ns=np.array([ack.latency_ns for ack in acks[name]], np.int64),
        )
        for name, one in run.portfolios.items()
    }


def _by_portfolio(run: Run, stream: LogStream, codec: Codec[Any]) -> dict[str, list[Any]]:
    """Return the records of a stream, each under the portfolio that it is of."""
    found: dict[str, list[Any]] = {name: [] for name in run.portfolios}
    for row in _rows(run, stream):
        record = codec.decode(row.payload)
        found[record.portfolio_id].append(record)
    return found


def _signals(run: Run, name: str) -> Floats:
    said = [SIGNALS.decode(row.payload).strengths for row in _rows(run, SIGNALS_LOG, name)]
    return arrays(said, (len(run.manifest.instruments),))


def _rows(run: Run, stream: LogStream, of: str = "") -> Iterator[LogRow]:
    try:
        reader = run.reader(stream, of)
    except LogNotBegun:  # it was stopped, or had no room, before this role wrote anything
        return
    with closing(reader):
        after = 0
        while rows := reader.read(after, _SLICE):
            yield from rows
            after = rows[-1].seq

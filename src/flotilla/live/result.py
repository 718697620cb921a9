"""What a live run left behind, read from its logs: the same columns that research has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.live.folder import Run
from flotilla.live.messages import DECIDED, FILLS, KEPT, SIGNALS, arrays
from flotilla.live.progress import Progress
from flotilla.model.arrays import Floats
from flotilla.model.records import Account, Fill, Order
from flotilla.stream.codec import Row
from flotilla.stream.log import LogNotBegun, LogReader

_SLICE = 4_096


class LiveResult(NamedTuple):
    """What a run did, bar by bar. T: the bars that were simulated, from the run's first on."""

    ts: NDArray[np.int64]  # [T] ns UTC, of the bars
    equity: Floats  # [T] account currency
    cash: Floats  # [T] account currency
    orders: list[Order]  # as they were written down
    fills: list[Fill]  # as they were told
    signals: dict[str, Floats]  # strategy -> float64[T', I]; T' may be ahead of T
    ack_ns: NDArray[np.int64]  # from a bar's being written down to its order request's answer


def read_result(folder: Path) -> LiveResult:
    """Return what the run in `folder` has done so far. It may be running still."""
    run = Run.read(folder)
    accounts = [KEPT.decode(row.payload) for row in _rows(run, "portfolio", "equity")]
    equity = [account for account in accounts if isinstance(account, Account)]
    decided = [DECIDED.decode(row.payload) for row in _rows(run, "orders", "intents")]
    filled = [FILLS.decode(row.payload) for row in _rows(run, "orders", "fills")]
    acks = [KEPT.decode(row.payload) for row in _rows(run, "portfolio", "acks")]
    count = len(run.manifest.instruments)
    return LiveResult(
        ts=np.array([account.ts_event for account in equity], np.int64),
        equity=np.array([account.equity for account in equity]),
        cash=np.array([account.cash for account in equity]),
        orders=[order for decision in decided for order in decision.orders],
        fills=[fill for told in filled for fill in told.fills],
        signals={name: _signals(run, name, count) for name in run.strategies},
        ack_ns=np.array([ack.latency_ns for ack in acks if not isinstance(ack, Account)], np.int64),
    )


def simulated_bars(folder: Path) -> int:
    """Return how many bars the run in `folder` has simulated, as far as it is written down."""
    with closing(Progress(Run.read(folder).log("portfolio"), "equity")) as progress:
        return progress.bars()


def _signals(run: Run, name: str, count: int) -> Floats:
    said = [SIGNALS.decode(row.payload).strengths for row in _rows(run, f"signals-{name}", "signals")]
    return arrays(said, (count,))


def _rows(run: Run, log: str, stream: str) -> Iterator[Row]:
    try:
        reader = LogReader(run.log(log), stream)
    except LogNotBegun:  # it was stopped, or had no room, before this role wrote anything
        return
    with closing(reader):
        after = 0
        while rows := reader.read(after, _SLICE):
            yield from rows
            after = rows[-1].seq

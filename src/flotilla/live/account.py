"""The portfolio of a run and its gateway, made as run.json says, and rehearsed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from flotilla.kernel.records import Risk, Row
from flotilla.live.folder import Run
from flotilla.model.records import Fill, Order
from flotilla.plugins import find
from flotilla.portfolio.market import InForce, no_risk
from flotilla.portfolio.single import Moment, Portfolio
from flotilla.stream.decisions import Decisions, decisions_for, read_decisions


class Gateway(Protocol):
    """Where orders go: a broker, or who plays one."""

    def taken(self, portfolio_id: str, orders: Sequence[Order]) -> Sequence[Order]:
        """Return those of a portfolio's orders of one bar that it has already, whoever sent them."""

    def accept(self, portfolio_id: str, orders: Sequence[Order]) -> None:
        """Take a portfolio's orders of one bar; `OrderRejected` if it has one of them already."""

    def fill(self, portfolio_id: str, moment: Moment, row: Row) -> list[Fill]:
        """Return what a bar filled of a portfolio's orders."""

    def state(self) -> dict[str, Any]:
        """Return all that the next bar depends on."""

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from a state that `state` returned, None: from the beginning. Called before all else."""

    def close(self) -> None:
        """Let go of what it holds."""


def portfolio_of(run: Run) -> Portfolio:
    """Return the run's portfolio before its first bar."""
    config, instruments = run.config, run.manifest.instruments
    return Portfolio(run.portfolio_id, config.portfolio, instruments, config.weights)


def gateway_of(run: Run, journal: Path | None = None) -> Gateway:
    """Return the run's gateway. journal: where it writes orders down; None: in a rehearsal, nowhere."""
    make = find("gateway", run.manifest.gateway, run.plugins)
    gateway: Gateway = make({run.portfolio_id: run.config.portfolio}, run.manifest.instruments, journal)
    return gateway


class Heeded:
    """What the run's portfolio heeds of what risk models said, bar by bar."""

    def __init__(self, run: Run) -> None:
        self._instruments = run.manifest.instruments
        self._nobody = no_risk(len(self._instruments))
        self._decisions: Decisions | None = None
        if run.decisions:
            table = read_decisions(run.decisions)
            known = run.panel().ts_recv
            self._decisions = decisions_for(table, run.portfolio_id, known, self._instruments)

    def at(self, bar: int) -> InForce:
        """Return what stands on a bar."""
        if self._decisions is None:
            return self._nobody
        ids = self._decisions.ids(bar, self._instruments)
        return InForce(Risk(self._decisions.scale[bar], self._decisions.cap[bar]), ids)


def rehearse(run: Run) -> None:
    """Take a portfolio and a gateway like the run's through two made bars.

    What is compiled is compiled, or loaded, at its first use: that is now, and not when the
    first order waits for it.
    """
    portfolio, gateway = portfolio_of(run), gateway_of(run)
    count = len(run.manifest.instruments)
    price, signals = np.ones(count), np.ones((len(run.strategies), count))
    row = Row(price, price, price, price, 0.0)
    orders = portfolio.advance(Moment(0, 0), row, signals, no_risk(count))
    gateway.accept(portfolio.portfolio_id, orders)
    portfolio.settle(gateway.fill(portfolio.portfolio_id, Moment(1, 1), row), row)

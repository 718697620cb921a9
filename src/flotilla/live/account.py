"""The portfolios of a run and its gateway, made as run.json says, and rehearsed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from flotilla.errors import ConfigError
from flotilla.kernel.records import Risk, Row
from flotilla.live.folder import Run
from flotilla.plugins import find
from flotilla.portfolio.market import InForce, no_risk
from flotilla.portfolio.single import Moment, Portfolio
from flotilla.portfolio.venue import Venue
from flotilla.stream.decisions import Decisions, decisions_for, read_decisions


def portfolios_of(run: Run) -> dict[str, Portfolio]:
    """Return the run's portfolios before their first bar, by their ids."""
    return {
        name: Portfolio(name, one.portfolio, run.manifest.instruments, one.weights)
        for name, one in run.portfolios.items()
    }


def gateway_of(run: Run, journal: Path | None = None) -> Venue:
    """Return the run's gateway. journal: where it writes orders down; None: in a rehearsal, nowhere."""
    make = find("gateway", run.manifest.gateway, run.plugins)
    terms = {name: one.portfolio for name, one in run.portfolios.items()}
    gateway = make(terms, run.manifest.instruments, journal)
    if not isinstance(gateway, Venue):
        name = run.manifest.gateway
        raise ConfigError(f"gateway {name} has no trade(): a replay needs one that is told bars, as paper is")
    return gateway


class HeededDecisions:
    """What a portfolio of the run heeds of what risk models said, bar by bar."""

    def __init__(self, run: Run, portfolio_id: str) -> None:
        self._instruments = run.manifest.instruments
        self._nobody = no_risk(len(self._instruments))
        self._decisions: Decisions | None = None
        if path := run.decisions(portfolio_id):
            known = run.panel().ts_recv
            self._decisions = decisions_for(read_decisions(path), portfolio_id, known, self._instruments)

    def at(self, bar: int) -> InForce:
        """Return what stands on a bar."""
        if self._decisions is None:
            return self._nobody
        ids = self._decisions.ids(bar, self._instruments)
        return InForce(Risk(self._decisions.scale[bar], self._decisions.cap[bar]), ids)


def rehearse(run: Run) -> None:
    """Take portfolios and a gateway like the run's through two made bars.

    What is compiled is compiled, or loaded, at its first use: that is now, and not when the
    first order waits for it.
    """
    gateway, count = gateway_of(run), len(run.manifest.instruments)
    price = np.ones(count)
    row = Row(price, price, price, price, 0.0)
    for name, portfolio in portfolios_of(run).items():
        signals = np.ones((len(run.portfolios[name].strategies), count))
        gateway.submit(portfolio.advance(Moment(0, 0), row, signals, no_risk(count)))
        gateway.trade(name, Moment(1, 1), row)
        portfolio.apply_fills([report.fill for report in gateway.reports() if report.fill], row)

"""The roles of a live run, each declared once: what it writes, what it reads, how far it is.

From this come the processes of a run (session/replay.py), who is waited for at a start (role.py), whom the
feed does not run ahead of (feed.py), and the files that nobody may take away (session/watch.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class LogStream(NamedTuple):
    """Rows of one kind in a log of a run."""

    log: str  # the log's name; {} in it is the name of the one that writes it
    name: str  # of the rows, in the log


BARS_LOG = LogStream("bars", "bars")
SIGNALS_LOG = LogStream("signals-{}", "signals")
ORDERS_LOG = LogStream("orders", "intents")
FILLS_LOG = LogStream("orders", "fills")
EQUITY_LOG = LogStream("portfolio", "equity")
ACKS_LOG = LogStream("portfolio", "acks")
GATEWAY = "gateway"  # the paper broker's own log, which nobody else reads


class LiveRole(NamedTuple):
    """A kind of process."""

    name: str  # flotilla.live.NAME is its module
    writes: tuple[LogStream, ...]
    reads: tuple[LogStream, ...] = ()  # that must be there before it begins; it waits for them
    each_bar: LogStream | None = None  # that gets a row for every bar; of several portfolios one for each
    needs: tuple[str, ...] = ()  # roles that are started before it
    every_strategy: bool = False  # there is one for each strategy; else one
    ends: bool = False  # it ends with the last bar, and the others are stopped then

    @property
    def log(self) -> str:
        """Return the name of the log that it alone writes."""
        return self.writes[0].log


class RoleProcess(NamedTuple):
    """A role as one of its processes is: a strategy's with the strategy's name."""

    role: LiveRole
    of: str  # the strategy; "" of a role that is there once

    @property
    def name(self) -> str:
        """Return what it is called in its fleet."""
        return f"{self.role.name}-{self.of}" if self.of else self.role.name

    @property
    def log(self) -> str:
        """Return the name of its log."""
        return self.role.log.format(self.of)


FEED = LiveRole("feed", writes=(BARS_LOG,))
STRATEGY = LiveRole(
    "strategy",
    writes=(SIGNALS_LOG,),
    reads=(BARS_LOG,),
    each_bar=SIGNALS_LOG,
    needs=("feed",),
    every_strategy=True,
)
EXECUTION = LiveRole("execution", writes=(ORDERS_LOG, FILLS_LOG), reads=(BARS_LOG,), needs=("feed",))
PORTFOLIO = LiveRole(
    "portfolio",
    writes=(EQUITY_LOG, ACKS_LOG),
    reads=(BARS_LOG, FILLS_LOG),
    each_bar=EQUITY_LOG,
    needs=("feed", "execution", "strategy"),
    ends=True,
)
ROLES = (FEED, EXECUTION, STRATEGY, PORTFOLIO)


def processes(strategies: Sequence[str]) -> list[RoleProcess]:
    """Return the processes of a run with these strategies."""
    return [RoleProcess(role, of) for role in ROLES for of in (strategies if role.every_strategy else ("",))]


def needed_by(role: LiveRole, strategies: Sequence[str]) -> Iterator[str]:
    """Yield the names of the processes that are started before one of a role."""
    return (each.name for each in processes(strategies) if each.role.name in role.needs)

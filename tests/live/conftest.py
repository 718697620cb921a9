"""A made run, its roles in one thread, and what they should come to."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.live.execution import Execution
from flotilla.live.feed import Feed
from flotilla.live.folder import Run, prepare
from flotilla.live.portfolio import Portfolios
from flotilla.live.result import LiveResult, read_results
from flotilla.live.strategy import Strategy, root_of
from flotilla.model.panel import Panel
from flotilla.portfolio.market import market_of
from flotilla.portfolio.simulate import simulate
from flotilla.stage.calendar import calendar_fields
from flotilla.stage.chunk import ChunkRunner
from flotilla.stream.decisions import decisions_for, read_decisions
from flotilla.stream.table import Store
from flotilla.testing.market import made_market

STRATEGIES = '''
"""Strategies of a user's own file."""

import numpy as np
from flotilla.stage.calendar import month, starts
from flotilla.stage.expression import close
from flotilla.stage.fold import OnBar
from flotilla.stage.operators import sma, where


def cross(fast: int = 3, slow: int = 10):
    """Long while the fast average is above the slow one."""
    return sma(close, fast) > sma(close, slow)


def monthly(window: int = 5):
    """At the start of a month, long what is above its average."""
    return where(starts(month), close > sma(close, window), np.nan)


class Levels(OnBar):
    """The highest and the lowest close so far."""

    outputs = ("top", "bottom")

    def start(self, instruments):
        return {"top": np.full(instruments, -np.inf), "bottom": np.full(instruments, np.inf)}

    def on_bar(self, state, bar):
        state["top"][:] = np.fmax(state["top"], bar.close)
        state["bottom"][:] = np.fmin(state["bottom"], bar.close)
        return state["top"], state["bottom"]


def middle():
    """Long in the upper half of where it has been."""
    levels = Levels()
    return close > (levels["top"] + levels["bottom"]) / 2


class Streak(OnBar):
    """Long after `n` closes in a row that did not fall."""

    def __init__(self, n: int = 2) -> None:
        self.n = n

    def start(self, instruments):
        return {"last": np.full(instruments, np.nan), "run": np.zeros(instruments)}

    def on_bar(self, state, bar):
        state["run"][:] = np.where(bar.close >= state["last"], state["run"] + 1, 0)
        state["last"][:] = np.where(np.isnan(bar.close), state["last"], bar.close)
        return np.where(np.isnan(bar.close), np.nan, (state["run"] >= self.n) * 1.0)
'''
DECISIONS = """ts_recv,model,portfolio,instrument,scale,cap
2000-03-01T00:00:00Z,stress,*,*,0.5,1.0
2000-04-03T00:00:00Z,liquidity,made,M2,1.0,0.1
2000-05-01T00:00:00Z,stress,*,*,1.0,1.0
"""
CONFIG = {
    "name": "made",
    "strategies": {
        "cross": {"kind": "mine:cross", "weight": 2.0},
        "monthly": {"kind": "mine:monthly", "weight": 0.5},
        "streak": {"kind": "mine:Streak", "params": {"n": 2}},
    },
    "portfolio": {
        "start": "2000-02-01",
        "decisions": "risk.csv",
        "min_trade": 100.0,
        "lot": 1.0,
        "slippage_bps": 5,
    },
}


SEVERAL = CONFIG | {
    "strategies": {**CONFIG["strategies"], "middle": {"kind": "mine:middle"}},
    "portfolio": {"start": "2000-02-01", "min_trade": 100.0, "slippage_bps": 5},
    "portfolios": {
        "all": {"decisions": "risk.csv"},
        "few": {"strategies": {"streak": 1, "cross": 0.5}, "fill_at": "close", "rebalance": "month"},
        "still": {"strategies": ["monthly"], "risk_tolerance": 0, "max_drawdown": 0.2},
        "lots": {"lot": 1.0, "size_at": "fill", "cash": 5000.0, "rebalance": {"every": "bar", "band": 0.01}},
    },
}


def expected(run: Run, panel: Panel) -> dict[str, LiveResult]:
    """Return what each portfolio of a run comes to, bar by bar in one process."""
    first, count = run.manifest.first, len(panel.instruments)
    fields = dict(panel.fields) | calendar_fields(panel.ts_event, panel.ts_recv, panel.zone, count)
    signals = {}
    with ExitStack() as stack:
        for name in run.strategies:
            runner = ChunkRunner([root_of(run, name, stack)], count, panel.ticks_per_unit)
            signals[name] = runner.advance(fields)[first:, :, 0]
    ts, acks = panel.ts_event[first:], np.empty(0, np.int64)
    whole = {name: np.concatenate([np.full((first, count), np.nan), said]) for name, said in signals.items()}
    found = {}
    for name, one in run.portfolios.items():
        decisions = None
        if path := run.decisions(name):
            decisions = decisions_for(read_decisions(path), name, panel.ts_recv, panel.instruments)
        market = market_of(panel, fields, first, one.portfolio, decisions)
        done = simulate(market, name, one.portfolio, one.weights, whole)
        own = {strategy: signals[strategy] for strategy in one.strategies}
        found[name] = LiveResult(ts, done.equity, done.cash, done.orders, done.fills, own, acks)
    return found


def assert_same(live: LiveResult, wanted: LiveResult) -> None:
    """Assert that two results are equal in every bit."""
    assert live.ts.tolist() == wanted.ts.tolist()
    assert live.equity.tobytes() == wanted.equity.tobytes()
    assert live.cash.tobytes() == wanted.cash.tobytes()
    assert [repr(order) for order in live.orders] == [repr(order) for order in wanted.orders]
    assert [repr(fill) for fill in live.fills] == [repr(fill) for fill in wanted.fills]
    assert {name: s.tobytes() for name, s in live.signals.items()} == {
        name: s.tobytes() for name, s in wanted.signals.items()
    }


class Cast:
    """All roles of a run, in one thread: each may be stepped, and may die, when a test says so."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._stacks: dict[str, ExitStack] = {}
        self.roles: dict[str, Any] = {}
        self.names = ["feed", "execution", *run.strategies, "portfolio"]

    def start(self, name: str) -> None:
        """Start a role, or start it again."""
        stack = self._stacks[name] = ExitStack()
        makers: dict[str, Callable[..., Any]] = {
            "feed": Feed,
            "execution": Execution,
            "portfolio": Portfolios,
        }
        if name in makers:
            self.roles[name] = makers[name](self.run, stack)
        else:
            self.roles[name] = Strategy(self.run, name, stack)

    def kill(self, name: str) -> None:
        """Let a role die: what it has not written down is lost."""
        self.roles.pop(name, None)
        self._stacks.pop(name).close()

    def step(self, name: str) -> None:
        """Let a role take a step, without waiting."""
        self.roles[name].step(0.0)

    def play(self, until: Callable[[], bool]) -> None:
        """Start who is not there, and let all take their steps in turn."""
        for name in self.names:
            if name not in self.roles:
                self.start(name)
        for _ in range(100_000):
            if until():
                return
            for name in self.names:
                self.step(name)
        raise AssertionError("the play does not end")

    def finish(self) -> LiveResult:
        """Play to the end, and return what came of the one portfolio."""
        (result,) = self.finish_all().values()
        return result

    def finish_all(self) -> dict[str, LiveResult]:
        """Play to the end, and return what came of each portfolio."""
        self.play(lambda: self.roles["portfolio"].done)
        self.roles["portfolio"].keep()
        return read_results(self.run)

    def close(self) -> None:
        """Let all die."""
        for name in list(self._stacks):
            self.kill(name)


@pytest.fixture
def panel() -> Panel:
    return made_market(seed=3, bars=160, instruments=4)


@pytest.fixture
def room() -> Iterator[Path]:
    """Return a folder whose path is short enough for sockets in it."""
    made = Path(tempfile.mkdtemp(prefix="fl-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture
def run(room: Path, panel: Panel) -> Run:
    """Return a run of the made panel, with some history before it."""
    (room / "mine.py").write_text(STRATEGIES)
    (room / "risk.csv").write_text(DECISIONS)
    return prepare(room / "run", decode(CONFIG), panel, Store(room), plugins=room)


@pytest.fixture
def cast(run: Run) -> Iterator[Cast]:
    made = Cast(run)
    yield made
    made.close()


@pytest.fixture
def several(room: Path, panel: Panel, run: Run) -> Iterator[Cast]:
    """Return the cast of a run of four portfolios, on different terms, with different strategies."""
    made = Cast(prepare(room / "several", decode(SEVERAL), panel, Store(room), plugins=room))
    yield made
    made.close()


@pytest.fixture
def expect() -> Callable[[Run, Panel], dict[str, LiveResult]]:
    """Return the function that says what each portfolio of a run comes to."""
    return expected


@pytest.fixture
def same() -> Callable[[LiveResult, LiveResult], None]:
    """Return the function that asserts that two results are equal in every bit."""
    return assert_same


@pytest.fixture
def wanted(run: Run, panel: Panel) -> LiveResult:
    (one,) = expected(run, panel).values()
    return one

"""A role may die just before, or just after, anything that it writes down or sends.

Between two of these points nothing happens that lasts: a death elsewhere is a death at the one before.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from flotilla.builtin.gateways import paper
from flotilla.live import feed, portfolio, strategy
from flotilla.stream.log import LogReader, LogWriter
from flotilla.stream.socket import ZmqClient, ZmqPublisher, ZmqPuller, ZmqPusher, ZmqServer

pytestmark = pytest.mark.slow


class Point(NamedTuple):
    """Something that a role does: `method` of `kind`, when its caller is `role`."""

    role: str
    kind: type
    method: str
    times: tuple[int, ...]  # the first, one in the middle, ...


# A commit is the end of `transaction`; what is appended outside one is committed by itself.
POINTS = [
    Point("feed", LogWriter, "append", (1, 3, 14)),
    Point("feed", ZmqPublisher, "publish", (1, 3, 14)),
    Point("cross", LogWriter, "append", (1, 3)),
    Point("cross", LogWriter, "checkpoint", (1, 2)),
    Point("streak", ZmqPusher, "push", (1, 3)),
    Point("streak", ZmqPusher, "service", (1, 3)),
    Point("portfolio", ZmqClient, "submit", (1, 2, 40)),
    Point("portfolio", ZmqClient, "collect", (1, 40)),
    Point("portfolio", LogWriter, "append", (1, 2, 3, 4)),
    Point("portfolio", LogWriter, "transaction", (1, 2)),
    Point("portfolio", LogWriter, "checkpoint", (1, 2)),
    Point("portfolio", ZmqPuller, "acknowledge", (1, 2, 5)),
    Point("execution", LogWriter, "append", (1, 2, 3, 4, 5, 61)),
    Point("execution", LogWriter, "transaction", (1, 2, 20)),
    Point("execution", LogWriter, "checkpoint", (1, 20)),
    Point("execution", ZmqServer, "reply", (1, 2, 20)),
    Point("execution", paper.Paper, "submit", (1, 2, 20)),
    Point("execution", paper.Paper, "trade", (1, 2, 20)),
    Point("execution", ZmqPublisher, "publish", (1, 2, 20)),
]


class Died(BaseException):
    """Here it dies: nothing of ours may catch it."""


class Fate:
    """Lets a role die at its nth pass of a point, before it or after it."""

    def __init__(self, point: Point, nth: int, after: bool) -> None:
        self.point, self.after, self.left = point, after, nth
        self.acting = ""  # the role whose step it is
        self.whole = getattr(point.kind, point.method)

    @property
    def met(self) -> bool:
        return self.left <= 0

    def struck(self) -> bool:
        """Return whether it dies at this pass."""
        if self.acting != self.point.role or self.met:
            return False
        self.left -= 1
        return self.met

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Do what the point does, unless it dies."""
        strikes = self.struck()
        if strikes and not self.after:
            raise Died
        done = self.whole(*args, **kwargs)
        if strikes:
            raise Died
        return done

    @contextlib.contextmanager
    def enter(self, *args: Any) -> Iterator[None]:
        """The same, for a `with`: before its end, or after it."""
        with self.whole(*args):
            yield
            strikes = self.struck()
            if strikes and not self.after:
                raise Died
        if strikes:
            raise Died


def patched(monkeypatch: pytest.MonkeyPatch, fate: Fate) -> None:
    def method(*args: Any, **kwargs: Any) -> Any:
        return fate.call(*args, **kwargs)

    def block(*args: Any) -> Any:
        return fate.enter(*args)

    monkeypatch.setattr(
        fate.point.kind, fate.point.method, block if fate.point.method == "transaction" else method
    )


def played(cast: Any, fate: Fate) -> None:
    """Play to the end; who dies is started again at once, and dies no more."""

    def acted(name: str, act: Callable[[str], None]) -> None:
        fate.acting = name
        try:
            act(name)
        except Died:
            cast.kill(name)
            fate.acting = ""
            cast.start(name)

    for name in cast.names:
        acted(name, cast.start)
    for _ in range(100_000):
        if cast.roles["portfolio"].done:
            break
        for name in cast.names:
            acted(name, cast.step)
    fate.acting = "portfolio"
    try:
        cast.roles["portfolio"].keep()
    except Died:
        cast.kill("portfolio")
        cast.play(lambda: cast.roles["portfolio"].done)
        cast.roles["portfolio"].keep()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    ("point", "nth"),
    [(point, nth) for point in POINTS for nth in point.times],
    ids=lambda what: f"{what.role}-{what.method}" if isinstance(what, Point) else f"{what}",
)
def test_a_death_at_any_point_changes_nothing(cast, wanted, same, monkeypatch, point, nth, after):
    for role, bars in ((feed, "_BATCH"), (strategy, "KEEP_BARS"), (portfolio, "KEEP_BARS")):
        monkeypatch.setattr(role, bars, 8)  # so that nobody does all of it in one step
    fate = Fate(point, nth, after)
    patched(monkeypatch, fate)

    played(cast, fate)

    assert fate.met, f"{point.role} passes this point {nth - fate.left} times"
    with closing(LogReader(cast.run.log("gateway"), paper.STREAM)) as log:
        taken = [paper.ORDERS.decode(row.payload).order_id for row in log.read(0, 100_000)]
    assert len(taken) == len(set(taken))
    fate.acting = ""
    same(cast.finish(), wanted)

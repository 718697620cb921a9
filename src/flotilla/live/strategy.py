"""A strategy: turns bars into opinions, as many at a time as are waiting.

1. It begins with the panel's history before the run as one chunk, which warms it up, or
   with the state of its last checkpoint.
2. Whatever bars are waiting go through its stage as one chunk, one bar or thousands: the
   output is the same bits, so falling behind costs nothing but time.
3. An opinion on every bar is pushed to the portfolio, then written in its log. Its seq is
   the bar's, so what it says again after a crash, the same bits, is known to be said already.
4. The state is written now and then. A crash in between costs the bars since.
"""

from __future__ import annotations

from contextlib import ExitStack, closing

import numpy as np

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import UnknownName
from flotilla.live.folder import Run
from flotilla.live.messages import MARKET, OPINIONS, Floats, Market, Opinions, arrays, raw
from flotilla.live.role import Stop, await_logs, begin, serve, wait
from flotilla.plugins import find
from flotilla.stage.calendar import Ints, calendar_fields
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, walk
from flotilla.stage.lanes import as_tree
from flotilla.stage.opinion import check_opinions
from flotilla.stage.plan import placed
from flotilla.stream.arrays import decode, encode
from flotilla.stream.codec import Row
from flotilla.stream.log import LogReader, LogWriter
from flotilla.stream.socket import ZmqPusher, ZmqSubscriber

CHUNK = 512  # most bars at a time
KEEP_BARS = 1_024  # a checkpoint after so many,
KEEP_NS = 1_000_000_000  # or so long
SERVE_NS = 20_000_000  # how long acknowledgements may lie while bars come


def root_of(run: Run, name: str, stack: ExitStack) -> Node:
    """Return the strategy as an expression; `stack` closes what it opened."""
    strategy = run.config.strategies[name]
    made = as_tree(find("strategy", strategy.kind, run.plugins)(**strategy.params), name)
    (root,) = placed([made], run.manifest.instruments)
    for node in walk([root]):
        if node.op == "stage":
            stage = node.params[0]
            stage.open()
            stack.callback(stage.close)
    return root


class Strategy:
    """One strategy's stage, between the bars and its opinions."""

    def __init__(self, run: Run, name: str, stack: ExitStack) -> None:
        self._run, self._name = run, name
        self._root = root = root_of(run, name, stack)
        panel = run.panel()
        self._zone = panel.zone
        self._runner = ChunkRunner([root], run.shape[1], panel.ticks_per_unit)
        self._reads = {node.params[0] for node in walk([root]) if node.op == "field"}
        self._log = stack.enter_context(
            closing(LogWriter(run.log(f"signals-{name}"), ["signals"], durability="normal"))
        )
        bars = stack.enter_context(closing(LogReader(run.log("bars"), "bars")))
        self._bars = stack.enter_context(
            closing(ZmqSubscriber(run.endpoint("bars"), "bars", bars, self._begin()))
        )
        outbox = stack.enter_context(closing(LogReader(run.log(f"signals-{name}"), "signals")))
        self._pusher = stack.enter_context(closing(ZmqPusher(run.endpoint("signals"), name, outbox)))
        self._kept, self._kept_ns = self._bars.cursor, monotonic_ns()
        self._served_ns = 0

    def step(self, idle_s: float) -> None:
        """Have an opinion of the bars that are there, or wait for one up to `idle_s`."""
        rows = self._bars.drain(CHUNK)
        if rows:
            self._speak(rows)
        now = monotonic_ns()
        if not rows or now - self._served_ns > SERVE_NS:
            self._pusher.service()
            self._served_ns = now
        if not self._bars.behind:
            wait([self._bars.socket], idle_s)

    def keep(self) -> None:
        """Write the state down."""
        if self._bars.cursor > self._kept:
            self._log.checkpoint(self._name, {"bars": self._bars.cursor}, encode(self._runner.state()))
            self._kept = self._bars.cursor
        self._kept_ns = monotonic_ns()

    def _begin(self) -> int:
        """Take up the last state, or warm up on the history; return the seq of the last bar in it."""
        kept = self._log.checkpointed(self._name)
        if kept:
            self._runner.restore(decode(kept.state))
            return kept.cursors["bars"]
        first = self._run.manifest.first
        if first:
            history = self._run.panel().rows(0, first)
            begin, end = history.ts_event, history.ts_recv
            self._runner.advance(self._with_calendar(dict(history.fields), begin, end), begin)
        return 0

    def _speak(self, rows: list[Row]) -> None:
        bars = [message for row in rows if isinstance(message := MARKET.decode(row.payload), Market)]
        if not bars:
            return  # the closing
        values = arrays([bar.values for bar in bars], self._run.shape)
        names = enumerate(self._run.manifest.fields)
        fields = {name: values[:, k].copy() for k, name in names if name in self._reads}
        times = np.array([bar.ts_event for bar in bars], np.int64)
        ends = np.array([bar.ts_recv for bar in bars], np.int64)
        said = self._runner.advance(self._with_calendar(fields, times, ends), times)[:, :, 0]
        check_opinions(self._root, said, times, self._run.manifest.instruments)
        new = max(self._log.last_seq("signals") + 1 - rows[0].seq, 0)  # the others were said before a crash
        now = now_ns()
        entries = [
            (now, OPINIONS.encode(Opinions(self._name, bar.bar, raw(strengths))))
            for bar, strengths in zip(bars[new:], said[new:], strict=True)
        ]
        # Sent before they are written: after a crash in between they are said again, under the same numbers.
        self._pusher.push(self._log.numbered("signals", entries))
        self._log.append("signals", entries)
        if self._bars.cursor - self._kept >= KEEP_BARS or monotonic_ns() - self._kept_ns >= KEEP_NS:
            self.keep()

    def _with_calendar(self, fields: dict[str, Floats], begin: Ints, end: Ints) -> dict[str, Floats]:
        """Return the fields of some bars with those of the calendar, if the strategy reads one of these."""
        if self._reads <= set(self._run.manifest.fields):
            return fields
        return fields | calendar_fields(begin, end, self._zone, self._run.shape[1])


def play(run: Run, name: str, stop: Stop) -> None:
    """Have opinions until asked to stop."""
    if name not in run.strategies:
        raise UnknownName("strategy of this run", name, run.strategies)
    if not await_logs(stop, (run.log("bars"), "bars")):
        return
    with ExitStack() as stack:
        strategy = Strategy(run, name, stack)
        serve(strategy.step, stop, thinks=True)
        strategy.keep()


if __name__ == "__main__":
    begin(play)

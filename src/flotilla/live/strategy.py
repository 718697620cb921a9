"""A strategy: turns bars into signals, as many at a time as are waiting.

1. It begins with the panel's history before the run as one chunk, which warms it up, or
   with the state of its last checkpoint.
2. Whatever bars are waiting go through its stage as one chunk, one bar or thousands: the
   output is the same bits, so falling behind costs nothing but time.
3. A signal on every bar is pushed to the portfolio, then written in its log. Its seq is
   the bar's, so what it says again after a crash, the same bits, is known to be said already.
4. The state is written now and then. A crash in between costs the bars since.
"""

from __future__ import annotations

import sys
import threading
from contextlib import ExitStack, closing

import numpy as np

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import UnknownName
from flotilla.live.folder import Run
from flotilla.live.messages import BARS, SIGNALS, arrays, raw
from flotilla.live.pulse import Pulse
from flotilla.live.role import StopAsked, await_logs, begin, serve, wait
from flotilla.live.roles import BARS_LOG, SIGNALS_LOG, STRATEGY
from flotilla.model.arrays import Floats, Ints
from flotilla.model.wire import Bar, Signals
from flotilla.plugins import find, handed
from flotilla.stage.calendar import calendar_fields
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, walk
from flotilla.stage.fold import OnBar
from flotilla.stage.lanes import as_tree
from flotilla.stage.plan import placed
from flotilla.stage.signal import check_signals
from flotilla.stream.arrays import decode_arrays, encode_arrays
from flotilla.stream.codec import LogRow
from flotilla.stream.socket import ZmqPusher, ZmqSubscriber

CHUNK = 512  # most bars at a time
KEEP_BARS = 1_024  # a checkpoint after so many,
KEEP_NS = 1_000_000_000  # or so long
SERVE_NS = 20_000_000  # how long acknowledgements may lie while bars come


def root_of(run: Run, name: str, stack: ExitStack) -> Node:
    """Return the strategy as an expression; `stack` closes what it opened."""
    strategy = run.config.strategies[name]
    made = as_tree(find("strategy", strategy.kind, run.plugins)(**handed(strategy.params)), name)
    (root,) = placed([made], run.manifest.instruments)
    for node in walk([root]):
        if node.op == "stage":
            stage = node.params[0]
            stage.open()
            stack.callback(stage.close)
    return root


def row_of(thread: int) -> int | None:
    """Return the row, of those handed to it, that an `OnBar` is at in another thread; None where none is."""
    frame = sys._current_frames().get(thread)
    while frame is not None and frame.f_code is not OnBar.advance.__code__:
        frame = frame.f_back
    found = None if frame is None else frame.f_locals.get("t")
    return found if isinstance(found, int) else None


def _utc(ts: np.int64) -> str:
    return f"{np.datetime64(int(ts), 'ns').astype('datetime64[s]')}Z"


class Strategy:
    """One strategy's stage, between the bars and its signals."""

    def __init__(self, run: Run, name: str, stack: ExitStack) -> None:
        self._run, self._name = run, name
        self._root = root = root_of(run, name, stack)
        panel = run.panel()
        self._zone = panel.zone
        self._runner = ChunkRunner([root], run.shape[1], panel.ticks_per_unit)
        self._at = 0, np.empty(0, np.int64)  # the bars that are under way: the first one's number, all times
        self._thread = threading.get_ident()
        self._chunk = 1
        self._reads = {node.params[0] for node in walk([root]) if node.op == "field"}
        self._log = stack.enter_context(closing(run.writer(STRATEGY, name, "normal")))
        bars = stack.enter_context(closing(run.reader(BARS_LOG)))
        self._bars = stack.enter_context(
            closing(ZmqSubscriber(run.endpoint("bars"), "bars", bars, self._begin()))
        )
        outbox = stack.enter_context(closing(run.reader(SIGNALS_LOG, name)))
        self._pusher = stack.enter_context(closing(ZmqPusher(run.endpoint("signals"), name, outbox)))
        self._kept, self._kept_ns = self._bars.cursor, monotonic_ns()
        self._served_ns = 0

    def step(self, idle_s: float) -> None:
        """Give signals on the bars that are there, or wait for one up to `idle_s`."""
        rows = self._bars.drain(self._chunk)
        if rows:
            self._speak(rows)
        now = monotonic_ns()
        if not rows or now - self._served_ns > SERVE_NS:
            self._pusher.service()
            self._served_ns = now
        if not self._bars.behind:
            wait([self._bars.socket], idle_s)

    def about(self) -> str:
        """Return what is under way, for another thread to tell: the strategy, and the bar that it is at.

        A stage that is written a bar at a time is looked at while it runs; of others it is known which bars
        they were handed.
        """
        first, times = self._at
        who, row = f"strategy {self._name}", row_of(self._thread)
        if row is None and len(times) == 1:
            row = 0
        if row is not None and row < len(times):
            return f"{who}, at bar {first + row} ({_utc(times[row])})"
        if len(times):
            return f"{who}, at bars {first} to {first + len(times) - 1} (from {_utc(times[0])} on)"
        return who

    def keep(self) -> None:
        """Write the state down."""
        if self._bars.cursor > self._kept:
            self._log.checkpoint(self._name, {"bars": self._bars.cursor}, encode_arrays(self._runner.state()))
            self._kept = self._bars.cursor
        self._kept_ns = monotonic_ns()

    def _begin(self) -> int:
        """Take up the last state, or warm up on the history; return the seq of the last bar in it."""
        kept = self._log.checkpointed(self._name)
        if kept:
            self._runner.restore(decode_arrays(kept.state))
            return kept.cursors["bars"]
        first = self._run.manifest.first
        if first:
            history = self._run.panel().rows(0, first)
            begin, end = history.ts_event, history.ts_recv
            self._at = 0, begin
            with Pulse(0.0, self.about):
                self._runner.advance(self._with_calendar(dict(history.fields), begin, end), begin)
        return 0

    def _speak(self, rows: list[LogRow]) -> None:
        bars = [message for row in rows if isinstance(message := BARS.decode(row.payload), Bar)]
        if not bars:
            return  # the closing
        values = arrays([bar.values for bar in bars], self._run.shape)
        names = enumerate(self._run.manifest.fields)
        fields = {name: values[:, k].copy() for k, name in names if name in self._reads}
        times = np.array([bar.ts_event for bar in bars], np.int64)
        ends = np.array([bar.ts_recv for bar in bars], np.int64)
        self._at, began_ns = (bars[0].bar, times), monotonic_ns()
        said = self._runner.advance(self._with_calendar(fields, times, ends), times)[:, :, 0]
        # As many as take a second: what a step may take is meant for a bar, and not for hundreds.
        at_once = len(bars) * 1_000_000_000 // max(monotonic_ns() - began_ns, 1)
        self._chunk = max(min(2 * self._chunk, at_once, CHUNK), 1)
        check_signals(self._root, said, times, self._run.manifest.instruments)
        new = max(self._log.last_seq("signals") + 1 - rows[0].seq, 0)  # the others were said before a crash
        now = now_ns()
        entries = [
            (now, SIGNALS.encode(Signals(self._name, bar.bar, raw(strengths))))
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


def play(run: Run, name: str, stop: StopAsked) -> None:
    """Give signals until asked to stop."""
    if name not in run.strategies:
        raise UnknownName("strategy of this run", name, run.strategies)
    if not await_logs(stop, run, STRATEGY):
        return
    with ExitStack() as stack:
        strategy = Strategy(run, name, stack)
        serve(strategy.step, stop, thinks=strategy.about)
        strategy.keep()


if __name__ == "__main__":
    begin(play)

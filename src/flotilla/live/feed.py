"""The feed: replays the bars of a panel, as fast as they are taken, or at a given speed.

1. A bar is written in the log before it is published; so are all that came before a crash,
   and the feed goes on after the last of them.
2. It runs at most `WINDOW` bars ahead of the slowest role: what those have done stands in
   their logs (progress.py), so a role need not tell, and cannot forget to.
3. A given speed is kept from when all roles are there. Late is late: bars that were held up
   do not come in a rush afterwards.
4. After the last bar it says that there are no more, and stays, for those who come late.
"""

from __future__ import annotations

from contextlib import ExitStack, closing

import numpy as np

from flotilla.clock import monotonic_ns, now_ns, sleep
from flotilla.live.folder import Run
from flotilla.live.messages import BARS, raw
from flotilla.live.progress import progress_of
from flotilla.live.role import StopAsked, begin, serve
from flotilla.live.roles import FEED
from flotilla.model.wire import Bar, Closing
from flotilla.stream.socket import ZmqPublisher

WINDOW = 2_048  # bars; several times what a role does between two checkpoints
_BATCH = 64  # most bars in one message
_LOOK_S = 0.002


class Feed:
    """Publishes the run's bars."""

    def __init__(self, run: Run, stack: ExitStack) -> None:
        panel = run.panel()
        first = run.manifest.first
        stacked = np.stack([panel.fields[name] for name in run.manifest.fields], axis=1)[first:]
        self._values = np.ascontiguousarray(stacked)  # float64[T, F, I]
        self._event, self._recv = panel.ts_event[first:].tolist(), panel.ts_recv[first:].tolist()
        self._first = first
        self._log = stack.enter_context(closing(run.writer(FEED, durability="normal")))
        self._done = self._log.last_seq("bars")
        self._publisher = stack.enter_context(
            closing(ZmqPublisher(run.endpoint("bars"), "bars", self._done + 1))
        )
        self._roles = [stack.enter_context(closing(each)) for each in progress_of(run)]
        self._pace_ns = int(1e9 / run.manifest.speed) if run.manifest.speed else 0
        self._next_ns = monotonic_ns()
        self._room = 0

    def step(self, idle_s: float) -> None:
        """Publish what is due and has room, or wait a moment for it."""
        left = len(self._event) + 1 - self._done  # the closing counts as a bar
        batch = min(left, 1 if self._pace_ns else _BATCH)
        if self._room < batch:
            self._room = WINDOW - (self._done - min(role.bars() for role in self._roles))
        batch = min(batch, self._room)
        if self._pace_ns and not all(role.begun for role in self._roles):
            batch = 0
        early_ns = self._next_ns - monotonic_ns()
        if batch > 0 and early_ns <= 0:
            self._publish(batch)
            held_up = -early_ns > self._pace_ns
            self._next_ns += self._pace_ns - (early_ns if held_up else 0)
        else:
            self._publisher.heartbeat()
            sleep(min(early_ns / 1e9 if batch > 0 else _LOOK_S, idle_s))

    def _publish(self, batch: int) -> None:
        now = now_ns()
        payloads = [BARS.encode(self._message(t)) for t in range(self._done, self._done + batch)]
        self._publisher.publish(self._log.append("bars", [(now, payload) for payload in payloads]))
        self._done += batch
        self._room -= batch

    def _message(self, t: int) -> Bar | Closing:
        bar = self._first + t
        if t == len(self._event):
            return Closing(bar)
        return Bar(bar, self._event[t], self._recv[t], raw(self._values[t]))


def play(run: Run, _name: str, stop: StopAsked) -> None:
    """Feed the run until asked to stop."""
    with ExitStack() as stack:
        serve(Feed(run, stack).step, stop)


if __name__ == "__main__":
    begin(play)

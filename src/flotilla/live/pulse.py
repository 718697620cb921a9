"""Say that a role is alive while one of its steps takes long: while a strategy compiles, or asks a model.

A loop that takes steps of milliseconds says so by itself, between two of them. One whose step may take a
minute would have to be given a minute before its silence meant anything, and a process that stands still
would be found as late. So a thread of its own beats for it, as long as the step is not overdue: a process
that stands still is found at once, and a step that never ends when its time is over.

Whoever waits is not left in the dark meanwhile: after `PATIENCE_S` it says what the step is about, and again
when three times as long has gone by; in its log too, where it stands when it was killed for it.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import TracebackType

from flotilla.clock import monotonic_ns
from flotilla.notify import alive, beat_s, status

PATIENCE_S = 10.0
WAITING = "waiting for strategy"  # how what is said of a long step begins


class Pulse:
    """Beats for the steps of one loop while open.

    think_s: how long a step may take; 0: it does not beat, and only says what it waits for. about: returns
    what the step under way is about, as "strategy cross, at bar 1735".
    """

    def __init__(self, think_s: float, about: Callable[[], str] = lambda: "strategy") -> None:
        self._think_ns, self._about = int(think_s * 1e9), about
        self._every_s = beat_s()
        self.step()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        if self._every_s is not None:
            self._thread.start()
        return self

    def step(self) -> None:
        """Say that another step begins."""
        self._step_ns = monotonic_ns()  # when the step under way began
        self._patience_ns = int(PATIENCE_S * 1e9)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._every_s):
            lasted_ns = monotonic_ns() - self._step_ns
            if lasted_ns < self._think_ns:
                alive()
            if lasted_ns >= self._patience_ns:
                self._patience_ns *= 3
                self._say(lasted_ns // 1_000_000_000)

    def _say(self, lasted_s: int) -> None:
        text = f"waiting for {self._about()}, since {lasted_s} s"
        if self._think_ns:
            text += f"; after {self._think_ns / 1e9:g} s it is killed and started again"
        status(text)
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

"""Say that a role is alive while one of its steps takes long: while a strategy compiles, or asks a model.

A loop that takes steps of milliseconds says so by itself, between two of them. One whose step may take a
minute would have to be given a minute before its silence meant anything, and a process that stands still
would be found as late. So a thread of its own beats for it, as long as the step is not overdue: a process
that stands still is found at once, and a step that never ends when its time is over.
"""

from __future__ import annotations

import threading
from types import TracebackType

from flotilla.clock import monotonic_ns
from flotilla.notify import alive, beat_s


class Pulse:
    """Beats for the steps of one loop while open. think_s: how long a step may take."""

    def __init__(self, think_s: float) -> None:
        self._think_ns = int(think_s * 1e9)
        self._every_s = beat_s()
        self._step_ns = monotonic_ns()  # when the step under way began
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Pulse:
        if self._every_s is not None:
            self._thread.start()
        return self

    def step(self) -> None:
        """Say that another step begins."""
        self._step_ns = monotonic_ns()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _beat(self) -> None:
        while not self._over.wait(self._every_s):
            if monotonic_ns() - self._step_ns < self._think_ns:
                alive()

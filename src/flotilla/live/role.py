"""What all roles have in common: how they begin, wait, and are told to stop."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import zmq

from flotilla.clock import monotonic_ns
from flotilla.errors import FlotillaError
from flotilla.live.folder import Run
from flotilla.notify import alive, beat_s, ready, stopping
from flotilla.stream.endpoint import milliseconds


class Stop:
    """Whether this process was asked to stop: SIGTERM, or SIGINT from a keyboard."""

    def __init__(self) -> None:
        self.asked = False
        for what in (signal.SIGTERM, signal.SIGINT):
            signal.signal(what, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 Python's own form
        self.asked = True


def wait(sockets: Sequence[zmq.Socket[bytes]], timeout_s: float) -> None:
    """Return when one of `sockets` has a message, and at the latest after `timeout_s`.

    A role hands in those that it cannot go on without: every message that wakes it in vain
    takes the processor from a role that has work.
    """
    zmq.zmq_poll([(socket, zmq.POLLIN) for socket in sockets], milliseconds(timeout_s))


IDLE_S = 0.05  # how long a role that has nothing to do sleeps at most: heartbeats and checkpoints are due


def serve(step: Callable[[float], None], stop: Stop, over: Callable[[], bool] = lambda: False) -> None:
    """Say that the role is ready, and let it take step after step until it is over or asked to stop.

    Between two steps it says that it is alive, as often as it was asked to.
    """
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it for garbage only costs latency
    ready()
    every_ns = int((beat_s() or 0.0) * 1e9)
    due_ns = 0
    while not (stop.asked or over()):
        step(IDLE_S)
        if every_ns and (now := monotonic_ns()) >= due_ns:
            alive()
            due_ns = now + every_ns
    stopping()


def begin(play: Callable[[Run, str, Stop], None]) -> None:
    """Play a role: `python -m flotilla.live.<role> RUN_FOLDER [NAME]`."""
    stop = Stop()
    _, folder, *name = sys.argv
    try:
        play(Run.read(Path(folder)), name[0] if name else "", stop)
    except FlotillaError as error:
        sys.exit(f"{type(error).__name__}: {error}")

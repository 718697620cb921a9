"""What all roles have in common: how they begin, wait, and are told to stop."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from types import FrameType

import zmq

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import FlotillaError
from flotilla.live.folder import Run
from flotilla.live.progress import Progress
from flotilla.live.pulse import Pulse
from flotilla.live.roles import LiveRole
from flotilla.notify import alive, beat_s, ready, status, stopping
from flotilla.stream.endpoint import milliseconds

_LOOK_S = 0.005


class StopAsked:
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


def await_logs(stop: StopAsked, run: Run, role: LiveRole) -> bool:
    """Return True once each log that a role reads was made by its writer, False when asked to stop before.

    So roles may start in any order, all at once, and each again at any time.
    """
    for log, stream in role.reads:
        with closing(Progress(run.log(log), stream)) as progress:
            while not progress.begun:
                if stop.asked:
                    return False
                status(f"waiting for {stream} in {run.log(log).name}")
                sleep(_LOOK_S)
    return not stop.asked


IDLE_S = 0.05  # how long a role that has nothing to do sleeps at most: heartbeats and checkpoints are due


THINK_S = 60.0  # a strategy may compile at its first bar, or ask a model


def serve(
    step: Callable[[float], None],
    stop: StopAsked,
    over: Callable[[], bool] = lambda: False,
    *,
    thinks: Callable[[], str] | None = None,
) -> None:
    """Say that the role is ready, and let it take step after step until it is over or asked to stop.

    Between two steps it says that it is alive, as often as it was asked to. thinks: a step may take
    THINK_S, and this returns what the one under way is about.
    """
    gc.collect()
    gc.freeze()  # what is there now stays: looking through it for garbage only costs latency
    ready()
    every_ns = int((beat_s() or 0.0) * 1e9)
    due_ns = 0
    with nullcontext() if thinks is None else Pulse(THINK_S, thinks) as pulse:
        while not (stop.asked or over()):
            if pulse is not None:
                pulse.step()
            step(IDLE_S)
            if every_ns and (now := monotonic_ns()) >= due_ns:
                alive()
                due_ns = now + every_ns
    stopping()


def begin(play: Callable[[Run, str, StopAsked], None]) -> None:
    """Play a role: `python -m flotilla.live.<role> RUN_FOLDER [NAME]`."""
    stop = StopAsked()
    _, folder, *name = sys.argv
    try:
        play(Run.read(Path(folder)), name[0] if name else "", stop)
    except FlotillaError as error:
        sys.exit(f"{type(error).__name__}: {error}")

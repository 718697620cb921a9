"""Say on which line of the user's code a command has stood for long: it loops, sleeps, or waits."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from flotilla.cli import say
from flotilla.clock import monotonic_ns
from flotilla.closure import is_own_file

PATIENCE_S = 10.0  # then it is said, and again each time that it has lasted three times as long
LOOK_S = 1.0


@contextmanager
def told_where() -> Iterator[None]:
    """Say on stderr which call of the user's code is not through after `PATIENCE_S`, while this is open.

    One call: a model that is asked on many bars, a moment each time, is none.
    """
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(over,), name="waiting", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(over: threading.Event) -> None:
    calls: dict[FrameType, tuple[int, float]] = {}  # a call -> since when, and how long until it is said
    while not over.wait(LOOK_S):
        now, under_way = monotonic_ns(), _calls()
        # A frame that is kept is no other call's: its place in memory is not given away meanwhile.
        calls = {call: calls.get(call, (now, PATIENCE_S)) for call in under_way}
        for call, (since, patience_s) in calls.items():
            lasted_s = (now - since) / 1e9
            if lasted_s >= patience_s:
                calls[call] = since, 3 * patience_s
                say.note(f"waiting for {_place(call, under_way[call])}, since {lasted_s:.0f} s")


def _calls() -> dict[FrameType, FrameType]:
    """Return the calls of the user's code that are under way, each with the innermost that is his too."""
    found = {}
    for frame in sys._current_frames().values():
        his = [each for each in _outwards(frame) if _is_his(each)]
        if his:
            found[his[-1]] = his[0]
    return found


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_his(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    # What started the command is a file beside Python, and no plugin.
    return file[0] != "<" and frame.f_globals.get("__name__") != "__main__" and is_own_file(Path(file))


def _place(call: FrameType, innermost: FrameType) -> str:
    file, line = Path(innermost.f_code.co_filename).name, innermost.f_lineno
    return f"{call.f_code.co_qualname} ({file}, line {line})"

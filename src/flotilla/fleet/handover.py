"""Make room for another supervisor, or agent, which looks who runs (takeover.py) and goes on from that.

1. After an error of its own, in a callback of its loop: what was decided, and what was done of it, may
   differ from then on; an order was lost, and a platform waits for what never comes. Going on would be
   to believe it (`at_mistakes`).
2. After the death of its guard, where whoever kept the guard starts another: systemd does, and that one
   would be refused, as long as this one holds the fleet (`without_guard`).
3. After its run folder was taken away, and with it the fence (folder.py): another may have begun
   (`without_folder`). Nobody is started instead, and nobody is killed.

Platforms notice nothing. Where the end of this process would be theirs too (`bound`), or where nobody would
start another, it goes on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from flotilla.fleet.system import guard_watch
from flotilla.fleet.system.guard import LEFT

_MISTAKEN, _GIVEN_WAY = 70, 75  # EX_SOFTWARE and EX_TEMPFAIL of sysexits.h
Say = Callable[[str], None]


def at_mistakes(loop: asyncio.AbstractEventLoop, say: Say, mode: str) -> None:
    """Make room when a callback of `loop` raises. say: takes the last words. mode: the fleet's."""
    end = mode == "adopt" and guard_watch.guarded()

    def on_mistake(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)  # with its traceback, into our own log
        error = context.get("exception")
        if error is None or "handle" not in context or isinstance(error, asyncio.CancelledError):
            return  # a request that failed, a line that broke, our own end: nothing that was ordered is lost
        what = "another supervisor looks what runs, and goes on" if end else "it goes on"
        say(f"a mistake of the supervisor's own: {error!r}; see its log; {what}")
        if end:
            sys.stderr.flush()
            os._exit(_MISTAKEN)

    loop.set_exception_handler(on_mistake)


def without_guard(say: Say) -> None:
    """Make room if another guard is coming; say what its death means. Not for a fleet that is bound to it."""
    if guard_watch.kept():
        say("the guard is gone: who kept it starts another, which takes over what runs")
        os._exit(_GIVEN_WAY)
    say("the guard is gone: what runs runs on, and nobody starts another supervisor if this one dies")


def taken_away(folder: Path) -> str:
    """Return what whoever watches is told before `without_folder`."""
    return f"{folder} was taken away while it was in use: the platforms run on without us"


def without_folder(folder: Path) -> NoReturn:
    """End, and touch no process: the run folder is no fence any more."""
    sys.stderr.write(f"{taken_away(folder)}\n")
    sys.stderr.flush()
    os._exit(LEFT)

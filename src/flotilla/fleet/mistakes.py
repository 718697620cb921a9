"""What a supervisor does about an error of its own: what nobody expected, in a callback of its loop.

What was decided, and what was done of it, may differ from then on: an order was lost, a platform waits
for what never comes. Going on would be to believe it. So it says so, and ends at once; its guard starts
another, which looks who runs (takeover.py) and goes on from that. Platforms notice nothing.

Where its death would be that of all platforms (`bound`), or nobody would start another, it goes on.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

CODE = 70  # EX_SOFTWARE of sysexits.h


def watch(loop: asyncio.AbstractEventLoop, say: Callable[[str], None], *, end: bool) -> None:
    """End this process when a callback of `loop` raises. say: takes the last words. end: or else go on."""

    def on_mistake(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        loop.default_exception_handler(context)  # with its traceback, into our own log
        error = context.get("exception")
        if error is None or "handle" not in context:
            return  # a request that failed, or a line that broke: nothing that was ordered is lost
        what = "another supervisor looks what runs, and goes on" if end else "it goes on"
        say(f"a mistake of the supervisor's own: {error!r}; see its log; {what}")
        if end:
            sys.stderr.flush()
            os._exit(CODE)

    loop.set_exception_handler(on_mistake)

"""Who stands above a supervisor: its guard, where it has one. Its death is seen like any other, by pidfd."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from flotilla import notify


def guarded() -> bool:
    """Return whether this process was started by a guard."""
    return os.environ.get("FLOTILLA_GUARD", "").isdigit()


def kept() -> bool:
    """Return whether whoever started the guard, systemd for one, starts another when it dies."""
    return "FLOTILLA_KEPT" in os.environ


def watch(on_lost: Callable[[], None]) -> None:
    """Call `on_lost` in this loop when the guard is gone, now if it is; never where there is none."""
    if not guarded():
        return
    try:
        guard = os.pidfd_open(int(os.environ["FLOTILLA_GUARD"]))
    except ProcessLookupError:
        on_lost()
        return
    loop = asyncio.get_running_loop()

    def gone() -> None:
        loop.remove_reader(guard)
        os.close(guard)
        on_lost()

    loop.add_reader(guard, gone)


def ready() -> None:
    """Say to the guard that this supervisor is ready, without waiting for one that is gone."""
    with suppress(OSError):
        notify.ready(patience_s=0.0)

"""Stop and kill processes so that none forks away, for the supervisor and for its guard.

A process group is struck as a whole: the kernel does that in one step, and one that is about
to fork is struck before it can. So a shell that forks without end has no time to. Groups in
sessions that the fleet's processes opened are the fleet's; in any other session only whom we
know is struck. Who is alone is struck by pidfd: never a later process of the same number.

Only the standard library: the guard has nothing else.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping

from flotilla.fleet.system import tree

_ROUNDS = 20


def sweep(left: Mapping[int, tree.Process], look: Callable[[], dict[int, tree.Process]]) -> None:
    """Kill whom `look` finds, `left` first; they are stopped before, so that they cannot fork on."""
    stopped: set[int] = set()
    known = dict(left)
    for _ in range(_ROUNDS):
        new = {pid: process for pid, process in known.items() if pid not in stopped}
        if not new:
            break
        strike(new, known, signal.SIGSTOP)
        stopped |= new.keys()
        known |= look()
    strike(known, known, signal.SIGKILL)


def strike(some: Mapping[int, tree.Process], known: Mapping[int, tree.Process], what: signal.Signals) -> None:
    """Send a signal to `some`, and to all in their process groups where the session is of the `known`."""
    groups = {process.group for process in some.values() if _opened(process.session, known)}
    groups.discard(os.getpgrp())
    for group in groups:
        try:
            os.killpg(group, what)
        except (ProcessLookupError, PermissionError):
            continue
    for process in some.values():
        if process.group not in groups:
            send(process, what)


def send(process: tree.Process, what: signal.Signals) -> bool:
    """Send a signal to `process`, and to no later one of its number; return whether we may."""
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return True
    try:
        if tree.alive(process.pid, process.start_ticks):
            signal.pidfd_send_signal(pidfd, what)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    finally:
        os.close(pidfd)
    return True


def _opened(session: int, known: Mapping[int, tree.Process]) -> bool:
    """Return whether one of the `known` opened the session, or one that is gone by now."""
    if session in known:
        return True
    opener = tree.read(session)
    return opener is None or opener.ended

"""Kill all that a fleet has left running, for its guard, when there is no supervisor to do it in order.

Only the standard library. Another supervisor may hold the fleet's lock by then; what it looks after is
never killed.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import sys
from collections.abc import Callable

from flotilla.clock import monotonic_ns
from flotilla.fleet.system import kill, tree

_PATIENCE_S = 30.0  # until what was killed must be gone


def sweep_processes(fleet: str, *, others: bool, unless_held: bool = False) -> None:
    """Kill all our descendants, and return when none is left, or say who has not gone in half a minute.

    others: and what carries the mark of `fleet` elsewhere, unless it has a supervisor by now.
    unless_held: if it has one, leave our descendants to it too.
    """
    lock = _lock(fleet)
    if lock is None and unless_held:
        return
    # A supervisor that lives is the last, and never stopped: if we are killed now, it ends the rest.
    last = _holder(fleet)
    quiet, wait_s = 0, 0.002
    end_ns = monotonic_ns() + int(_PATIENCE_S * 1e9)
    # Twice: a process that becomes another program has for a moment no environment to be known by.
    while quiet < 2:
        if lock is None:  # who had forked, and not become a command yet, held it until now
            lock = _lock(fleet)
        whole = fleet if others and lock is not None else ""
        left = tree.find(whole, roots=[os.getpid()])
        quiet, there = 0 if left else quiet + 1, sorted(left)
        supervisor = left.pop(last, None)
        if left:
            kill.sweep(left, _looking(whole, last))
        if supervisor is not None:
            kill.send(supervisor, signal.SIGKILL)
        reap()
        if quiet == 0:
            if monotonic_ns() >= end_ns:
                sys.stderr.write(f"killed, and not gone: {there}\n")
                break
            select.select([], [], [], wait_s)
            wait_s = min(wait_s * 1.5, 0.1)
    _tidy(fleet)
    if lock is not None:
        os.close(lock)


def _tidy(fleet: str) -> None:
    """Remove the control groups that the supervisor had no time to: they are folders, and empty by now."""
    try:
        with open(f"{fleet}/groups", "rb") as file:  # noqa: PTH123
            groups = file.read().splitlines()
    except OSError:
        return
    for group in groups:
        for folder, _, _ in os.walk(group, topdown=False):
            try:
                os.rmdir(folder)  # noqa: PTH106
            except OSError:  # another supervisor has something in it
                continue


def _looking(whole: str, last: int) -> Callable[[], dict[int, tree.Process]]:
    def look() -> dict[int, tree.Process]:
        found = tree.find(whole, roots=[os.getpid()])
        found.pop(last, None)
        return found

    return look


def _holder(fleet: str) -> int:
    """Return the process id of the latest supervisor, 0 where there was none."""
    try:
        with open(f"{fleet}/lock", "rb") as file:  # noqa: PTH123
            said = file.read(20)
    except OSError:
        return 0
    return int(said) if said.isdigit() else 0


def reap(but: int = 0) -> None:
    """Bury those of our children that have ended, `but` one; for want of descriptors, at another time."""
    try:
        ours = tree.children(os.getpid())
    except OSError:
        return
    for pid in ours:
        if pid != but:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                continue


def _lock(fleet: str) -> int | None:
    """Take the fleet's lock; None where a supervisor holds it, or there is none to take."""
    try:
        lock = os.open(f"{fleet}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return None
    return lock

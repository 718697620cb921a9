"""A manager is shut down, or killed itself: who is left a second later?

Its children ignore SIGTERM, fork, leave their session (setsid), and lose their parent on purpose (a double
fork). The same trials as tests/process/test_orphans.py, in numbers, and of the peers too.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.disturbance import Around
from bench.fleet.managers import Manager, circus, flotilla, supervisord, wait_until
from bench.records import Job, Measured
from bench.scratch import scratch
from flotilla.clock import monotonic_ns, sleep

_ROGUE = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
how = sys.argv[1]
if how != "plain" and os.fork() == 0:
    if how in ("setsid", "daemon"):
        os.setsid()
    if how == "daemon" and os.fork() != 0:
        os._exit(0)
    while True: time.sleep(1000)
while True: time.sleep(1000)
"""
WAYS = ("plain", "fork", "setsid", "daemon")
_ALIVE = 2 * len(WAYS) - 1  # processes, once the fork of the daemon has gone


def measure(job: Job) -> Measured:
    """Return how many processes were left, over all trials. options: manager; trials, of each kind."""
    which, trials = job.side.options["manager"], 3 if job.quick else job.side.options["trials"]
    chance = random.Random(3)
    left = {signal.SIGTERM: 0, signal.SIGKILL: 0}
    with Around(job.cores) as watch:
        for _ in range(trials):
            for what in left:
                left[what] += _trial(which, what, chance)
    return Measured(
        value=sum(left.values()),
        unit="left",
        size=f"{trials} shutdowns and {trials} kill -9, {_ALIVE} processes each",
        calls=2 * trials,
        others_pct=watch.others_pct,
        note=f"after shutdowns {left[signal.SIGTERM]}, after kill -9 of the manager {left[signal.SIGKILL]}",
    )


def _trial(which: str, what: signal.Signals, chance: random.Random) -> int:
    """Return how many are left a second after the manager got a signal, or ended on it."""
    with scratch() as folder:
        (folder / "rogue.py").write_text(_ROGUE)
        argv = {way: (sys.executable, "-I", "-S", str((folder / "rogue.py").resolve()), way) for way in WAYS}
        with _manager(which, folder, argv) as manager:
            wait_until(lambda: len(manager.all()) >= _ALIVE + 1, 30.0, "all children there")
            sleep(0.1 + chance.uniform(0, 0.2))
            theirs = {process.pid for process in manager.own()}
            os.kill(manager.head if what is signal.SIGKILL else manager.process.pid, what)
            if what is signal.SIGTERM:
                with suppress(psutil.TimeoutExpired):
                    psutil.Process(manager.process.pid).wait(30)
            end_ns = monotonic_ns() + 1_000_000_000
            while (left := _others(manager, theirs)) and monotonic_ns() < end_ns:
                sleep(0.02)
            return len(left)


def _others(manager: Manager, theirs: set[int]) -> list[psutil.Process]:
    return [process for process in manager.all() if process.pid not in theirs]


@contextmanager
def _manager(which: str, folder: Path, argv: dict[str, tuple[str, ...]]) -> Iterator[Manager]:
    """Run the children, with as little between SIGTERM and SIGKILL as each can."""
    if which == "flotilla":
        platforms = {
            name: {"command": [*words], "ready": "started", "shutdown_timeout": 0.3}
            for name, words in argv.items()
        }
        with flotilla(folder, {"platforms": platforms}, "bound") as manager:
            yield manager
    else:
        with {"supervisord": supervisord, "circus": circus}[which](folder, argv, stop_s=1) as manager:
            yield manager

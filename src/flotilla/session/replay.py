"""Replay history through the live processes, and return what they did.

    run = prepare(folder, config, panel, store)      live/folder.py
    result = replay(run)

The processes are those of a live run; only the feed reads the past. A replay that was
stopped, or died, goes on where it was when it is started again.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable

from flotilla.fleet.launch import Command, Launcher
from flotilla.live.folder import Run
from flotilla.live.result import LiveResult, lived, read_result

_LOOK_S = 0.2
_READY_S = 180.0  # the first start of all compiles the kernels
_ALONE = {  # a role is one thread; several pools of idle ones only get in each other's way
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


def commands(run: Run) -> list[Command]:
    """Return the run's processes, in the order that they start in."""
    strategies = [_command(run, "strategy", name)._replace(beside=True) for name in run.strategies]
    portfolio = _command(run, "portfolio")._replace(ends=True)
    return [_command(run, "feed"), _command(run, "execution"), *strategies, portfolio]


def replay(run: Run, progress: Callable[[int, int], None] | None = None) -> LiveResult:
    """Run the processes until the last bar is lived, or SIGINT or SIGTERM comes; return what they did.

    progress: called several times a second with the bars lived and the bars there are.
    """
    with Launcher(commands(run), run.folder / "logs") as fleet:
        fleet.start()
        while not fleet.poll(_LOOK_S) and "portfolio" not in fleet.exit_codes:
            if progress:
                progress(lived(run.folder), run.manifest.bars)
        fleet.stop()
    shutil.rmtree(run.manifest.sockets, ignore_errors=True)  # nobody is left to use them
    if progress:
        progress(lived(run.folder), run.manifest.bars)
    return read_result(run.folder)


def _command(run: Run, role: str, name: str = "") -> Command:
    # -P: a file in the current folder that is called like one of our modules is not run in its place.
    argv = (sys.executable, "-P", "-m", f"flotilla.live.{role}", str(run.folder.absolute()), name)
    return Command(f"{role}-{name}" if name else role, argv, ready_s=_READY_S, env=_ALONE)

"""Replay history through the live processes, and return what they did.

    run = prepare(folder, config, panel, store)      live/folder.py
    results = replay(run)                            by portfolio

The processes are those of a live run, in a fleet whose run folder is inside the run's; only
the feed reads the past. One that dies is started again alone and goes on where it was; one
that dies too often takes the replay down. A replay that was stopped, or died, goes on where
it was when it is started again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from flotilla.errors import ProcessError
from flotilla.fleet.foreground import Foreground
from flotilla.fleet.spec import FleetSpec, Health, Platform
from flotilla.fleet.system.python import module_command
from flotilla.live.folder import Run
from flotilla.live.progress import simulated_bars
from flotilla.live.result import LiveResult, read_results
from flotilla.live.role import THINK_S
from flotilla.live.roles import EXECUTION, RoleProcess, needed_by
from flotilla.session.claim import FLEET
from flotilla.session.watch import Watch

_LOOK_S = 0.2
_READY_S = 180.0  # the first start of all compiles the kernels
_ALONE = {  # a role is one thread; several pools of idle ones only get in each other's way
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
_BEAT_S = 2.0  # of each role
# For three restarts: a strategy that hangs at a bar hangs there each time, in its warm-up for as long as
# a start may take. A shorter window forgets the first of them before the third, and never ends.
_WINDOW_S = 5 * max(_READY_S, THINK_S)


def fleet_of(run: Run) -> FleetSpec:
    """Return the run's processes. They may start all at once: each waits for the logs that it reads."""
    platforms = {process.name: _platform(run, process) for process in run.processes}
    return FleetSpec(run.name, platforms, mode="bound", shutdown_timeout=60.0)


def replay(
    run: Run,
    progress: Callable[[int, int], None] = lambda _done, _bars: None,
    note: Callable[[str], None] = lambda _text: None,
) -> dict[str, LiveResult]:
    """Run the processes until the last bar is simulated, or SIGINT or SIGTERM comes.

    Returns what each portfolio did, by its id.

    progress: called several times a second with the bars simulated and the bars there are. note: called with
    what a person should know meanwhile: who was started again and why, what is waited for.
    """
    watch = Watch(run, note)
    with Foreground(fleet_of(run), run.folder / FLEET, watch.hear) as fleet:
        while not _over(fleet, watch):
            done = simulated_bars(run)
            progress(done, run.manifest.bars)
            watch.count(done, lambda: fleet.not_ready)
    shutil.rmtree(run.manifest.sockets, ignore_errors=True)  # nobody is left to use them
    progress(simulated_bars(run), run.manifest.bars)
    return read_results(run)


def _over(fleet: Foreground, watch: Watch) -> bool:
    """Watch for a moment; return whether it is over. What was taken away is the cause of what follows."""
    try:
        over = fleet.poll(_LOOK_S)
    except ProcessError:
        watch.look()
        raise
    watch.look()
    return over


def _platform(run: Run, process: RoleProcess) -> Platform:
    role = process.role
    command = module_command(f"flotilla.live.{role.name}", str(run.folder.absolute()), process.of)
    return Platform(
        tuple(command),
        folder=str(Path.cwd()),  # a strategy may read a file by a name that counts from here
        env=_ALONE,
        needs=dict.fromkeys(needed_by(role, run.strategies), "started"),
        kind="job" if role.ends else "service",
        ready="notify",
        health=Health(heartbeat_s=_BEAT_S),
        startup_timeout=_READY_S,
        restart_window=_WINDOW_S,
        holds_positions=role is EXECUTION,
    )

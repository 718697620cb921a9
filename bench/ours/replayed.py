"""A replay through live processes, in a folder that is gone afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from bench.disturbance import Watch
from bench.records import Job
from bench.scratch import scratch
from flotilla.config import RunConfig
from flotilla.live.folder import Run, prepare
from flotilla.live.result import LiveResult
from flotilla.model.panel import Panel
from flotilla.session.replay import replay
from flotilla.stream.table import Store

_FEW = 100  # bars


class Replayed(NamedTuple):
    """What was replayed; walls hold starting and stopping the processes."""

    run: Run
    result: LiveResult
    first_s: float  # of a few bars: it compiles what is not yet
    wall_s: float
    others_pct: float | None


@contextmanager
def replayed(job: Job, config: RunConfig, bars: Panel, speed: float | None = None) -> Iterator[Replayed]:
    """Replay a few bars, then all. speed: bars a second, None as fast as they go."""
    with scratch() as folder:
        _, _, first_s = _replay(folder / "few", config, bars.rows(0, _FEW), None)
        with Watch(job.cores) as watch:
            run, result, wall_s = _replay(folder / "run", config, bars, speed)
        yield Replayed(run, result, first_s, wall_s, watch.others_pct)


def _replay(
    folder: Path, config: RunConfig, bars: Panel, speed: float | None
) -> tuple[Run, LiveResult, float]:
    run = prepare(folder, config, bars, Store(folder.parent), speed=speed)
    began = perf_counter()
    try:
        (result,) = replay(run).values()
        return run, result, perf_counter() - began
    finally:
        shutil.rmtree(run.manifest.sockets, ignore_errors=True)  # elsewhere, where our path is long

"""How long a person waits for a command that does nothing yet."""

from __future__ import annotations

import sys
from pathlib import Path
from statistics import median

from bench.commands import run
from bench.disturbance import Watch
from bench.records import Job, Measured


def measure(job: Job) -> Measured:
    """Return the median of fresh processes.

    options: `script`, a command that stands beside Python's, or `code`, for Python.
    """
    options = job.side.options
    if "script" in options:
        name, *rest = options["script"].split()
        command = [str(Path(sys.executable).with_name(name)), *rest]
    else:
        command = [sys.executable, "-P", "-c", options["code"]]
    first = run(command)
    with Watch(job.cores) as watch:
        ran = [run(command) for _ in range(3 if job.quick else 11)]
    return Measured(
        value=median(one.wall_s for one in ran),
        unit="s",
        size="a fresh process",
        first_s=first.wall_s,
        wall_s=min(one.wall_s for one in ran),
        calls=len(ran),
        others_pct=watch.others_pct,
        rss_mb=max(one.rss_mb for one in ran),
        note="median",
    )

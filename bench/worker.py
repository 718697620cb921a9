"""The process of one measurement: a Job on standard input; a Record, as JSON, on its last line."""

from __future__ import annotations

import os
import resource
import sys
from importlib import import_module
from time import perf_counter

import msgspec

from bench.disturbance import wait_for_quiet
from bench.records import Job, Record, WrongValue

_PATIENCE_S = 15.0


def main() -> None:
    """Measure."""
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    if hasattr(os, "sched_setaffinity"):  # before the imports: libraries count the cores that they may use
        os.sched_setaffinity(0, job.cores)
    began = perf_counter()
    module = import_module(job.side.module)
    import_s = perf_counter() - began
    if not job.quick:
        wait_for_quiet(job.cores, _PATIENCE_S)
    try:
        measured = module.measure(job)
    except WrongValue as wrong:
        sys.exit(f"WRONG: {wrong}")
    rss_mb = measured.rss_mb or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    record = Record(
        row=job.row,
        side=job.side.name,
        cores=job.workers,
        quick=job.quick,
        value=measured.value,
        unit=measured.unit,
        size=measured.size,
        first_s=measured.first_s,
        wall_s=measured.wall_s,
        cpu_s=measured.cpu_s,
        calls=measured.calls,
        import_s=import_s,
        rss_mb=rss_mb,
        others_pct=measured.others_pct,
        note=measured.note,
        p99=measured.p99,
    )
    print(msgspec.json.encode(record).decode(), flush=True)


if __name__ == "__main__":
    main()

"""Run a measurement in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec

from bench.records import Job, Record

LIMIT_S = 900.0


class MeasurementFailed(Exception):
    """An error or a wrong value. Its text is what the process said last."""


def run(job: Job) -> Record:
    """Return what a job came to."""
    command = [sys.executable, "-m", "bench.worker"]
    done = subprocess.run(
        command, input=msgspec.json.encode(job), capture_output=True, timeout=LIMIT_S, check=False
    )
    lines = done.stdout.decode().splitlines()
    if done.returncode or not lines:
        raise MeasurementFailed((done.stderr.decode() or f"exit code {done.returncode}").strip())
    return msgspec.json.decode(lines[-1], type=Record)


def cores_to_use() -> list[tuple[int, ...]]:
    """Return the sets of cores that rows run on: one of them, and all.

    The one is the second, where there is: the first is the one that a machine's own work lands on.
    """
    pinnable = hasattr(os, "sched_getaffinity")  # Linux
    here = sorted(os.sched_getaffinity(0)) if pinnable else [*range(os.cpu_count() or 1)]
    one = (here[min(1, len(here) - 1)],)
    return [one, tuple(here)] if len(here) > 1 else [one]

"""Time commands: processes that begin, do something and end."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from time import perf_counter
from typing import NamedTuple


class Ran(NamedTuple):
    """One command that ended well."""

    wall_s: float
    rss_mb: float  # peak, of the process or of its largest child
    output: str


def run(command: Sequence[str]) -> Ran:
    """Run a command to its end; an error raises, with what it said.

    It may keep what Python compiles: a process that begins with everything compiled is what is measured.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as said:
        began = perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        output = said.read().decode()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with exit code {process.returncode}:\n{output}")
    return Ran(wall_s, usage.ru_maxrss * 1024 / 1e6, output)

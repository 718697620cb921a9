"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

from flotilla.clock import now_ns

PACKAGES = (
    "flotilla", "numpy", "numba", "pandas", "polars", "pyarrow", "pyzmq",
    "vectorbt", "vectorbt-rust", "TA-Lib",
)  # fmt: skip


def facts() -> dict[str, Any]:
    """Return the machine's and the software's particulars, for the first line of the results."""
    return {
        "kind": "machine",
        "utc": datetime.fromtimestamp(now_ns() // 1_000_000_000, UTC).isoformat(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _commit(),
        "versions": {name: version(name) for name in PACKAGES},
        "load_before": os.getloadavg()[0],
    }


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """Return the commit of this checkout, and whether it was changed since; "" where there is no git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""

"""Whether the compiler has been here: the first run waits for it, and should say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def waits_for(kernel: Any) -> str:
    """Return what somebody who calls a kernel waits for; "" if it lies compiled in the cache.

    kernel: the largest of those that will be called. Numba puts its code in files that are named for it.
    """
    folder = Path(kernel.stats.cache_path)
    name = f"{kernel.py_func.__module__.rpartition('.')[2]}.{kernel.py_func.__qualname__}"
    compiled = folder.is_dir() and any(folder.glob(f"{name}-*.nbi"))
    return "" if compiled else "the compiler first: up to a minute, this once"

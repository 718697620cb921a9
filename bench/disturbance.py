"""How much of our cores others used while we worked, as Linux counts it (steal by the host included)."""

from __future__ import annotations

import os
import resource
from collections.abc import Collection
from pathlib import Path
from time import perf_counter
from types import TracebackType

from flotilla.clock import sleep

_STAT = Path("/proc/stat")
_SHORTEST_S = 0.2  # the kernel counts in hundredths of a second; less time says nothing


class Watch:
    """`with Watch(cores) as watch: ...`, then `watch.others_pct`; None where it cannot be known."""

    def __init__(self, cores: Collection[int]) -> None:
        self._cores = cores
        self.others_pct: float | None = None

    def __enter__(self) -> Watch:
        self._busy, self._own, self._began = _busy_s(self._cores), _own_s(), perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        wall = perf_counter() - self._began
        now = _busy_s(self._cores)
        if now is not None and self._busy is not None and wall >= _SHORTEST_S:
            others = now - self._busy - (_own_s() - self._own)
            self.others_pct = round(max(0.0, 100.0 * others / (wall * len(self._cores))), 1)


class Around:
    """As `Watch`, for work that other processes do for us: looks for a second before it, and after it."""

    def __init__(self, cores: Collection[int]) -> None:
        self._cores = cores
        self.others_pct: float | None = None

    def __enter__(self) -> Around:
        self.others_pct = self._look()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        after = self._look()
        if after is not None and self.others_pct is not None:
            self.others_pct = max(after, self.others_pct)

    def _look(self) -> float | None:
        with Watch(self._cores) as watch:
            sleep(1.0)
        return watch.others_pct


def wait_for_quiet(cores: Collection[int], limit_s: float, most_pct: float = 8.0) -> None:
    """Wait until others leave the cores alone, at most `limit_s`."""
    end = perf_counter() + limit_s
    while perf_counter() < end:
        with Watch(cores) as watch:
            sleep(0.5)
        if watch.others_pct is None or watch.others_pct <= most_pct:
            return


def _busy_s(cores: Collection[int]) -> float | None:
    """Return for how long these cores have been busy, all together."""
    if not _STAT.exists():
        return None
    ticks = 0
    for line in _STAT.read_text().splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name[3:].isdigit() and int(name[3:]) in cores:
            user, nice, system, _idle, _iowait, *interrupts = map(int, counts[:8])
            ticks += user + nice + system + sum(interrupts)
    return ticks / os.sysconf("SC_CLK_TCK")


def _own_s() -> float:
    """Return the processor time of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)

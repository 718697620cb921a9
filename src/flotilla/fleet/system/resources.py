"""What platforms use, and what is done about it when that is too much.

1. `Sampler.sample` reads one line of /proc for each process of the machine, once for all
   platforms, and says which is whose: below a platform's first process, in its session,
   known from before, or by the mark in its environment (tree.py), which is read once.
   psutil finds the same at 25 times the cost and 7 MiB of memory (bench/), so it is what
   the tests compare with.
2. `tier` says how bad it is: pure. `follow` says when to act: a tier counts once it was seen
   twice, so that a moment's peak stops nobody, and is told once as it rises.

Memory is resident memory, shared pages counted in every process that has them: an upper
bound. Processor time that a process spent after it was last seen and before it ended is
not seen.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from flotilla.clock import monotonic_ns
from flotilla.fleet.spec import Resources
from flotilla.fleet.system.tree import mark_of

TIERS = ("ok", "warn", "shed", "drain", "stop")
_FROM = {"warn": 0.8, "shed": 0.9, "drain": 1.0, "stop": 1.2}  # of a limit
_CPU_FROM = 1.1  # of the cores: one that is used up is what it was given for
_BACK = 0.05  # of a limit: by so much less it must be for a tier to be over
_SETTLE_NS = 30_000_000_000  # what holds positions has so long to settle before it may be stopped
_TICKS = os.sysconf("SC_CLK_TCK")  # a second
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 2**20


class Sample(NamedTuple):
    """What a platform's processes use together, at one moment."""

    cpu_percent: float  # since the sample before; 100 is one core
    memory_mb: float  # MiB
    open_files: int  # of the process that has the most: the limit is each one's own
    threads: int
    processes: int


class Over(NamedTuple):
    """The worst of what a platform uses: its tier, and figures for people."""

    tier: str  # of TIERS
    what: str = ""  # "memory", "cpu", "open files", "processes"
    used: float = 0.0
    limit: float = 0.0


class Watch(NamedTuple):
    """What is remembered of a platform between two samples."""

    tier: str = "ok"  # told
    seen: str = "ok"  # at the last sample
    drain_ns: int | None = None  # monotonic: since when it is asked to settle


def tier(sample: Sample, limits: Resources, holds_positions: bool = False) -> Over:
    """Return the worst of what is used against what may be.

    A processor that is too busy is never more than a warning: nothing is lost by being
    slow that stopping would keep. What holds positions is drained and not stopped; `follow`
    knows when it was asked to settle, and for how long.
    """
    worst = Over("ok")
    share = 0.0
    for what, used, limit in _pairs(sample, limits):
        part = used / limit
        bad = _tier_of(what, part)
        if (TIERS.index(bad), part) > (TIERS.index(worst.tier), share):
            worst, share = Over(bad, what, used, limit), part
    if holds_positions and worst.tier == "stop":
        return worst._replace(tier="drain")
    return worst


def follow(
    watch: Watch, sample: Sample, limits: Resources, holds_positions: bool, now_ns: int
) -> tuple[Watch, Over | None]:
    """Return what to remember, and what is to be done now: None where nothing is new.

    now_ns: monotonic. A tier is acted on at the second sample that shows it or worse. What
    holds positions comes to "stop" only after it had half a minute to settle.
    """
    settled = watch.drain_ns is not None and now_ns - watch.drain_ns >= _SETTLE_NS
    found = tier(sample, limits, holds_positions and not settled)
    both = min(found.tier, watch.seen, key=TIERS.index)  # it was so bad twice
    if TIERS.index(both) > TIERS.index(watch.tier):
        asked = now_ns if watch.drain_ns is None and both in ("drain", "stop") else watch.drain_ns
        return Watch(both, found.tier, asked), found._replace(tier=both)
    if TIERS.index(found.tier) < TIERS.index(watch.tier) and _clear_of(watch.tier, sample, limits):
        calm = Watch(found.tier, found.tier, watch.drain_ns if found.tier in ("drain", "stop") else None)
        return calm, found
    return watch._replace(seen=found.tier), None


class Sampler:
    """Samples the platforms of a fleet. `fleet` is its run folder, absolute, as the marks have it."""

    def __init__(self, fleet: str) -> None:
        self._fleet = fleet
        self._owner: dict[tuple[int, int], str] = {}  # (pid, start) of every process: "" is nobody's
        self._spent: dict[tuple[int, int], int] = {}  # processor ticks, as of the last sample
        self._at_ns: int | None = None

    def sample(self, roots: Mapping[str, int]) -> dict[str, Sample]:
        """Return what each platform uses. roots: its first process. One that is gone has no sample.

        The first sample of a process knows no earlier one, and counts all that it has spent.
        """
        now_ns = monotonic_ns()
        seconds = 0.0 if self._at_ns is None else (now_ns - self._at_ns) / 1e9
        lines = dict(_lines())
        names = self._names(lines, roots)
        spent = {(line.pid, line.start): line.ticks for line in lines.values() if names[line.pid]}
        found: dict[str, list[_Line]] = {}
        for pid, name in names.items():
            if name in roots:
                found.setdefault(name, []).append(lines[pid])
        samples = {name: self._together(tree, seconds) for name, tree in found.items()}
        self._spent, self._at_ns = spent, now_ns
        return samples

    def _together(self, tree: list[_Line], seconds: float) -> Sample:
        ticks = sum(line.ticks - self._spent.get((line.pid, line.start), 0) for line in tree)
        return Sample(
            cpu_percent=100.0 * ticks / _TICKS / seconds if seconds else 0.0,
            memory_mb=sum(line.pages for line in tree) * _PAGE_MB,
            open_files=max(_open_files(line.pid) for line in tree),
            threads=sum(line.threads for line in tree),
            processes=len(tree),
        )

    def _names(self, lines: Mapping[int, _Line], roots: Mapping[str, int]) -> dict[int, str]:
        """Return whose each process is, "" where it is nobody's."""
        first = {pid: name for name, pid in roots.items()}
        names: dict[int, str] = {}
        for pid in lines:
            path = []  # up to the first whose owner is known
            at = pid
            while at in lines and at not in names:
                path.append(at)
                names[at] = first.get(at) or first.get(lines[at].session) or self._known(lines[at])
                if names[at] or lines[at].parent in path:
                    break
                at = lines[at].parent
            for below in path:
                names[below] = names[below] or names.get(at, "")
        self._owner = {(line.pid, line.start): names[line.pid] for line in lines.values()}
        return names

    def _known(self, line: _Line) -> str:
        known = self._owner.get((line.pid, line.start))
        if known is not None:
            return known
        said = mark_of(line.pid)
        return said.platform if said is not None and said.fleet == self._fleet else ""


class _Line(NamedTuple):
    """Of /proc/<pid>/stat."""

    pid: int
    parent: int
    session: int
    ticks: int
    threads: int
    start: int
    pages: int


def _lines() -> Iterator[tuple[int, _Line]]:
    for name in os.listdir("/proc"):  # noqa: PTH208  # a hundred names, each a string and no more
        if not name.isdigit():
            continue
        try:
            file = os.open(f"/proc/{name}/stat", os.O_RDONLY)
        except OSError:  # it ended
            continue
        try:
            words = os.read(file, 4096).rpartition(b")")[2].split()
        except OSError:
            continue
        finally:
            os.close(file)
        if words[0] not in (b"Z", b"X"):
            pid = int(name)
            ticks = int(words[11]) + int(words[12])
            yield (
                pid,
                _Line(
                    pid, int(words[1]), int(words[3]), ticks, int(words[17]), int(words[19]), int(words[21])
                ),
            )


def _open_files(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
    except OSError:  # it ended, or is another user's
        return 0


def _pairs(sample: Sample, limits: Resources) -> Iterator[tuple[str, float, float]]:
    if limits.memory_mb:
        yield "memory", sample.memory_mb, limits.memory_mb
    if limits.cpu_cores:
        yield "cpu", sample.cpu_percent / 100.0, limits.cpu_cores
    if limits.open_files:
        yield "open files", sample.open_files, limits.open_files
    if limits.processes:
        yield "processes", sample.processes, limits.processes


def _tier_of(what: str, part: float) -> str:
    if what == "cpu":
        return "warn" if part >= _CPU_FROM else "ok"
    reached = [name for name, least in _FROM.items() if part >= least]
    return reached[-1] if reached else "ok"


def _clear_of(told: str, sample: Sample, limits: Resources) -> bool:
    """Return whether everything is clearly below the tier that was told."""
    return all(
        used / limit < (_CPU_FROM if what == "cpu" else _FROM[told]) - _BACK
        for what, used, limit in _pairs(sample, limits)
        if what != "cpu" or told == "warn"
    )

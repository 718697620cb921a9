"""Find the children of an earlier supervisor again.

It may have died at any moment: before it wrote down whom it had started, or while the children
that it wrote down were dying. So what it wrote (folder.py) says whom to prefer, and the marks
that processes carry say who is there. Whoever calls holds the fleet's lock: no child is
without its mark then, as the lock is held by each fork until it has become its command.

1. A platform's first process is the one that was written down, or that carries its own number
   in its mark. It is adopted; of two, the one of the youngest generation.
2. Whoever else carries the mark of an adopted one, or descends from it, or is in its session,
   belongs to it. The rest are strays, of one that died unseen, or what stood beside the supervisor
   (sidecars.py): they are killed before the platform may start again, so that two generations never
   run at once.
3. What runs of a platform that the file has no more is handed out apart: it may hold positions.

An adopted child is watched by pidfd like any other. Its exit code goes to its parent, which is
the guard now: for us it is unknown.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import NamedTuple

from flotilla.fleet.folder import FleetState, Folder
from flotilla.fleet.system import tree
from flotilla.fleet.system.spawn import Child


class Found(NamedTuple):
    """Who was there: children to look after, by their platforms, and strays to kill."""

    children: dict[str, Child]
    former: dict[str, Child]  # of platforms that the fleet's file has no more
    strays: list[tree.Process]


def adopt(folder: Folder, state: FleetState, names: Collection[str]) -> Found:
    """Return who still runs of the fleet in `folder`. names: its platforms; none other is adopted."""
    fleet = str(folder.path)
    written = {
        (kept.pid, kept.start_ticks): tree.Mark(fleet, name, kept.generation, kept.pid)
        for name, kept in state.platforms.items()
        if kept.pid is not None and kept.start_ticks is not None
    }
    there = tree.find(fleet, leaders=dict(written.keys()))
    marks = {pid: mark for pid in there if (mark := tree.mark_of(pid)) is not None and mark.fleet == fleet}
    for pid, process in there.items():  # a process may write over its environment, not over our notes
        if (pid, process.start_ticks) in written:
            marks[pid] = written[pid, process.start_ticks]
    found: dict[str, Child] = {}
    first = [mark for pid, mark in marks.items() if mark.first == pid and not mark.platform.startswith("_")]
    for mark in sorted(
        first, key=lambda mark: (mark.generation, there[mark.first].start_ticks), reverse=True
    ):
        if mark.platform not in found and (child := _watched(there[mark.first], mark)) is not None:
            found[mark.platform] = child
    children = {name: child for name, child in found.items() if name in names}
    former = {name: child for name, child in found.items() if name not in names}
    return Found(children, former, _strays(there, marks, found))


def _watched(process: tree.Process, mark: tree.Mark) -> Child | None:
    try:
        pidfd = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if not tree.alive(process.pid, process.start_ticks):  # it ended, and the number may be another's
        os.close(pidfd)
        return None
    return Child(mark.platform, process.pid, pidfd, process.start_ticks, mark.generation, ours=False)


def _strays(
    there: Mapping[int, tree.Process], marks: Mapping[int, tree.Mark], children: Mapping[str, Child]
) -> list[tree.Process]:
    leaders = {child.pid for child in children.values()}
    belongs = leaders | tree.below(leaders, there)
    belongs |= {pid for pid, process in there.items() if process.session in leaders}
    belongs |= {pid for pid, mark in marks.items() if mark.first in leaders}
    return [process for pid, process in sorted(there.items()) if pid not in belongs]

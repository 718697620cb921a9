"""Find processes again: who is there, whose child, in which session, with which mark.

1. `read` and `table` take what /proc says of one process, and of all.
2. `mark_of` reads what every child of a fleet carries in its environment, and hands on: which
   fleet (its run folder), which platform, which generation, and who was the first of it.
3. `find` gathers all that belongs to a fleet, or to one platform of it: what carries the
   mark, what stands in a session that a marked process opened, and whatever these have
   started, and so on until nothing more is found.

A process may drop its mark (`env -i`), leave its session (setsid) or lose its parent (double
fork). One that does all three is found by its control group alone (cgroup.py), or by the
guard, which every orphan falls to. Nothing here opens more than files of /proc, and next to
nothing of the standard library is needed: the guard uses it too, and is to be small.
"""

from __future__ import annotations

import errno
import os
from collections import namedtuple  # without types: typing's own is a megabyte in a guard
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from flotilla.fleet.system.marks import FIRST, FLEET, GENERATION, PLATFORM

_GONE = "ZX"  # states of one that has ended, and waits for its parent to look
_MOST = 1 << 18  # bytes of an environment that are looked at
_PART = 1 << 12  # of them that are read at once
_GONE_OR_HIDDEN = {errno.ENOENT, errno.ESRCH, errno.ENODEV, errno.EACCES, errno.EPERM}


class Process(namedtuple("Process", "pid parent group session start_ticks threads ended")):
    """One line of /proc. `start_ticks` (1/100 s since the machine's start) tells it from a later namesake.

    ended: it is a zombie, and runs no more.
    """

    __slots__ = ()
    pid: int
    parent: int
    group: int
    session: int
    start_ticks: int
    threads: int
    ended: bool


class Mark(namedtuple("Mark", "fleet platform generation first")):
    """What the environment of a fleet's child says.

    fleet: the run folder, absolute. first: process id of the platform's first process.
    """

    __slots__ = ()
    fleet: str
    platform: str
    generation: int
    first: int


def read(pid: int) -> Process | None:
    """Return the process `pid`, None where there is none."""
    words = _stat(pid)
    if words is None:
        return None
    parent, group, session, threads, start_ticks = (int(words[k]) for k in (1, 2, 3, 17, 19))
    return Process(pid, parent, group, session, start_ticks, threads, words[0].decode() in _GONE)


def table() -> dict[int, Process]:
    """Return every process of the machine that we may see, by its number."""
    found = (read(int(name)) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208
    return {process.pid: process for process in found if process is not None}


def mark_of(pid: int) -> Mark | None:
    """Return the mark that `pid` was started with; None where it has none, or hides it, or is gone."""
    words = content(f"/proc/{pid}/environ")
    if words is None or FLEET.encode() not in words:
        return None
    said = dict(word.partition(b"=")[::2] for word in words.split(b"\0"))
    fleet, platform = said.get(FLEET.encode()), said.get(PLATFORM.encode())
    if fleet is None or platform is None:
        return None
    numbers = [said.get(key.encode(), b"") for key in (GENERATION, FIRST)]
    generation, first = (int(number) if number.isdigit() else 0 for number in numbers)
    return Mark(os.fsdecode(fleet), os.fsdecode(platform), generation, first)


def alive(pid: int, start_ticks: int) -> bool:
    """Return whether `pid` is still the process that started at `start_ticks`, and runs."""
    process = read(pid)
    return process is not None and process.start_ticks == start_ticks and not process.ended


def exit_status(pid: int, start_ticks: int) -> int | None:
    """Return the wait status of one that has ended, and whose parent has not looked yet; None of others."""
    words = _stat(pid)
    if words is None:
        return None
    ended = words[0].decode() in _GONE and int(words[19]) == start_ticks
    return int(words[49]) if ended else None


def children(pid: int) -> list[int]:
    """Return the children of `pid`, zombies among them; none where it is gone."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):  # noqa: PTH208
            with open(f"/proc/{pid}/task/{task}/children", "rb") as file:  # noqa: PTH123
                found += map(int, file.read().split())
    except (FileNotFoundError, ProcessLookupError):
        # The process went, or the kernel keeps no such list; then the whole table has to tell.
        return [process.pid for process in table().values() if process.parent == pid]
    return found


def below(roots: Iterable[int], known: Mapping[int, Process]) -> set[int]:
    """Return the descendants of `roots` in the table `known`, themselves not."""
    of: dict[int, list[int]] = {}
    for process in known.values():
        of.setdefault(process.parent, []).append(process.pid)
    found: set[int] = set()
    stack = list(roots)
    while stack:
        new = [pid for pid in of.get(stack.pop(), ()) if pid not in found]
        found.update(new)
        stack += new
    return found


def above(pid: int, known: Mapping[int, Process]) -> set[int]:
    """Return `pid` and its ancestors in the table `known`."""
    found: set[int] = set()
    while pid and pid not in found:
        found.add(pid)
        pid = known[pid].parent if pid in known else 0
    return found


def find(
    fleet: str,
    platform: str | None = None,
    *,
    leaders: Mapping[int, int] = MappingProxyType({}),
    roots: Iterable[int] = (),
) -> dict[int, Process]:
    """Return what runs of the fleet at the folder `fleet`, or of its `platform`, without zombies.

    leaders: processes that opened a session of the fleet and their `start_ticks`, dead ones
    too. roots: everything below them belongs, they do not. Neither this process nor its
    ancestors are ever found.
    """
    known = table()
    # One that has gone still names its session: its number is nobody else's while the session has members.
    leaders = {p: ticks for p, ticks in leaders.items() if p not in known or known[p].start_ticks == ticks}
    ours = above(os.getpid(), known)
    marks = {pid: said for pid in known if pid not in ours and (said := mark_of(pid)) is not None}
    found = {pid for pid, said in marks.items() if said.fleet == fleet and platform in {None, said.platform}}
    found |= (leaders.keys() & known.keys()) | below(roots, known)
    while True:
        # A session counts where its opener is of the fleet, or gone: a shell that lent its own does not.
        opened = leaders.keys() | {s for pid in found if (s := known[pid].session) in found or s not in known}
        more = {pid for pid, process in known.items() if process.session in opened} | below(found, known)
        if more <= found:
            break
        found |= more
    return {pid: known[pid] for pid in found - ours if not known[pid].ended}


def age_s(start_ticks: int) -> float:
    """Return how long ago a process started, in seconds. start_ticks: as in Process."""
    uptime = float((content("/proc/uptime") or b"0").split()[0])
    return uptime - start_ticks / os.sysconf("SC_CLK_TCK")


def user(pid: int) -> int | None:
    """Return the number of the user that `pid` runs as, None where it is gone."""
    try:
        return os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116
    except (FileNotFoundError, ProcessLookupError):
        return None


def _stat(pid: int) -> list[bytes] | None:
    """Return what /proc says of `pid`, from its state on; None where there is none."""
    line = content(f"/proc/{pid}/stat")
    return None if line is None else line.rpartition(b")")[2].split()


def content(path: str) -> bytes | None:
    """Return what stands in a file of /proc or of a control group; None of one that is gone, or not shown us.

    With bare calls: a file object asks the system four times more often, and walks read hundreds of files.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            found = part = os.read(file, _PART)
            while len(part) == _PART and len(found) < _MOST:
                part = os.read(file, _PART)
                found += part
        finally:
            os.close(file)
    except OSError as error:
        if error.errno in _GONE_OR_HIDDEN:
            return None
        raise
    return found

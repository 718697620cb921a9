"""Control groups, where the machine lets us: a name for a whole tree of processes, and limits for it.

A process cannot leave its group by forking, by setsid or by dropping its environment; so the
group says for certain who belongs to a platform, and version 2 kills it at one word.

1. `Cgroups` looks where this process stands, in version 2 and in the controllers of version 1,
   and tries to make a folder for the fleet below it: never beside it, since what limits us
   shall limit our children. What cannot be had is told in `reason`, and done without.
2. `make` gives a platform a group of its own, with its limits. A child is born `inside`, or
   joins by the `doors` between fork and exec (fork.py), so no command is ever outside.
3. `Group.kill` and `Group.pids` find everyone in it.

A limit on memory here is the last resort, above what the fleet's file says: those who watch
have until then to ask the platform to settle (resources.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from flotilla.fleet.system import tree

_V2 = "v2"
_PERIOD_US = 100_000
# What a limit is written into: for version 1 and for version 2.
_FILES = {
    "memory": ("memory.limit_in_bytes", "memory.max"),
    "pids": ("pids.max", "pids.max"),
    "cpu": ("cpu.cfs_quota_us", "cpu.max"),
}


class Limits(NamedTuple):
    """Of a whole platform; None is none."""

    memory: int | None = None  # bytes
    pids: int | None = None  # processes and threads
    cpu: float | None = None  # cores


class ControlGroup:
    """The control group of one platform: one folder, or several where version 1 keeps the limits."""

    def __init__(self, folders: dict[str, Path], limits: Limits | None = None, *, new: bool = False) -> None:
        self.folders, self.limits, self._new = folders, limits, new

    def serves_again(self, limits: Limits) -> bool:
        """Return whether another process may be born into it: it is as new, and holds these limits."""
        return self._new and self.limits == limits and not self.pids()

    @property
    def kills(self) -> bool:
        """Return whether the kernel kills all of it at one word."""
        return _V2 in self.folders and (self.folders[_V2] / "cgroup.kill").exists()

    @property
    def tracks(self) -> bool:
        """Return whether `pids` finds everyone."""
        return _V2 in self.folders or "pids" in self.folders

    def inside(self) -> int | None:
        """Open the folder of version 2, for a fork right into it; None where there is none.

        Or where it is not new: one that was ever killed at one word kills whoever is forked right into it.
        """
        if not (self._new and _V2 in self.folders):
            return None
        return os.open(self.folders[_V2], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

    def doors(self) -> list[int]:
        """Open what a child writes "0" into to join the rest; close them after the fork."""
        folders = [folder for kind, folder in self.folders.items() if not (self._new and kind == _V2)]
        return [os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for folder in folders]

    def pids(self) -> set[int]:
        """Return who is in it, zombies not."""
        folder = self.folders.get(_V2) or self.folders.get("pids")
        if folder is None:
            return set()
        found: set[int] = set()
        for path in [folder, *_folders(folder)]:
            found.update(
                map(int, (tree.content(f"{path}/cgroup.procs") or b"").split())
            )  # None: it was removed
        return found

    def kill(self) -> None:
        """Kill all of it, what it forks meanwhile too, where `kills`."""
        if self.kills:
            self._new = False
            (self.folders[_V2] / "cgroup.kill").write_text("1")

    def remove(self) -> bool:
        """Remove it; return whether it could be: not while someone is in it."""
        left = [folder for folder in self.folders.values() if not _removed(folder)]
        return not left


class Cgroups:
    """Where the control groups of one fleet are, `fleet` being its run folder.

    limits: which can be held ("memory", "pids", "cpu"). reason: why not all; empty where all are.
    """

    def __init__(self, fleet: Path, *, use: bool = True) -> None:
        short = blake2b(os.fsencode(fleet), digest_size=4).hexdigest()
        self.name = f"flotilla-{fleet.name}-{short}"
        self._bases: dict[str, Path] = {}
        self.limits: frozenset[str] = frozenset()
        self.reason = "control groups were not asked for"
        if use:
            self._look()

    def make(self, platform: str, limits: Limits = Limits()) -> ControlGroup:  # noqa: B008 it cannot be changed
        """Return the group of `platform`, empty of limits that cannot be held, and of processes.

        Who is in it still has hidden from those who ended the platform before, and is killed.
        """
        wanted = {name: value for name, value in limits._asdict().items() if value is not None}
        folders: dict[str, Path] = {}
        new = True
        for base, path in self._bases.items():
            if base != _V2 and base not in wanted and not (base == "pids" and _V2 not in self._bases):
                continue  # version 1: a folder a controller, and only where it has something to do
            folder = path / self.name / platform
            if not _removed(folder):
                new = False
                ControlGroup({base: folder}).kill()
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError:  # others may have taken the right away since: a platform starts without
                continue
            folders[base] = folder
        for name, value in wanted.items():
            if name in self.limits:
                _limit(folders, name, value)
        return ControlGroup(folders, limits, new=new and bool(folders))

    def there(self) -> list[ControlGroup]:
        """Return the group of each platform that has one in version 2, whoever made it."""
        base = self._bases.get(_V2)
        folders = [] if base is None else [path.parent for path in (base / self.name).glob("*/cgroup.procs")]
        return [ControlGroup({_V2: folder}) for folder in folders]

    def of(self, platform: str, pid: int) -> ControlGroup:
        """Return the group that `pid` of `platform` is in: an earlier supervisor may have stood elsewhere."""
        mounts, folders = _mounts(), {}
        for kind, path in _standing(pid).items():
            if kind in mounts and Path(path).parts[-2:] == (self.name, platform):
                folders[kind] = mounts[kind] / path.lstrip("/")
        return ControlGroup(folders)

    def platform_of(self, pid: int) -> str | None:
        """Return the platform in whose group `pid` is, None where it is in none of ours."""
        for kind, path in _standing(pid).items():
            _, found, below = path.partition(f"/{self.name}/")
            if found and kind in self._bases:
                return below.partition("/")[0]
        return None

    def folders(self) -> list[Path]:
        """Return the folders that all of the fleet's groups are in."""
        return [path / self.name for path in self._bases.values()]

    def remove(self) -> None:
        """Remove what is empty of the fleet's."""
        for path in self._bases.values():
            for folder in _folders(path / self.name):
                _removed(folder)
            _removed(path / self.name)

    def _look(self) -> None:
        mounts, reasons = _mounts(), []
        for kind, path in _standing("self").items():
            if kind not in mounts or kind not in (_V2, *_FILES):
                continue
            base = mounts[kind] / path.lstrip("/")
            try:
                (base / self.name).mkdir(exist_ok=True)
                _removed(base / self.name)
            except OSError as error:
                reasons.append(f"{base}: {error.strerror}")
                continue
            self._bases[kind] = base
        there = set(self._bases) - {_V2}
        if _V2 in self._bases:
            there |= self._enable(reasons)
        self.limits = frozenset(there)
        if not mounts:
            reasons.append("this machine mounts none")
        elif missing := [name for name in _FILES if name not in there]:
            reasons.append(f"no limits on {', '.join(missing)} by group")
        self.reason = "; ".join(reasons)

    def _enable(self, reasons: list[str]) -> set[str]:
        """Ask version 2 for the controllers that it has here; return those that it gives."""
        base, given = self._bases[_V2], set()
        has = set((base / "cgroup.controllers").read_text().split())
        for name in sorted(has & _FILES.keys()):
            try:
                (base / "cgroup.subtree_control").write_text(f"+{name}")
                given.add(name)
            except OSError as error:  # EBUSY: a group with processes of its own cannot divide what it has
                reasons.append(f"{base} does not give {name} on: {error.strerror}")
        return given


def _limit(folders: dict[str, Path], name: str, value: float) -> None:
    first, second = _FILES[name]
    if name in folders:
        (folders[name] / first).write_text(str(int(value * _PERIOD_US) if name == "cpu" else int(value)))
    elif _V2 in folders:
        folder = folders[_V2]
        (folder.parent / "cgroup.subtree_control").write_text(f"+{name}")
        text = f"{int(value * _PERIOD_US)} {_PERIOD_US}" if name == "cpu" else str(int(value))
        (folder / second).write_text(text)


def _mounts() -> dict[str, Path]:
    """Return where version 2, and the controllers of version 1, are mounted."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        before, _, after = line.partition(" - ")
        where, (kind, _, options) = before.split(), after.split(" ", 2)
        if where[3] != "/":  # a part of the tree: names in /proc/self/cgroup do not fit it
            continue
        if kind == "cgroup2":
            found[_V2] = Path(where[4])
        elif kind == "cgroup":
            found |= {name: Path(where[4]) for name in options.split(",") if name in _FILES}
    return found


def _standing(pid: int | str) -> dict[str, str]:
    """Return in which group `pid` is, by controller, and in version 2."""
    found: dict[str, str] = {}
    try:
        lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return found
    for line in lines:
        number, controllers, path = line.split(":", 2)
        names: Iterable[str] = [_V2] if number == "0" else controllers.split(",")
        found |= dict.fromkeys(names, path)
    return found


def _folders(folder: Path) -> list[Path]:
    """Return the folders below, the deepest first; none where there is none."""
    try:
        if folder.stat().st_nlink == 2:  # itself and its name above: nothing below
            return []
    except OSError:
        return []
    return [Path(path) for path, _, _ in os.walk(folder, topdown=False) if Path(path) != folder]


def _removed(folder: Path) -> bool:
    for below in _folders(folder):
        _removed(below)
    try:
        folder.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True

"""What `doctor` looks at, each thing by trying it: a kernel that says that it can is not yet one that may."""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import stat
import tempfile
from pathlib import Path
from typing import Literal, NamedTuple

from flotilla.cli import say
from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import FlotillaError
from flotilla.fleet.folder import Folder
from flotilla.fleet.spec import FleetSpec
from flotilla.fleet.system.cgroup import Cgroups
from flotilla.fleet.system.logs import punch

Verdict = Literal["fine", "warn", "bad"]
FINE: Verdict = "fine"
WARN: Verdict = "warn"
BAD: Verdict = "bad"
_SQLITE = (3, 51, 3)  # before, two processes that write one file in WAL mode may damage it
_BUILT_NS = 1_767_225_600_000_000_000  # 2026: a clock before it is not set
_FREE = 1_000_000_000  # bytes of disk below which a day of logs may not fit
_LONGEST_PATH = 100


class Checked(NamedTuple):
    """What was looked at, what was seen, and what to do about it."""

    what: str
    verdict: Verdict
    seen: str
    mend: str = ""


def machine() -> list[Checked]:
    """Return what this machine can do for a fleet."""
    return [_pidfd(), _cgroups(), _sqlite(), _clock(), _systemd(), _open_files()]


def run_folder(folder: Folder) -> list[Checked]:
    """Return how the run folder is, or the place where it will be."""
    path = folder.path
    while not path.exists():
        path = path.parent
    found = [_space(path), _holes(path), _lock(path), _sockets(folder)]
    if folder.path.exists():
        found += [_private(folder), _supervised(folder)]
    return found


def needs_of(spec: FleetSpec) -> list[Checked]:
    """Return whether the machine has what the platforms of the file ask for, and their commands."""
    found = []
    local = {name: platform for name, platform in spec.platforms.items() if platform.host is None}
    for name, platform in local.items():
        path = platform.env.get("PATH", os.environ.get("PATH"))
        program = platform.command[0]
        if shutil.which(program, path=path) is None and not _in_folder(platform.folder, program):
            where = f"$.platforms.{name}.command"
            seen = f"{where}: there is no program {program!r}"
            found.append(Checked("command", BAD, seen, "name it by its path, or mend PATH"))
    cores = sum(platform.required_resources.cpu_cores or 0 for platform in local.values())
    memory = sum(platform.required_resources.memory_mb or 0 for platform in local.values()) * 2**20
    here, there = os.cpu_count() or 1, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    seen = f"asked for {cores:g} of {here} cores, {say.size(memory)} of {say.size(there)}"
    if cores > here or memory > there:
        found.append(Checked("resources", WARN, seen, "they may starve one another: fewer, or more hosts"))
    else:
        found.append(Checked("resources", FINE, seen))
    return found


def _pidfd() -> Checked:
    try:
        os.close(os.pidfd_open(os.getpid()))
    except OSError as error:
        return Checked("pidfd", BAD, f"the kernel has none: {error.strerror}", "Linux 5.4 or newer is needed")
    return Checked("pidfd", FINE, f"deaths are seen at once (Linux {os.uname().release})")


def _cgroups() -> Checked:
    with tempfile.TemporaryDirectory(prefix="flotilla-doctor-") as folder:
        groups = Cgroups(Path(folder))
        reason = groups.reason
        groups.remove()
    if reason:
        mend = "limits are by rlimit alone, and trees are found by their mark; under systemd: Delegate=yes"
        return Checked("cgroups", WARN, reason, mend)
    return Checked("cgroups", FINE, "writable: limits for whole trees, killed at one word")


def _sqlite() -> Checked:
    seen = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < _SQLITE:
        return Checked("sqlite", FINE, f"{seen}; each file has one writer, as it must before 3.51.3")
    return Checked("sqlite", FINE, seen)


def _clock() -> Checked:
    if now_ns() < _BUILT_NS:
        return Checked(
            "clock", BAD, f"it is {say.utc(now_ns())} UTC, they say", "set it; schedules follow it"
        )
    synchronised = Path("/run/systemd/timesync/synchronized").exists() or shutil.which("chronyd")
    seen = f"{say.utc(now_ns())} UTC, {monotonic_ns() / 3.6e12:.1f} h since the start of the machine"
    if not synchronised:
        return Checked("clock", WARN, f"{seen}; nobody is seen to set it", "run chrony or systemd-timesyncd")
    return Checked("clock", FINE, seen)


def _systemd() -> Checked:
    if not Path("/run/systemd/system").is_dir():
        mend = "a fleet stays up without it, but nobody starts it after the machine did"
        return Checked("systemd", WARN, "it does not run this machine", mend)
    return Checked("systemd", FINE, "it runs this machine; a unit is in docs/fleet.md")


def _open_files() -> Checked:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    verdict, mend = (FINE, "") if soft >= 1024 else (WARN, "ulimit -n 4096, or LimitNOFILE= in the unit")
    return Checked("open files", verdict, f"{soft:,} for each process, {hard:,} at most", mend)


def _space(path: Path) -> Checked:
    free = shutil.disk_usage(path).free
    if free < _FREE:
        return Checked("disk", WARN, f"{say.size(free)} free at {path}", "make room, or rotate logs smaller")
    return Checked("disk", FINE, f"{say.size(free)} free at {path}")


def _holes(path: Path) -> Checked:
    try:
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"x" * 65536)
            file.flush()
            punch(file.fileno(), 32768)
            freed = os.fstat(file.fileno()).st_blocks * 512 < 65536
    except (FlotillaError, OSError) as error:
        return Checked("log rotation", WARN, str(error), "put the fleet's file on ext4, xfs, btrfs or tmpfs")
    if not freed:
        return Checked("log rotation", WARN, "holes are punched, and free nothing", "logs keep their space")
    return Checked("log rotation", FINE, "the file system punches holes")


def _lock(path: Path) -> Checked:
    try:
        with tempfile.NamedTemporaryFile(dir=path) as file, open(file.name, "rb") as again:  # noqa: PTH123
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                fcntl.flock(again, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return Checked("lock", FINE, "two supervisors at once are kept apart")
    except OSError as error:
        return Checked("lock", BAD, f"{path}: {error.strerror}", "the run folder must be writable")
    return Checked("lock", BAD, "a lock does not lock here", "not on a network disk without locks")


def _sockets(folder: Folder) -> Checked:
    if folder.sockets != folder.path:
        return Checked("sockets", FINE, f"the folder's path is too long, so they are in {folder.sockets}")
    length = len(os.fsencode(folder.socket("control")))
    return Checked("sockets", FINE, f"their paths have {length} bytes, of {_LONGEST_PATH}")


def _private(folder: Folder) -> Checked:
    for path in (folder.path, folder.logs, folder.sockets, folder.tokens, folder.audit_key):
        if not path.exists():
            continue
        found = path.lstat()
        if found.st_uid not in (os.geteuid(), 0) or stat.S_IMODE(found.st_mode) & 0o077:
            seen = f"{path} is open to others ({stat.filemode(found.st_mode)}, user {found.st_uid})"
            return Checked("permissions", BAD, seen, f"chmod go= {path}, and see who has been there")
    return Checked("permissions", FINE, f"{folder.path} is its owner's alone")


def _supervised(folder: Folder) -> Checked:
    holder = folder.holder()
    if holder is None:
        return Checked("supervisor", WARN, "none runs", "start it: flotilla fleet up FILE")
    if not folder.socket("control").exists():
        seen = f"process {holder} does not listen: {folder.socket('control')} is not there"
        mend = f"it puts it back within seconds; if not, `kill {holder}` takes the fleet down in order"
        return Checked("supervisor", BAD, seen, mend)
    return Checked("supervisor", FINE, f"process {holder}, generation {folder.generation()}")


def _in_folder(folder: str | None, program: str) -> bool:
    """Return whether a program is a path that counts from its platform's folder."""
    return "/" in program and os.access(Path(folder or ".") / program, os.X_OK)

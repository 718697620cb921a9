"""The run folder of a fleet: what outlives a supervisor, and the fence between two of them.

1. `run_folder_of` says where it is: beside the fleet's file, in `.flotilla/fleet/<name>/`. `make`
   makes it, for its owner's eyes alone (0700).
2. `take` is the fence. Whoever supervises holds the lock on `lock` for life, and begins by
   counting the generation up, durably. Should somebody take the folder away meanwhile, it is no
   fence any more (`holds`): another may have begun. A child that is forked holds the lock too, until it
   becomes its command: so the next supervisor begins only when every child carries its mark
   and can be found again (adopt.py). Two never supervise at once.
3. `write_state` keeps what the next supervisor must know, by a new file that takes the old
   one's place: after a crash there is the one or the other, whole.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shlex
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from flotilla.clock import monotonic_ns, now_ns, sleep
from flotilla.errors import ProcessError
from flotilla.stream.files import stands_at, write_whole
from flotilla.words import cut

_LONGEST_SOCKET = 100  # bytes: the kernel takes 107 and a zero
_YOUNG_NS = 10_000_000_000
_SHORT = Path("/tmp")  # noqa: S108 and not TMPDIR: who asks may have another one than who answers
_PRIVATE = 0o700
_WHOSE = "whose"  # the file in a short folder that says which run folder's it is


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is kept of a platform. pid and start_ticks: of its first process, None where none runs."""

    pid: int | None = None
    start_ticks: int | None = None
    generation: int = 0
    digest: str = ""  # of what it was started by (plan.birth); empty where that is not known
    state: str = "stopped"
    restarts: int = 0
    more: dict[str, Any] = {}


class FleetState(msgspec.Struct, frozen=True):
    """What the next supervisor must know. `supervisor` is the process id of the one that wrote it."""

    generation: int = 0
    supervisor: int = 0
    platforms: dict[str, Kept] = {}
    more: dict[str, Any] = {}


class Hold(NamedTuple):
    """The fence, held: close `lock` (a file descriptor) to let go."""

    lock: int
    generation: int


def run_folder_of(fleet_file: Path, name: str) -> Path:
    """Return the run folder of the fleet `name` that is described in `fleet_file`, absolute."""
    return fleet_file.resolve().parent / ".flotilla" / "fleet" / name


class Folder:
    """The names in a run folder."""

    def __init__(self, path: Path) -> None:
        self.path = Path(os.path.realpath(path))
        self.fleet_file = self.path / "fleet.yaml"
        self.origin = self.path / "origin"  # says which file it was started from
        self.state_file = self.path / "state.json"
        self.events = self.path / "events.db"
        self.audit = self.path / "audit.log"
        self.audit_key = self.path / "audit.key"
        self.tokens = self.path / "tokens.json"
        self.times = self.path / "schedule.jsonl"  # the next starts and stops
        self.logs = self.path / "logs"
        self.groups = self.path / "groups"  # where its control groups are, for a guard to remove
        self._lock = self.path / "lock"
        self._generation = self.path / "generation"
        self._anchor = self.path / "anchor"
        self._log_of: dict[str, Path] = {}

    def make(self) -> Folder:
        """Make what is not there yet; return itself. Others' folders are refused: `ProcessError`."""
        self.path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        self.logs.mkdir(mode=_PRIVATE, exist_ok=True)
        self.sockets.mkdir(mode=_PRIVATE, exist_ok=True)
        for folder in (self.path, self.logs, self.sockets):
            _own(folder)
        if self.sockets != self.path:
            write_whole(self.sockets / _WHOSE, os.fsencode(self.path))
            _forget_abandoned()
        return self

    @cached_property
    def sockets(self) -> Path:
        """Return the folder of the sockets: this one, or where its path is too long for them, a short one.

        The short one's name follows from this one's alone, so that everybody finds it, whatever its $TMPDIR.
        """
        if len(os.fsencode(self.path / "control.sock")) <= _LONGEST_SOCKET:
            return self.path
        short = blake2b(os.fsencode(self.path), digest_size=8).hexdigest()
        return _SHORT / f"flotilla-{os.getuid()}-{short}"

    def leave(self) -> None:
        """Remove the folder of the sockets, if it is one of its own: whoever supervised is done with it."""
        if self.sockets == self.path:
            return
        _drop(self.sockets)

    def socket(self, name: str) -> Path:
        """Return the path of the socket `name` (control, notify, api)."""
        return self.sockets / f"{name}.sock"

    def anchor(self) -> Path | None:
        """Return where the head of the audit trail stands as well, None where that was not noted yet."""
        try:
            return Path(os.fsdecode(self._anchor.read_bytes()))
        except FileNotFoundError:
            return None

    def note_anchor(self, path: Path) -> None:
        """Remember where the head of the audit trail stands: the fleet's file may soon name another place."""
        if self.anchor() != path:
            write_whole(self._anchor, os.fsencode(path))

    def log(self, platform: str) -> Path:
        """Return the path of the log of `platform`."""
        if platform not in self._log_of:  # asked for at each birth and death
            self._log_of[platform] = self.logs / f"{platform}.log"
        return self._log_of[platform]

    def take(self, wait_s: float = 2.0) -> Hold:
        """Take the fence and count the generation up.

        Whoever holds it has `wait_s` to let go; after that it is a `ProcessError` that names it.
        """
        lock = self._fenced(wait_s)
        generation = self.generation() + 1
        write_whole(self._generation, str(generation).encode())
        return Hold(lock, generation)

    @contextmanager
    def coming_up(self) -> Iterator[None]:
        """Have one bring this fleet up at a time: what it writes here is what its supervisor reads.

        ProcessError where another does.
        """
        turn = os.open(self.path / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if not _locked(turn):
                raise ProcessError(f"another process brings {self.path.name} up just now")
            yield
        finally:
            os.close(turn)

    @contextmanager
    def unsupervised(self, wait_s: float = 2.0) -> Iterator[None]:
        """Hold the fence for a moment, to write what a supervisor else writes. Fails as `take` does."""
        lock = self._fenced(wait_s)
        try:
            yield
        finally:
            os.close(lock)

    def _fenced(self, wait_s: float) -> int:
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        end_ns = monotonic_ns() + int(wait_s * 1e9)
        while not _locked(lock):
            if monotonic_ns() >= end_ns:
                holder = os.pread(lock, 20, 0).decode() or "another process"
                os.close(lock)
                raise ProcessError(f"{self.path} is supervised by {holder} already")
            sleep(0.002)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        return lock

    def holds(self, hold: Hold) -> bool:
        """Return whether the lock that is held is still the one that the next supervisor would take."""
        return stands_at(hold.lock, self._lock)

    def generation(self) -> int:
        """Return the generation of the latest supervisor, 0 where there was none."""
        return number_in(self._generation)

    def holder(self) -> int | None:
        """Return the process id of who supervises now, None where nobody does."""
        try:
            lock = os.open(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            free = _locked(lock, fcntl.LOCK_SH)
            text = os.pread(lock, 20, 0)
        finally:
            os.close(lock)
        return None if free or not text.isdigit() else int(text)

    def state(self) -> FleetState:
        """Return what the last supervisor kept; an empty one where there was none."""
        try:
            return msgspec.json.decode(self.state_file.read_bytes(), type=FleetState)
        except FileNotFoundError:
            return FleetState()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
            raise ProcessError(f"{self.state_file} cannot be read: {error}") from error

    def write_state(self, state: FleetState, *, durable: bool = True) -> None:
        """Keep `state`; durable: waiting for the disk, for what must survive the machine's death too."""
        write_whole(self.state_file, msgspec.json.encode(state), durable=durable)


def number_in(path: Path) -> int:
    """Return the number that a file holds, 0 where there is no file; ProcessError where it holds none."""
    try:
        found = path.read_bytes()
    except FileNotFoundError:
        return 0
    if not found.isdigit():
        what = f"holds {cut(found)}" if found else "is empty"
        raise ProcessError(
            f"{path} {what}, and should hold a number: how many supervisors there have been\n"
            f"    mend: echo 1000000 > {shlex.quote(str(path))}  (more than there can have been; a number "
            f"that is too small would let an older one be taken for the newest)"
        )
    return int(found)


def _locked(file: int, how: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(file, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _own(folder: Path) -> None:
    """Make `folder` private, or refuse it where it is not ours to make so."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise ProcessError(f"{folder} is not a folder of user {os.geteuid()}: others could stop the fleet")
    if stat.S_IMODE(found.st_mode) != _PRIVATE:
        folder.chmod(_PRIVATE)


def _forget_abandoned() -> None:
    """Remove the short folders of ours whose run folders are gone: nobody was left to do it.

    Where somebody listens the run folder is only out of sight: on a disk of another mount namespace.
    """
    for folder in _SHORT.glob(f"flotilla-{os.getuid()}-*"):
        try:
            mine = folder.lstat().st_uid == os.geteuid() and not folder.is_symlink()
            whose = Path(os.fsdecode((folder / _WHOSE).read_bytes()))
            gone = mine and not whose.exists() and not _heard(folder)
        except OSError:  # just being made, or removed; or nobody can see whether it is there
            continue
        if gone:
            _drop(folder)


def _heard(folder: Path) -> bool:
    """Return whether a supervisor listens in a folder, or it was made so lately that one may yet."""
    if now_ns() - folder.stat().st_mtime_ns < _YOUNG_NS:
        return True
    with socket.socket(socket.AF_UNIX) as asking:
        asking.setblocking(False)  # a full queue is an answer, too
        answer = asking.connect_ex(os.fsencode(folder / "control.sock"))
    return answer not in (errno.ECONNREFUSED, errno.ENOENT)


def _drop(sockets: Path) -> None:
    """Remove a short folder, unless somebody has put something else into it."""
    for file in (*sockets.glob("*.sock"), sockets / _WHOSE):
        file.unlink(missing_ok=True)
    with suppress(OSError):
        sockets.rmdir()

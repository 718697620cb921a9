"""Where a sweep is, written down now and then: one that was killed goes on, and does not begin anew."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from flotilla.clock import monotonic_ns, now_ns
from flotilla.portfolio.lanes import LaneDriver
from flotilla.stream.arrays import decode_arrays, encode_arrays
from flotilla.stream.files import write_atomically
from flotilla.stream.table import Store

CHECKSUM = 16  # bytes, before those of the state
CHECKPOINT_S = 2.0  # seconds from one to the next
SHARE = 50  # a checkpoint takes one part in so many of the time, at most
ABANDONED_NS = 3_600_000_000_000  # a stretch of rows takes seconds


class Unfinished(NamedTuple):
    """What a sweep left that was stopped, or is at it now: its checkpoints."""

    identity: str  # of the table that it was to be
    bytes: int
    written_ns: int  # when it last wrote, UTC
    files: tuple[Path, ...]

    @property
    def abandoned(self) -> bool:
        """Return whether it has not written for so long that it cannot be at work still."""
        return now_ns() - self.written_ns > ABANDONED_NS

    def forget(self) -> None:
        """Remove it; the sweep then begins anew, if it is called again."""
        for file in self.files:
            file.unlink(missing_ok=True)


def unfinished(store: Store) -> list[Unfinished]:
    """Return the sweeps that have checkpoints in a store, oldest first."""
    files: dict[str, list[tuple[Path, os.stat_result]]] = {}
    for path in sorted(_folder(store).glob("*")):
        with suppress(FileNotFoundError):  # it was finished just now
            files.setdefault(path.name.lstrip(".").partition("-")[0], []).append((path, path.stat()))
    found = [
        Unfinished(
            identity,
            sum(stat.st_size for _, stat in parts),
            max(stat.st_mtime_ns for _, stat in parts),
            tuple(path for path, _ in parts),
        )
        for identity, parts in files.items()
    ]
    return sorted(found, key=lambda each: (each.written_ns, each.identity))


def _folder(store: Store) -> Path:
    return store.folder.parent / "checkpoints"


class Checkpoint:
    """One file beside the store's tables, gone when the sweep is done. Without a store there is none."""

    def __init__(self, store: Store | None, name: str, every_s: float) -> None:
        self._path = _folder(store) / name if store else None
        self._every_ns = int(every_s * 1e9)
        self._kept_ns = monotonic_ns()
        self.lost = ""  # why none can be written; the sweep goes on without

    def resume(self, driver: LaneDriver) -> None:
        """Set the driver to where it was, if that is known. A damaged file counts as none."""
        if self._path is None or not self._path.exists():
            return
        kept = self._path.read_bytes()
        state = kept[CHECKSUM:]
        if _checksum(state) == kept[:CHECKSUM]:
            driver.restore(decode_arrays(state))
        else:
            self._path.unlink()

    def save_if_due(self, driver: LaneDriver) -> None:
        """Write the driver's state down, if it is time again."""
        if self._path is None or self.lost or driver.done == driver.rows:
            return
        began = monotonic_ns()
        if began - self._kept_ns < self._every_ns:
            return
        state = encode_arrays(driver.state())
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_atomically(self._path, _checksum(state) + state)
        except OSError as error:
            self.lost = f"{self._path} cannot be written: {error.strerror}"
            return
        self._kept_ns = monotonic_ns()
        if self._every_ns:  # 0 is after every stretch of rows, whatever it costs
            self._every_ns = max(self._every_ns, SHARE * (self._kept_ns - began))

    def remove(self) -> None:
        """Forget it: the sweep is done. So is what a process left that was killed while it wrote."""
        if self._path is None or not self._path.parent.is_dir():
            return
        try:
            self._path.unlink(missing_ok=True)
            for left in self._path.parent.glob(f".{self._path.name}.partial-*"):
                left.unlink(missing_ok=True)
        except OSError as error:
            self.lost = self.lost or f"{self._path} cannot be removed: {error.strerror}"


def _checksum(state: bytes) -> bytes:
    return blake2b(state, digest_size=CHECKSUM).digest()

"""A log's file, as its one writer holds it: the lock beside it, and whether it is still the same file."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import IO

from flotilla.errors import StreamError
from flotilla.stream.files import sync_folder

THERE = "\n"  # in the file of the lock: the log was made
BUSY_S = 5.0  # how long one waits for SQLite's own short locks


def files(path: Path) -> tuple[tuple[int, int], ...]:
    """Return what the log's file and its journal are to the disk, whatever their names; (0, 0): not there."""
    found = []
    for name in (path, f"{path}-wal"):
        try:
            seen = Path(name).stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((seen.st_dev, seen.st_ino))
    return tuple(found)


def claim(path: Path, once: bool) -> IO[str]:
    """Return the file that holds the writer's lock; the lock goes when the process does.

    It holds the writer's process id and, once the log was there, an end of line.
    """
    file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    lock = os.fdopen(file, "r+", encoding="ascii", errors="replace")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        with lock:
            raise StreamError(f"{path} has a writer already: process {lock.read().strip()}") from None
    if once and lock.read().endswith(THERE) and not path.exists():
        lock.close()
        raise StreamError(f"{path} is gone, which was there before: what it held is lost")
    lock.seek(0)
    lock.truncate()
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def connect(path: Path, mode: str) -> sqlite3.Connection:
    """Return the file, opened. mode: of SQLite, ro or rw."""
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None)


def made(path: Path) -> sqlite3.Connection:
    """Return the file, opened to be written, and made (0600) if it is not there."""
    if not path.exists():
        for left in ("-wal", "-shm"):  # of one that was removed: SQLite would take them for the new one's
            Path(f"{path}{left}").unlink(missing_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would take the umask's mode
        sync_folder(path.parent)
    return connect(path, "rw")

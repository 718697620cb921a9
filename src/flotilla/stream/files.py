"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

_PRIVATE = 0o700
_FULL = (errno.ENOSPC, errno.EDQUOT)
_ROOM = 8_000_000  # bytes: less than a log's journal and a checkpoint take


def write_atomically(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whose folder is made if need be.

    A reader sees the old file or the new one, never a part of it, and the disk has it when this returns.
    """
    with named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content, 0o666)


def write_whole(path: Path, content: bytes, mode: int = 0o600, *, durable: bool = True) -> None:
    """Write `content` to `path` so that after a crash there is the old file or the new one, whole.

    mode: of the file, less the umask. durable: not only when a process dies, but the machine. OSError names
    the file, and says where there is no room.
    """
    partial = path.with_name(f".{path.name}.partial-{uuid4().hex}")
    with named(path):
        file = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        try:
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(file, view) :]
                if durable:
                    os.fsync(file)
            finally:
                os.close(file)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        if durable:
            sync_folder(path.parent)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an OSError name the file that somebody asked for, and say where there is no room."""
    try:
        yield
    except OSError as error:
        room = without_room(path) if error.errno in _FULL else ""
        raise OSError(error.errno, f"{error.strerror or error}{room}", str(path)) from error


def stands_at(descriptor: int, path: Path) -> bool:
    """Return whether an open file is still the one at `path`: it may have been moved or removed."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def without_room(path: Path) -> str:
    """Return how little room there is where a file is, or would be, as the end of a message; "" if enough.

    `path` need not be there, nor its folder.
    """
    there = next((folder for folder in path.absolute().parents if folder.is_dir()), Path("/"))
    disk = os.statvfs(there)
    if not disk.f_blocks:  # the kernel's own, as /proc: they have no room to speak of
        return ""
    free = disk.f_bavail * disk.f_frsize
    if free >= _ROOM:
        return ""
    return f"; there is no room on the disk of {there}: {free / 1e6:.1f} MB free"


def private_folder(path: Path) -> None:
    """Make a folder whose names are for nobody else's eyes, and close one that is there (0700).

    The folder that it lies in is made if need be, and left as it is. OSError names what is in the way.
    """
    with named(path):
        try:
            path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            there = next(at for at in (path, *path.parents) if at.exists() or at.is_symlink())
            raise NotADirectoryError(error.errno, f"{there} is there, and is no folder") from error
        found = path.stat()
        if found.st_uid == os.geteuid() and found.st_mode & 0o077:
            path.chmod(_PRIVATE)


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in `folder`: a new file is on the disk only when its name is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

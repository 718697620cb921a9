"""Whose a run's folder is: one command plays it, and who would remove it asks first.

    with claimed(folder):       for as long as this process plays the run, or removes it
        forget(folder)

The lock lies beside the folder, not in it, so that it outlives a removal: of two that begin a run anew at the
same moment one does, and the other is refused. A run whose command was killed is in use for a moment more,
until its processes are down; they hold the fence of their own run folder.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.folder import Folder

FLEET = "fleet"  # the folder of the run's processes, inside the run's
_ASIDE = ".removed-"


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Have a run's folder for this process alone; ProcessError at once where another has it."""
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise in_use(folder, os.pread(lock, 20, 0).decode("ascii", "replace")) from None
        if holder := Folder(folder / FLEET).holder():
            raise in_use(folder, str(holder))
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)


def in_use(folder: Path, holder: str) -> ProcessError:
    """Return what is said to whoever wants a run that another process plays. holder: its process id."""
    whose = f"process {holder}" if holder else "another process"
    return ProcessError(f"{folder} is in use by {whose}: it runs already. Stop it first; nothing was removed")


def forget(folder: Path) -> None:
    """Remove a run that is `claimed`: at once for whoever looks. ConfigError where the folder is a link."""
    for left in folder.parent.glob(f".{folder.name}{_ASIDE}*"):  # by one that was killed
        shutil.rmtree(left)
    if folder.is_symlink():
        raise ConfigError(
            f"{folder} is a link to {folder.resolve()}, and only what was made here is removed: "
            "remove what it points at, or the link, yourself"
        )
    if folder.exists():
        aside = folder.with_name(f".{folder.name}{_ASIDE}{uuid4().hex}")
        folder.rename(aside)
        shutil.rmtree(aside)

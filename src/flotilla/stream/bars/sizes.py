"""Look at sizes before memory is taken: of files, of what they unpack to, of arrays."""

from __future__ import annotations

from pathlib import Path

import psutil

from flotilla.errors import ConfigError
from flotilla.stream.bars.findings import refuse

COPIES = 3  # of a file's bytes that are held at once at most: text, table, arrays


def size_of(path: Path) -> int:
    """Return a file's size; ConfigError where the path leads to no regular file."""
    if "\0" in str(path):
        raise ConfigError(f"{str(path)!r} is no path: it has a NUL in it")
    try:
        size = path.stat().st_size
        kind = "a folder" if path.is_dir() else "no regular file, as a device or a pipe is none"
        if not path.is_file():
            raise ConfigError(f"{path} cannot be read: it is {kind}")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    return size


def available() -> int:
    """Return the bytes of memory that may be taken."""
    return int(psutil.virtual_memory().available)


def check_fits(name: str, bytes_: int, what: str) -> None:
    """Raise DataError where something would take more memory than there is."""
    if bytes_ > (there := available()):
        told = f"{what} would take {bytes_ / 1e9:,.1f} GB of memory, and {there / 1e9:,.1f} GB are free"
        raise refuse(name, told, "read a part of it, or fewer columns", "too_large")

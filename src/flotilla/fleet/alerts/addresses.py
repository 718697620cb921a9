"""Where messages go: addresses are secrets, so they are kept in the environment or in a file.

What is named in a fleet's file ("env:SLACK_URL", "file:mail.urls") may be printed, logged
and stored; what it stands for is read when a message goes out, and never told to anybody,
in no error either.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from flotilla.errors import ConfigError

_MOST_BYTES = 64 * 1024


def addresses(target: str, folder: Path) -> tuple[str, ...]:
    """Return the apprise URLs that `target` stands for, at least one.

    A file, relative to `folder`, has one a line, `#` begins a comment; it is its owner's
    alone (0600) and no link. ConfigError says what is wrong, without what is in it.
    """
    kind, _, name = target.partition(":")
    if kind == "env":
        text = os.environ.get(name, "")
    elif kind == "file":
        text = _secret(folder / name)
    else:
        raise ConfigError(f"{target.partition(':')[0]!r} is neither env:NAME nor file:PATH")
    lines = (line.strip() for line in text.splitlines())
    found = tuple(line for line in lines if line and not line.startswith("#"))
    if not found:
        raise ConfigError(f"{target} holds no address")
    return found


def _secret(path: Path) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigError(f"{path} is no plain file")
        if found.st_uid not in (os.geteuid(), 0):
            raise ConfigError(
                f"{path} belongs to user {found.st_uid}: whoever wrote it is told of everything"
            )
        if stat.S_IMODE(found.st_mode) & 0o077:
            raise ConfigError(f"{path} can be read or written by others: chmod 600 it")
        return os.read(file, _MOST_BYTES).decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{path} is not UTF-8") from None
    finally:
        os.close(file)

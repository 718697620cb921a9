"""The file of a private key is its owner's alone: looked at before anything uses it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from flotilla.errors import ConfigError


def private(key: Path, hint: str = "") -> None:
    """Refuse a key that is not there, is somebody else's, or that others can read: ConfigError.

    hint: what helps where there is none.
    """
    try:
        found = key.stat()
    except OSError as error:
        raise ConfigError(f"{key} cannot be read: {error.strerror or error}{hint and f'. {hint}'}") from error
    if not stat.S_ISREG(found.st_mode) or found.st_uid not in (os.geteuid(), 0):
        raise ConfigError(f"{key} is no file of user {os.geteuid()}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise ConfigError(f"{key} can be read by others: chmod 600 {key}")

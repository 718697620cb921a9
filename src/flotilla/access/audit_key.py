"""The key of the audit log: a file of 0600 beside it, which none but its owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from flotilla.errors import ConfigError
from flotilla.stream.files import sync_folder


def key_at(path: Path, *, make: bool) -> bytes:
    """Return the key, made if asked; with a new one an old log does not verify, which is as it should be.

    ConfigError where it is not there and not to be made, or is no key that only its owner can read.
    """
    try:
        return _secret(path)
    except FileNotFoundError:
        if not make:
            raise ConfigError(f"{path}: the key of the audit log is not there") from None
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_hex(32).encode())
        file.flush()
        os.fsync(descriptor)
    sync_folder(path.parent)
    return _secret(path)


def _secret(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be the key of the audit log: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        secret = file.read(128)
    if found.st_mode & 0o077 or found.st_uid != os.geteuid():
        raise ConfigError(f"{path} can be read by others: it must be yours, with mode 0600")
    if len(secret) != 64:
        raise ConfigError(f"{path} holds no key of the audit log")
    return secret

"""Tokens: who may ask the API for what, until when. The file holds hashes; a token is shown once, when made.

    flt_<id>_<secret>      the id finds the hash, the secret (256 bits) is what is hashed, with argon2id

The file is 0600 and its owner's; anything else is refused. Whoever may write it may make tokens: the command
line does so without asking anybody. Writers take turns by a lock, readers see the old file or the new one.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec
from argon2 import PasswordHasher

from flotilla.clock import DAY_NS, now_ns
from flotilla.errors import ConfigError, UnknownName
from flotilla.stream.files import write_whole

DAYS = 90.0  # that a token is good for, unless said otherwise
MOST_DAYS = 366.0
MOST = 500  # tokens in a file
LONGEST_TOKEN = 100  # characters of a token
_FORM = re.compile(r"flt_([a-z0-9]{8})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"

# Of RFC 9106's argon2id: 32 MiB and four passes, some 70 ms on a small machine; once a quarter of an hour.
HASHER = PasswordHasher(time_cost=4, memory_cost=32_768, parallelism=1)


class TokensUnusable(ConfigError):
    """The file is unsafe or damaged: no token can be checked until somebody mends it."""


class Role(StrEnum):
    """What somebody may do; each may do what those before it may."""

    VIEWER = "viewer"  # look
    OPERATOR = "operator"  # start, stop, restart, drain
    ADMIN = "admin"  # set something anew for a start; tokens

    def may(self, needed: Role) -> bool:
        """Return whether this role is at least `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


class Token(msgspec.Struct, frozen=True):
    """One token, as it is kept."""

    id: str
    name: str  # whose it is; the audit says api:<name>
    role: Role
    hash: str
    made_ns: int  # ns since 1970, UTC
    expires_ns: int
    revoked_ns: int = 0  # 0: it is not

    def good(self, now: int) -> bool:
        """Return whether it may be used at `now`, ns UTC."""
        return not self.revoked_ns and now < self.expires_ns


class Made(NamedTuple):
    """A new token, and the text that is shown this once."""

    token: Token
    text: str


class _File(msgspec.Struct, forbid_unknown_fields=True):
    tokens: list[Token] = []


class TokenBook:
    """The tokens in a file, read again when it has changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] = ()
        self._tokens: dict[str, Token] = {}

    def find(self, id_: str) -> Token | None:
        """Return the token with this id, None where there is none; TokensUnusable where the file is."""
        self._look()
        return self._tokens.get(id_)

    def all(self) -> list[Token]:
        """Return all of them, as they were made."""
        self._look()
        return list(self._tokens.values())

    def _look(self) -> None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            self._seen, self._tokens = (), {}
            return
        seen = (found.st_mtime_ns, found.st_ino, found.st_size, found.st_mode)
        if seen != self._seen:
            self._tokens = {token.id: token for token in _read(self._path).tokens}
            self._seen = seen


def create(path: Path, name: str, role: Role, days: float = DAYS, *, hasher: PasswordHasher = HASHER) -> Made:
    """Make a token that is good for `days` and return it with its text, which nobody can show again."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{name!r} cannot name a token: a letter, then up to 31 of a-z 0-9 _ -")
    if not 0 < days <= MOST_DAYS:
        raise ConfigError(f"a token is good for up to {MOST_DAYS:g} days, not for {days:g}")
    id_ = "".join(secrets.choice(_LETTERS) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    now = now_ns()
    token = Token(id_, name, role, hasher.hash(secret), now, now + int(days * DAY_NS))
    with _turn(path) as file:
        kept = [other for other in file.tokens if other.good(now - 30 * DAY_NS)]
        if any(other.name == name and other.good(now) for other in kept):
            raise ConfigError(f"there is a token called {name!r} already; revoke it, or choose another name")
        if len(kept) >= MOST:
            raise ConfigError(f"there are {MOST} tokens already; revoke those that nobody needs")
        file.tokens = [*kept, token]
    return Made(token, f"flt_{id_}_{secret}")


def revoke(path: Path, id_: str) -> Token:
    """Make a token good for nothing from now on, and return it; UnknownName where there is none."""
    with _turn(path) as file:
        for at, token in enumerate(file.tokens):
            if token.id == id_:
                revoked = msgspec.structs.replace(token, revoked_ns=token.revoked_ns or now_ns())
                file.tokens[at] = revoked
                return revoked
    raise UnknownName("token", id_, [token.id for token in file.tokens])


def first(path: Path) -> str | None:
    """Make an admin's token where no token was ever made, and return its text; None where one was."""
    if path.exists():
        return None
    return create(path, "admin", Role.ADMIN).text


def parse(text: str) -> tuple[str, str] | None:
    """Return the id and the secret of a token's text, None where it has not the form of one."""
    match = _FORM.fullmatch(text)
    return (match[1], match[2]) if match else None


@contextmanager
def _turn(path: Path) -> Iterator[_File]:
    """Let the file be changed by one at a time; write it, whole, if nothing was raised."""
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = _read(path) if path.exists() else _File()
        before = list(file.tokens)
        yield file
        if file.tokens != before:
            write_whole(path, msgspec.json.format(msgspec.json.encode(file)))
    finally:
        os.close(lock)


def _read(path: Path) -> _File:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise TokensUnusable(f"{path} cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if found.st_mode & 0o077 or found.st_uid != os.geteuid():
            raise TokensUnusable(f"{path} can be read by others: it must be yours, with mode 0600")
        try:
            return msgspec.json.decode(file.read(), type=_File)
        except msgspec.MsgspecError as error:
            raise TokensUnusable(f"{path} is no file of tokens: {error}") from error

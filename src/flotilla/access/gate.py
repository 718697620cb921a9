"""Is this token good? Asked at every request; the costly hash is paid once in a quarter of an hour.

1. A token that was verified is known by a digest with a key that lives as long as this process (`_known`).
   Each time it is looked up in the book again: revoked, expired or made anew, it is not known any more.
2. Any other is hashed, one at a time, beside the loop. Many requests with one new token wait for one hash.
3. Who fails five times in a minute is told to wait, before anything is hashed. Failures are counted by
   client and, where the id is one of ours, by id: who guesses does not lock out whoever comes from the same
   place with another token, nor anybody whose token is known. An attempt counts as failed until it is found
   good.
4. An id that nobody has costs the same hash, of nothing.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from flotilla.access.tokens import HASHER, LONGEST_TOKEN, Role, Token, TokenBook, TokensUnusable, parse
from flotilla.clock import monotonic_ns, now_ns

FAILURES = 5  # in a window, then it is locked
WINDOW_S = 60.0
KNOWN_S = 900.0  # for how long a token is known without its hash
_MOST_KNOWN = 1_000
_MOST_CLIENTS = 10_000
_NS = 1_000_000_000


class Who(NamedTuple):
    """Somebody with a good token."""

    id: str
    name: str
    role: Role
    expires_ns: int  # ns since 1970, UTC


class Refusal(NamedTuple):
    """Why a request goes no further."""

    status: int  # of HTTP
    text: str
    retry_s: int = 0  # when it may be tried again; 0: not at all as it is
    what: str = ""  # for the audit, empty where it need not know


class _Known(NamedTuple):
    token: Token
    until_ns: int  # monotonic


class Gate:
    """Knows who is who, by the tokens of a book. now: a monotonic clock, ns."""

    def __init__(
        self, book: TokenBook, *, hasher: PasswordHasher = HASHER, now: Callable[[], int] = monotonic_ns
    ) -> None:
        self._book, self._hasher, self._now = book, hasher, now
        self._secret = secrets.token_bytes(32)
        self._nothing = hasher.hash(secrets.token_urlsafe(32))
        self._known: dict[bytes, _Known] = {}
        self._at_work: dict[bytes, asyncio.Future[bool]] = {}
        self._failures: dict[tuple[str, str], deque[int]] = {}
        self._worker = ThreadPoolExecutor(1, "argon2")
        self.logins: deque[Who] = deque(maxlen=100)  # for the audit, which takes them out

    async def admit(self, authorization: str | None, client: str) -> Who | Refusal:
        """Return who asks, by the value of the header Authorization. client: where from.

        TokensUnusable while nobody can be known.
        """
        if not authorization:
            return Refusal(401, "a token is needed: Authorization: Bearer flt_...", what="no token")
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer" or len(text) > LONGEST_TOKEN or not text.isascii():
            return Refusal(401, "this is no token of a fleet", what="bad token")
        digest = hmac.digest(self._secret, text.encode(), "sha256")
        if (token := self._remembered(digest)) is not None:
            return _who(token)
        parts = parse(text)
        if parts is None:
            return Refusal(401, "this is no token of a fleet", what="bad token")
        return await self._tried(digest, *parts, client)

    def again(self, who: Who) -> bool:
        """Return whether `who`, admitted before, still is: a stream asks that now and then."""
        try:
            token = self._book.find(who.id)
        except TokensUnusable:
            return False
        return token is not None and token.good(now_ns()) and token.role == who.role

    def close(self) -> None:
        """End the thread that hashes."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    def _remembered(self, digest: bytes) -> Token | None:
        known = self._known.get(digest)
        if known is None:
            return None
        token = known.token
        if self._now() < known.until_ns and token.good(now_ns()) and self._book.find(token.id) == token:
            return token
        del self._known[digest]
        return None

    async def _tried(self, digest: bytes, id_: str, secret: str, client: str) -> Who | Refusal:
        token = self._book.find(id_)
        if (running := self._at_work.get(digest)) is None:
            bucket = (client, id_ if token is not None else "")
            if wait_s := self._locked(bucket):
                return Refusal(429, "too many tries with tokens that are not good", wait_s, "locked out")
            at = self._now()  # counted before anything waits: many at once are as many
            self._failures.setdefault(bucket, deque()).append(at)
            running = asyncio.ensure_future(self._verified(token, secret, bucket, at))
            self._at_work[digest] = running
            running.add_done_callback(lambda _: self._at_work.pop(digest, None))
        good = await asyncio.shield(running)
        if not good or token is None:
            return Refusal(401, "this token is not good", what="bad token")
        if not token.good(now_ns()):
            gone = "was revoked" if token.revoked_ns else "has expired"
            return Refusal(
                401, f"this token {gone}: ask an admin for another", what=f"token of {token.name} {gone}"
            )
        if digest not in self._known:
            self._remember(digest, token)
        return _who(token)

    async def _verified(self, token: Token | None, secret: str, bucket: tuple[str, str], at: int) -> bool:
        loop = asyncio.get_running_loop()
        good = await loop.run_in_executor(self._worker, self._checked, token, secret)
        if good and at in (tries := self._failures.get(bucket, deque())):
            tries.remove(at)
        return good

    def _checked(self, token: Token | None, secret: str) -> bool:
        try:
            self._hasher.verify(self._nothing if token is None else token.hash, secret)
        except (Argon2Error, InvalidHashError):
            return False
        return token is not None

    def _remember(self, digest: bytes, token: Token) -> None:
        if len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[digest] = _Known(token, self._now() + int(KNOWN_S * _NS))
        self.logins.append(_who(token))

    def _locked(self, bucket: tuple[str, str]) -> int:
        """Return for how many seconds this client is to wait, 0 where it may try."""
        if len(self._failures) > _MOST_CLIENTS:
            self._failures = {one: tries for one, tries in self._failures.items() if self._recent(tries)}
        tries = self._failures.get(bucket)
        if tries is None or len(self._recent(tries)) < FAILURES:
            return 0
        return 1 + int((tries[-FAILURES] + WINDOW_S * _NS - self._now()) / _NS)

    def _recent(self, tries: deque[int]) -> deque[int]:
        while tries and tries[0] <= self._now() - WINDOW_S * _NS:
            tries.popleft()
        return tries


def _who(token: Token) -> Who:
    return Who(token.id, token.name, token.role, token.expires_ns)

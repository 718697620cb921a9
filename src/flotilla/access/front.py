"""What a request passes before anything looks at what it asks for.

1. Its path is plain: letters, digits and `. _ -` between single slashes. Nothing here needs a path that has
   to be decoded, so none is, and there are no two readings of one.
2. It is meant for us: Host is one of ours, and a browser's page from elsewhere (Origin, Sec-Fetch-Site) is
   not behind it. A name that an attacker's DNS points at 127.0.0.1 gets nowhere. At this machine's own names
   the port is free: an ssh tunnel ends at another one, and no page from elsewhere has such a name.
3. Somebody asks, with a good token (gate.py). Without one there is no telling which paths exist. While the
   file of tokens is unsafe or damaged nobody gets in: that is told, and an alert is raised.
4. Its body is at most 64 KiB, and comes within ten seconds.

Then routes.py takes it; each route looks at the role.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flotilla.access.audit_entry import AuditEntry, AuditSink
from flotilla.access.gate import Gate, Refusal, Who
from flotilla.access.tokens import TokensUnusable
from flotilla.clock import monotonic_ns
from flotilla.errors import ConfigError

LONGEST_BODY = 64 * 1024
BODY_S = 10.0
_LONGEST_PATH = 300
_PLAIN = re.compile(rb"/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*)?")
_LOOPBACK = re.compile(r"(localhost|127\.0\.0\.1|\[::1\]):[1-9][0-9]{0,4}")
_CHALLENGE = (b"www-authenticate", b"Bearer")
_ALWAYS = [
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


class Front:
    """The app behind the checks. hosts: the Host headers that are ours; scheme: how browsers reach us."""

    def __init__(
        self, app: ASGIApp, gate: Gate, audit: AuditSink, hosts: frozenset[str], scheme: str = "http"
    ) -> None:
        self.app, self._gate, self._audit = app, gate, audit
        self._hosts, self._scheme = hosts, scheme
        self.answers: Counter[tuple[str, int]] = Counter()  # (method, status): for the metrics
        self._alarm = ""  # what is wrong with the tokens, and was told
        self.at_work = 0
        self.last_ns = monotonic_ns()  # when something was last asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise ConfigError(f"{scope['type']} is not served here")
        self.at_work += 1

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers[
                    scope["method"] if scope["method"] in _METHODS else "other", message["status"]
                ] += 1
                message["headers"] = [*message.get("headers", ()), *_ALWAYS]
            await send(message)

        try:
            await self._serve(scope, receive, counted)
        finally:
            self.at_work -= 1
            self.last_ns = monotonic_ns()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope["client"][0] if scope.get("client") and scope["client"][0] else "local"
        asked = self._unwelcome(scope) or await self._asker(scope, client)
        if isinstance(asked, Refusal):
            self._note(asked, client)
            await _refuse(asked, send)
            return
        body = await _body(receive)
        if isinstance(body, Refusal):
            await _refuse(body, send)
            return
        scope.setdefault("state", {})["who"] = asked
        scope["state"]["client"] = client
        await self.app(scope, _replayed(body, receive), send)

    def _unwelcome(self, scope: Scope) -> Refusal | None:
        raw: bytes = scope.get("raw_path") or scope["path"].encode()
        if len(raw) > _LONGEST_PATH or not _PLAIN.fullmatch(raw) or raw.decode() != scope["path"]:
            return Refusal(400, "this is no path that is served here")
        hosts = [host.lower() for host in _values(scope, b"host")]
        if len(hosts) != 1 or not self._ours(hosts[0]):
            return Refusal(403, "this Host is not served here", what="foreign Host")
        origins = _values(scope, b"origin")
        site = _values(scope, b"sec-fetch-site")
        if any(origin.lower() != f"{self._scheme}://{hosts[0]}" for origin in origins):
            return Refusal(403, "pages from elsewhere are not served", what="foreign Origin")
        if any(value not in ("same-origin", "none") for value in site):
            return Refusal(403, "pages from elsewhere are not served", what="foreign page")
        return None

    def _ours(self, host: str) -> bool:
        loopback = _LOOPBACK.fullmatch(host)
        return host in self._hosts or (loopback is not None and loopback[1] in self._hosts)

    async def _asker(self, scope: Scope, client: str) -> Who | Refusal:
        given = _values(scope, b"authorization")
        if len(given) > 1:
            return Refusal(400, "one Authorization is enough")
        try:
            asked = await self._gate.admit(given[0] if given else None, client)
        except TokensUnusable as error:
            text = f"no token can be checked: {error}"
            if text != self._alarm:
                self._audit.tell(AuditEntry("api", "tokens", "", text, alarm=True))
            self._alarm = text
            return Refusal(503, text)
        if isinstance(asked, Who):
            self._alarm = ""
        while self._gate.logins:
            who = self._gate.logins.popleft()
            login = AuditEntry(f"api:{who.name}", "login", f"token {who.id}", "ok", f"from {client}")
            self._audit.tell(login)
        return asked

    def _note(self, refusal: Refusal, client: str) -> None:
        if refusal.what:
            self._audit.tell(AuditEntry(f"api:{client}", "denied", "", refusal.what))


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


async def _body(receive: Receive) -> bytes | Refusal:
    """Return the whole body, or why it is not taken."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return Refusal(400, "the request ended within its body")
                body += message.get("body", b"")
                if len(body) > LONGEST_BODY:
                    return Refusal(413, f"a body is at most {LONGEST_BODY} bytes")
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        return Refusal(408, f"the body did not come within {BODY_S:g} s")


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives `body` once, and then what comes: that the other side went away."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(refusal: Refusal, send: Send) -> None:
    kind = {
        400: "BadRequest",
        401: "Unauthorized",
        403: "Forbidden",
        429: "LockedOut",
        503: "TokensUnusable",
    }.get(refusal.status, "Refused")
    content = msgspec.json.encode({"error": {"kind": kind, "text": refusal.text}})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    if refusal.status == 401:
        headers.append(_CHALLENGE)
    if refusal.retry_s:
        headers.append((b"retry-after", str(refusal.retry_s).encode()))
    if refusal.status in (408, 413):
        headers.append((b"connection", b"close"))  # the rest of the body is not read
    await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})

"""A fleet for the API's tests: a run folder, tokens of every sort, and a supervisor that does nothing.

The control socket is the real one (fleet/control.py); only what stands behind it is made up.
"""

import asyncio
import json
import shutil
import tempfile
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import unquote

import httpx
import pytest
from argon2 import PasswordHasher

from flotilla.access import tokens
from flotilla.access.gate import Gate
from flotilla.access.tokens import Role, TokenBook
from flotilla.fleet.api.app import build
from flotilla.fleet.control.server import Control
from flotilla.fleet.control.status import FleetStatus, PlatformStatus
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.events import EventStore

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # the right one is tested in test_gate.py
HOSTS = frozenset({"flotilla", "localhost"})
FLEET = "name: desk\nplatforms:\n  feed: {command: [sleep, '1']}\n"


@pytest.fixture
def folder():
    """Return a run folder with a short path: a unix socket's may have 107 bytes, and pytest's are long."""
    made = Path(tempfile.mkdtemp(prefix="fl-"))
    folder = Folder(made).make()
    folder.fleet_file.write_text(FLEET)
    with closing(EventStore(folder.events)) as store:
        for said in ("one", "two", "three"):
            store.append("status", "feed", {"said": said})
    yield folder
    shutil.rmtree(made)


@pytest.fixture
def texts(folder):
    """Return the texts of tokens: one of each role, one expired, one revoked, and what is none."""
    made = {role: tokens.create(folder.tokens, role, Role(role), hasher=CHEAP) for role in Role}
    for name in ("expired", "revoked"):
        made[name] = tokens.create(folder.tokens, name, Role.ADMIN, hasher=CHEAP)
    tokens.revoke(folder.tokens, made["revoked"].token.id)
    alter(folder.tokens, made["expired"].token.id, expires_ns=1)
    found = {str(name): one.text for name, one in made.items()}
    swapped = found["admin"][:-2] + ("AA" if not found["admin"].endswith("AA") else "BB")
    return found | {"bad": swapped, "unknown": "flt_zzzzzzzz_" + "x" * 43, "malformed": "letmein"}


def alter(path, id_, **changes):
    """Change a token in its file, behind everybody's back."""
    file = json.loads(path.read_text())
    for token in file["tokens"]:
        if token["id"] == id_:
            token.update(changes)
    path.write_text(json.dumps(file))


class Supervisor:
    """Answers as one would, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.refuse = None  # an error to answer commands with
        self.platforms = (
            PlatformStatus("feed", "ready", pid=11, ready=True, cpu_percent=12.5, memory_mb=30.0),
            PlatformStatus("strategies", "ready", pid=12, ready=True, needs={"feed": "ready"}),
        )

    async def answer(self, request, peer):
        self.asked.append(request)
        if request.command == "status":
            return FleetStatus("desk", 3, "adopt", 17, self.platforms, 99, 1_000_000_000)
        if self.refuse is not None and request.command != "record":
            raise self.refuse
        if request.command == "plan":
            return {"order": (("strategies",), ("feed",)) if request.data["of"] == "stop" else (("feed",),)}
        return {"seq": 18, "names": list(request.platforms)}

    def commands(self):
        return [one for one in self.asked if one.command not in ("status", "record", "plan")]

    def records(self):
        return [
            (one.who, one.data["action"], one.data["outcome"])
            for one in self.asked
            if one.command == "record"
        ]


@asynccontextmanager
async def supervised(folder):
    """Run the made-up supervisor at the folder's control socket."""
    supervisor = Supervisor()
    control = Control(supervisor.answer, lambda first, most: [], folder.path / "asked.jsonl")
    await control.open(folder.socket("control"))
    supervisor.leave = control.close
    try:
        yield supervisor
    finally:
        await asyncio.sleep(0.01)  # who hung up is seen to have
        await control.close()


@asynccontextmanager
async def served(folder, **changes):
    """Run the app without a server; yields what one may ask it with."""
    async with supervised(folder) as supervisor:
        gate = Gate(TokenBook(folder.tokens), hasher=CHEAP)
        front = build(folder, HOSTS, gate=gate)
        async with front.app.router.lifespan_context(front.app):
            transport = httpx.ASGITransport(front, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://flotilla") as client:
                yield SimpleNamespace(client=client, supervisor=supervisor, front=front, gate=gate)


def bearer(text):
    return {"Authorization": f"Bearer {text}"} if text is not None else {}


async def asgi(front, method, raw_path, headers=(), body=b""):
    """Ask the app with a path as it is on the wire; return the status and the answer."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "raw_path": raw_path,
        "path": unquote(raw_path.decode("latin-1")),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent = []
    said = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive():
        return said.pop(0) if said else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await front(scope, receive, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:])

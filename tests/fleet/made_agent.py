"""A real agent in a process of its own, and a head that is played, by real TLS."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.fleet.made_keys import free_port, keys

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet import spec
from flotilla.fleet.control.client import Client, NoSupervisor
from flotilla.fleet.folder import Folder
from flotilla.fleet.hosts import credentials
from flotilla.fleet.hosts.wire import (
    LONGEST_LINE,
    Do,
    Hello,
    Told,
    digest,
    encoded,
    from_agent,
)
from flotilla.stream.files import write_whole

CHILD = """
import os, socket, sys, time
def say(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        try:
            out.connect(os.environ["NOTIFY_SOCKET"])
            out.send(text)
        except OSError:
            pass
print("begun", flush=True)
say(b"READY=1")
while not os.path.exists(sys.argv[1]):
    time.sleep(0.05)
    say(b"WATCHDOG=1")
"""
TOKEN = "a" * 16


class Site:
    """A host's folder, with its own copy of the fleet's file."""

    def __init__(self, path):
        self.path, self.port = path, free_port()
        (path / "app").mkdir()
        (path / "app" / "child.py").write_text(CHILD)
        self.file = path / "fleet.yaml"
        self.write()
        self.folder = Folder(path / ".flotilla" / "fleet" / "two@b").make()
        write_whole(self.folder.fleet_file, spec.fleet_to_yaml(spec.read_fleet(self.file)).encode())
        write_whole(self.folder.origin, str(self.file).encode())
        write_whole(self.folder.path / "host", b"b")
        self.process = None

    def write(self, **more):
        feed = {"command": [sys.executable, "child.py", "never"], "folder": "app", "host": "b"}
        feed |= {"health": {"heartbeat_s": 0.2}, "shutdown_timeout": 5.0} | more
        host = {"address": f"127.0.0.1:{self.port}", "keys": str(keys())}
        raw = {"name": "two", "hosts": {"b": host}, "platforms": {"feed": feed}}
        raw["platforms"]["near"] = {"command": ["true"], "needs": ["feed"]}
        raw["monitoring"] = {"sample_every": 0.2}
        self.file.write_text(json.dumps(raw))

    @property
    def digest(self):
        return digest(spec.read_fleet(self.file).platforms["feed"])

    def start(self, env=None, wait=True):
        log = (self.path / "agent.log").open("ab")
        with log:
            command = [sys.executable, "-m", "flotilla.fleet.hosts.agent", str(self.folder.path)]
            env = os.environ | (env or {})
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
        if not wait:
            return None
        end = monotonic_ns() + 20 * 10**9
        while monotonic_ns() < end:
            with suppress(NoSupervisor):
                return Client(self.folder.socket("control"), "test").status()
            assert self.process.poll() is None, (self.path / "agent.log").read_text()
            sleep(0.02)
        raise AssertionError("it does not come up")

    def end(self, what=signal.SIGTERM):
        self.process.send_signal(what)
        return self.process.wait(20)


class Head:
    """Says and hears lines."""

    def __init__(self, reader, writer):
        self.reader, self.writer, self.n, self.seen = reader, writer, 0, []

    @classmethod
    async def at(cls, site, **more):
        context = credentials.head(keys())
        both = await asyncio.open_connection(
            "127.0.0.1", site.port, ssl=context, server_hostname="b", limit=LONGEST_LINE
        )
        head = cls(*both)
        hello = Hello("two", "b", **({"generation": 1, "token": TOKEN} | more))
        head.writer.write(encoded(hello))
        return head, await from_agent(head.reader, 10)

    def do(self, what, run="1.1", generation=1, n=None, **more):
        self.n = n or self.n + 1
        self.writer.write(encoded(Do(self.n, generation, what, "feed", run, **more)))

    async def hear(self, what, kind=Told):
        """Return the next line of a kind; the others are put aside."""
        while True:
            line = await from_agent(self.reader, 10)
            if isinstance(line, kind) and what in (getattr(line, "what", None), None):
                return line
            self.seen.append(line)

    def leave(self):
        self.writer.transport.abort()


async def begun(site, until="readied", generation=1):
    """Have a head start the platform and leave; return its welcome, and what it was told last."""
    head, welcome = await Head.at(site, generation=generation)
    head.do("spawn", generation=generation, digest=site.digest)
    told = await head.hear(until)
    head.leave()
    return welcome, told


async def welcomed(site, **more):
    """Have a head come and leave; return its welcome."""
    head, welcome = await Head.at(site, **more)
    head.leave()
    return welcome


def running(site):
    """Return the processes that bear this agent's mark."""
    mark = f"FLOTILLA_FLEET={site.folder.path}".encode()
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if mark in (place / "environ").read_bytes().split(b"\0"):
                found.append(int(place.name))
    return found


@contextmanager
def ended(site):
    try:
        yield site
    finally:
        if site.process is not None and site.process.poll() is None:
            site.process.kill()
            site.process.wait(10)
        for pid in running(site):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 60))

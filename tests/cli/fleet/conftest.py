"""A fleet whose supervisor is played: it answers as the real one does, and starts nothing."""

import asyncio
import io
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from flotilla.access.audit import Chain
from flotilla.clock import now_ns
from flotilla.errors import UnknownName
from flotilla.fleet.control import answers
from flotilla.fleet.control.server import Control
from flotilla.fleet.control.status import FleetStatus, PlatformStatus
from flotilla.fleet.control.waits import waits
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.history.events import EventStore
from flotilla.fleet.rules import fleet_state
from flotilla.fleet.rules.states import State
from flotilla.fleet.spec import fleet_to_yaml, read_fleet
from flotilla.stream.files import write_whole

FILE = """
name: demo
platforms:
  feed: {command: [sleep, "60"], ready: started}
  strategy: {command: [sleep, "60"], ready: started, needs: [feed]}
  portfolio: {command: [sleep, "60"], ready: started, needs: [strategy]}
  report: {command: [sleep, "60"], ready: started}
"""


class Played:
    """Plays a supervisor: states change at once, each change is an event and a record."""

    def __init__(self, folder: Folder, fails):
        self.folder, self.asked, self.fails = folder, [], fails
        self.spec = read_fleet(folder.fleet_file)
        self.states = dict.fromkeys(self.spec.platforms, "ready")
        self.begins = "ready"  # what is new in the file
        self.over = None

    async def serve(self, there):
        self.over = asyncio.Event()
        self.events = EventStore(self.folder.events)
        anchor = self.folder.path.with_name(f"{self.folder.path.name}.anchor")
        self.chain = Chain(self.folder.audit, self.folder.audit_key, anchor)
        self.control = Control(self.answer, self.events.read)
        await self.control.open(self.folder.socket("control"))
        for name in self.states:
            self.events.append("state", name, {"old": "starting", "new": "ready"})
        there.set()
        await self.over.wait()
        await asyncio.sleep(0.05)
        self.events.append("fleet_stopped")
        await self.control.close()
        self.events.close()
        self.chain.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0.01)

    async def answer(self, request, peer):
        if request.command == "status":
            return self.status()
        if request.command == "plan":
            return answers.planned(self.fleet(), request.data, request.platforms, None)
        if request.command == "record":
            told = request.data
            return self.chain.append(
                request.who, told["action"], told["target"], request.why, told["outcome"]
            )
        self.asked.append(request)
        for name in request.platforms:
            if name not in self.states and name not in self.spec.sequences:
                raise UnknownName("platform", name, list(self.states))
        self.chain.append(request.who, request.command, ",".join(request.platforms), request.why, "accepted")
        getattr(self, request.command)(request)
        return {"seq": self.events.last_seq(), "names": request.platforms}

    def status(self):
        waiting = waits(self.fleet())
        reasons = {
            name: "died 3 times in 60 s" if state == "failed" else "" for name, state in self.states.items()
        } | {name: wait.why for name, wait in waiting.items()}
        platforms = tuple(
            PlatformStatus(
                name,
                self.states[name],
                pid=100 + n if self.states[name] == "ready" else None,
                since_ns=now_ns() - 65_000_000_000,
                needs=dict(self.spec.platforms[name].needs),
                reason=reasons[name],
                blocked_by=waiting[name].blocked_by if name in waiting else (),
            )
            for n, name in enumerate(self.states)
        )
        return FleetStatus("demo", 4, "adopt", self.events.last_seq(), platforms, pid=99)

    def fleet(self):
        made = fleet_state.made(self.spec, 4)
        lives = {
            name: replace(life, state=State(self.states[name]), wanted=self.states[name] != "stopped")
            for name, life in made.lives.items()
        }
        return replace(made, lives=lives, away=frozenset())

    def become(self, name, state):
        self.events.append("state", name, {"old": self.states[name], "new": state})
        self.states[name] = state

    def start(self, request):
        for level in answers.order(self.fleet(), "start", request.platforms):
            for name in level:
                self.become(name, self.fails.get(name, "ready"))

    def stop(self, request):
        for level in answers.order(self.fleet(), "stop", request.platforms):
            for name in level:
                self.become(name, "stopped")

    drain = stop

    def restart(self, request):
        for name in request.platforms:
            self.become(name, "stopped")
            self.become(name, self.fails.get(name, "ready"))

    def down(self, request):
        self.stop(request)
        self.over.set()

    def reload(self, request):
        self.spec = read_fleet(request.data["file"])
        write_whole(self.folder.fleet_file, fleet_to_yaml(self.spec).encode())
        self.states = {name: self.states.get(name, self.begins) for name in self.spec.platforms}

    def ack(self, request):
        self.events.append("alert_acknowledged", data={"who": request.who})


def terminal(monkeypatch, typed):
    """Have a person at a terminal, who types `typed`; what is not a whole line ends in Ctrl-D."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)


@contextmanager
def playing(folder, fails=None):
    """Play the supervisor of a run folder. fails: what becomes of a platform that is started, by its name."""
    played, there = Played(folder, fails or {}), threading.Event()
    loop = asyncio.new_event_loop()

    def whole():
        loop.run_until_complete(played.serve(there))
        loop.close()

    thread = threading.Thread(target=whole)
    thread.start()
    assert there.wait(10)
    try:
        yield played
    finally:
        if thread.is_alive() and not loop.is_closed():
            loop.call_soon_threadsafe(played.over.set)
        thread.join()


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    """Return the file of a fleet, in the present folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FLOTILLA_FLEET", raising=False)
    path = tmp_path / "fleet.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def folder(file) -> Folder:
    """Return the run folder of a fleet that was up and is down."""
    found = Folder(run_folder_of(file, "demo")).make()
    write_whole(found.fleet_file, fleet_to_yaml(read_fleet(file)).encode())
    write_whole(found.origin, str(file).encode())
    return found


@pytest.fixture
def fleet(folder):
    """Return a fleet that is up: all is ready."""
    with playing(folder) as played:
        yield played

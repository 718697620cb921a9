"""A receiver of messages, and a stand-in for the supervisor: its event store behind its control socket."""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.control.client import Client
from flotilla.fleet.folder import Folder

SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from flotilla.fleet.control.server import Control
from flotilla.fleet.history.events import EventStore
from flotilla.fleet.folder import Folder
from flotilla.fleet.control.status import FleetStatus

async def main():
    folder = Folder(Path(sys.argv[1]))
    store = EventStore(folder.events)

    async def answer(request, peer):
        if request.command == "record":
            seq = store.append(**request.data)
            control.published()
            return seq
        return FleetStatus("day", 1, "adopt", store.last_seq(), ())

    control = Control(answer, store.read)
    await control.open(folder.socket("control"))
    print("up", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Receiver:
    """Takes JSON messages at `url`. While `refuses`, it answers 503; `slow_s` before it answers."""

    def __init__(self):
        self.messages, self.refuses, self.slow_s, self.tries = [], False, 0.0, 0
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.tries += 1
                sleep(receiver.slow_s)
                if not receiver.refuses:
                    receiver.messages.append(body)
                with contextlib.suppress(OSError):  # whoever sent it was killed meanwhile
                    self.send_response(503 if receiver.refuses else 200)
                    self.end_headers()

            def log_message(self, *_):
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/s3cret-token"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def titles(self):
        return [message["title"] for message in self.messages]

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def receiver():
    with contextlib.closing(Receiver()) as receiver:
        yield receiver


@pytest.fixture
def other():
    with contextlib.closing(Receiver()) as receiver:
        yield receiver


class Fleet:
    """A run folder, its stand-in supervisor, and the process that is tested."""

    def __init__(self, path: Path, alerts: str) -> None:
        self.folder = Folder(path / ".flotilla" / "fleet" / "day").make()
        self.folder.fleet_file.write_text(
            f"name: day\nplatforms: {{engine: {{command: [x]}}}}\nmonitoring: {{alerts: {{{alerts}}}}}\n"
        )
        self.client = Client(self.folder.socket("control"), "test", deadline_s=5)
        self.supervisor = self.process = None
        self.log = path / "alerts.log"

    def start_supervisor(self):
        command = [sys.executable, "-c", SUPERVISOR, str(self.folder.path)]
        self.supervisor = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert self.supervisor.stdout.readline() == b"up\n"

    def start_alerts(self, **environment):
        command = [sys.executable, "-m", "flotilla.fleet.alerts", str(self.folder.path)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env={**os.environ, **environment}, stderr=log, stdout=log
            )

    def happen(self, kind="alert", platform="engine", text="", **data):
        told = {"kind": kind, "platform": platform, "text": text, "data": data}
        self.client.ask("record", data=told)

    def kill(self, process):
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture
def fleet(tmp_path):
    made = []

    def make(alerts: str) -> Fleet:
        made.append(Fleet(tmp_path, alerts))
        made[-1].start_supervisor()
        return made[-1]

    yield make
    for one in made:
        for process in (one.process, one.supervisor):
            if process is not None and process.poll() is None:
                one.kill(process)


@pytest.fixture
def until():
    """Return a function that waits until something is so, for half a minute at most."""

    def wait(is_so, seconds=30.0):
        end_ns = monotonic_ns() + int(seconds * 1e9)
        while not is_so() and monotonic_ns() < end_ns:
            sleep(0.02)
        assert is_so()

    return wait

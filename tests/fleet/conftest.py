"""Real fleets: a guard, a supervisor and small processes that say that they are ready and alive."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet import spec
from flotilla.fleet.control.client import Client, NoSupervisor
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.history.events import EventReader
from flotilla.fleet.system import bare
from flotilla.stream.files import write_whole

CHILD = """
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
if "deaf" in sys.argv: signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "twins" in sys.argv and os.fork() == 0: os.setsid(); os.fork() or time.sleep(1000); os._exit(0)
speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
if "late" in sys.argv: time.sleep(1000)
if "works" in sys.argv: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
speaker.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
if "says" in sys.argv: print("up", flush=True)
if "dies" in sys.argv: sys.exit(3)
if "works" in sys.argv: signal.sigwait([signal.SIGUSR1]); sys.exit(0)
while True:
    time.sleep(int(os.environ.get("WATCHDOG_USEC", 20_000_000)) / 2e6)
    try: speaker.sendto(b"READY=1\\nWATCHDOG=1", os.environ["NOTIFY_SOCKET"])
    except OSError: pass  # nobody supervises for a moment
"""

SECOND = 1_000_000_000
SUPERVISOR = ("-P", "-m", "flotilla.fleet.supervisor")


class Up:
    """A fleet that runs, for as long as the test does."""

    def __init__(self, folder, mode, supervisor):
        self.folder = folder
        guarded = bare.command("guard", str(folder.path), mode, "--")
        self._command = [*guarded, sys.executable, *supervisor, str(folder.path)]
        self.own_log = folder.path.parent / f"{folder.path.name}.own.log"
        self.mistaken = False  # whether a traceback is no surprise
        self.again()
        self.client = Client(folder.socket("control"), "test", 30.0)

    def again(self):
        """Bring it up, once more."""
        with self.own_log.open("ab") as log:
            self.guard = subprocess.Popen(
                self._command,
                env={**os.environ, "PYTHONPATH": str(Path(spec.__file__).parents[3])},
                stdout=log,
                stderr=log,
            )

    def status(self):
        return self.client.status()

    def states(self):
        return {platform.name: platform.state for platform in self.status().platforms}

    def pid(self, name):
        return self.status().find(name).pid

    def supervisor(self):
        return self.folder.holder()

    def until(self, seen, seconds=30.0):
        """Wait until `seen()` is true; return its value."""
        end = monotonic_ns() + int(seconds * 1e9)
        while monotonic_ns() < end:
            try:
                if value := seen():
                    return value
            except NoSupervisor:
                pass
            sleep(0.005)
        raise AssertionError(f"it is not so after {seconds} s: {self.events()[-10:]}")

    def all(self, state):
        return self.until(lambda: set(self.states().values()) == {state})

    def events(self, kind=None):
        reader = EventReader(self.folder.events)
        events = [event for event in reader.read(1, 100_000) if kind in (None, event.kind)]
        reader.close()
        return events

    def marked(self):
        """Return who bears this fleet's mark."""
        mark = f"FLOTILLA_FLEET={self.folder.path}\0".encode()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
        return found


@pytest.fixture
def over():
    """Return what brings a fleet up over a run folder; it is down when the test ends, however that ends."""
    up = []

    def bring(folder, mode="adopt", supervisor=SUPERVISOR):
        up.append(Up(folder, mode, supervisor))
        return up[-1]

    yield bring
    for one in reversed(up):
        one.guard.terminate()
        try:
            one.guard.wait(30)
        except subprocess.TimeoutExpired:
            one.guard.kill()
        for pid in one.marked():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for one in up:
        said = one.own_log.read_text()
        assert one.mistaken or "Traceback" not in said, said


@pytest.fixture
def fleet(tmp_path, over):
    """Return what brings a fleet up: of platforms, each with words for its child, and what else it has."""

    def bring(
        mode="adopt", every=(), rest=(), before=lambda folder: None, supervisor=SUPERVISOR, **platforms
    ):
        raw = {"name": "real", "mode": mode, "platforms": {}, **dict(rest)}
        for name, part in platforms.items():
            words = part.pop("words", "").split()
            command = [sys.executable, "-I", "-S", "-c", CHILD, *words]
            raw["platforms"][name.replace("_", "-")] = {"command": command, **dict(every), **part}
        folder = Folder(run_folder_of(tmp_path / "fleet.yaml", "real")).make()
        write_whole(folder.fleet_file, spec.fleet_to_yaml(spec.decode_fleet(raw, "fleet", tmp_path)).encode())
        before(folder)
        return over(folder, mode, supervisor)

    return bring

"""A fleet of real processes, and all that was ever started for it, hidden or not."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from flotilla.clock import monotonic_ns, sleep
from flotilla.door import to_yaml
from flotilla.errors import FlotillaError
from flotilla.fleet.control.client import Client
from flotilla.fleet.folder import Folder
from flotilla.fleet.system import bare, tree
from flotilla.fleet.system.cgroup import Cgroups


class Fleet:
    """A guard with its supervisor over a run folder. Whatever is told `word` on its command line is ours."""

    def __init__(self, path, platforms, mode="adopt"):
        self.folder, self.mode, self.word = Folder(path / "fleet").make(), mode, f"--of={path}"
        platforms = {name: {"ready": "started", **platform} for name, platform in platforms.items()}
        fleet = {"name": "trial", "mode": mode, "platforms": platforms}
        self.folder.fleet_file.write_text(to_yaml(fleet))
        self.client = Client(self.folder.socket("control"), "test", deadline_s=20.0)
        self.guards = []

    def up(self):
        """Start a guard, and return it at once."""
        supervisor = [sys.executable, "-P", "-m", "flotilla.fleet.supervisor", str(self.folder.path)]
        with (self.folder.path.parent / "said").open("ab") as said:
            guard = subprocess.Popen(
                bare.command("guard", str(self.folder.path), self.mode, "--", *supervisor),
                env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"},
                stdout=said,
                stderr=said,
                start_new_session=True,
            )
        self.guards.append(guard)
        return guard

    def status(self):
        """Return the fleet's state, None while nobody answers."""
        try:
            return self.client.status()
        except FlotillaError:
            return None

    def ready(self, generation=1, limit_s=30.0):
        """Wait until all are ready under a supervisor of that generation, or later; return the state."""
        return wait(lambda: self._ready(generation), limit_s, f"ready: {self.said()}")

    def _ready(self, generation):
        found = self.status()
        if found is None or found.generation < generation:
            return None
        return found if all(one.state == "ready" for one in found.platforms) else None

    def said(self):
        """Return the end of what guard and supervisor wrote."""
        return (self.folder.path.parent / "said").read_text()[-1000:]

    def started(self):
        """Return all that was started for this fleet and lives."""
        known = tree.table()
        return {pid for pid, one in known.items() if not one.ended and self.word.encode() in words(pid)}

    def managers(self):
        """Return guards and supervisors that live."""
        word = str(self.folder.path).encode()
        known = tree.table()
        return {pid for pid, one in known.items() if not one.ended and word in words(pid)}

    def clean(self):
        """End all of it, however it went."""
        while pids := self.managers() | self.started():
            kill(*pids)
            sleep(0.005)
        for guard in self.guards:
            guard.wait()
        Cgroups(self.folder.path).remove()


def words(pid):
    """Return the command line of `pid`; none where it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def kill(*pids, what=signal.SIGKILL):
    """Send a signal to those that still live."""
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            continue


def wait(is_so, limit_s, what):
    """Wait until something is true, and return it."""
    end_ns = monotonic_ns() + int(limit_s * 1e9)
    while not (found := is_so()):
        if monotonic_ns() > end_ns:
            raise AssertionError(f"after {limit_s:g} s not {what}")
        sleep(0.002)
    return found

"""Three managers, each given the same commands: ours, supervisord, circus.

`with managed(which, folder, commands, ...) as manager:` starts one and stops it, with all that it left.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import psutil

from bench.records import WrongValue
from flotilla.access.tokens import Role, create
from flotilla.clock import monotonic_ns, sleep
from flotilla.door import to_yaml
from flotilla.errors import FlotillaError
from flotilla.fleet.control.client import Client
from flotilla.fleet.control.status import FleetStatus
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.history.events import Event, EventReader
from flotilla.fleet.system import tree
from flotilla.fleet.system.python import guard_command

Commands = Mapping[str, Sequence[str]]
_BESIDE = Path(sys.executable).parent  # where the peers' commands are
MARK = "FLOTILLA_BENCH"  # in the environment of all that is started: it is found again by it


def wait_until(is_so: Callable[[], bool], limit_s: float, what: str, log: Path | None = None) -> None:
    """Wait until something is so; WrongValue if it is not within `limit_s`, with the end of `log`."""
    end_ns = monotonic_ns() + int(limit_s * 1e9)
    while not is_so():
        if monotonic_ns() > end_ns:
            said = log.read_text("utf-8", "replace")[-2000:] if log is not None else ""
            raise WrongValue(f"after {limit_s:g} s: not {what}\n{said}")
        sleep(0.005)


class Manager:
    """A manager that runs: its first process, and its own processes."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str) -> None:
        self.process, self._mark = process, mark

    def own(self) -> list[psutil.Process]:
        """Return the manager's own processes, its helpers too; what it manages is not among them."""
        first = psutil.Process(self.process.pid)
        return [first, *(one for one in first.children() if "circus" in " ".join(one.cmdline()))]

    @property
    def head(self) -> int:
        """Return the id of the process that starts the others, and whose death would leave them behind."""
        return self.process.pid

    def all(self) -> list[psutil.Process]:
        """Return every living process that comes from this manager, however far it went."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get(MARK) == self._mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def cpu_s(self) -> float:
        """Return the processor time that its own processes have spent, as the scheduler counts it: in ns."""
        tasks = [task for process in self.own() for task in Path(f"/proc/{process.pid}/task").iterdir()]
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def rss_mb(self) -> float:
        """Return the resident memory of its own processes, megabytes; what they share is counted once.

        That is all of the largest, and of the others what nobody else has.
        """
        used = sorted((process.memory_full_info() for process in self.own()), key=lambda used: -used.rss)
        return float(used[0].rss + sum(other.uss for other in used[1:])) / 1e6


class Flotilla(Manager):
    """Our guard, the supervisor below it, and what forks for that."""

    def __init__(self, process: subprocess.Popen[bytes], mark: str, folder: Folder) -> None:
        super().__init__(process, mark)
        self.folder = folder
        self.client = Client(folder.socket("control"), "bench", deadline_s=30.0)

    @property
    def supervisor(self) -> int:
        """Return the supervisor's process id."""
        pid = self.folder.holder()
        if pid is None:
            raise WrongValue("nobody supervises")
        return pid

    @property
    def head(self) -> int:
        """Return the supervisor's process id: not the guard's, nor that of what forks for it."""
        return self.supervisor

    def own(self) -> list[psutil.Process]:
        """Return guard, supervisor, and the process that forks for it."""
        supervisor = self.supervisor
        forks = [pid for pid in tree.children(supervisor) if b"fork_server" in _command(pid)]
        return [psutil.Process(pid) for pid in (self.process.pid, supervisor, *forks)]

    def status(self) -> FleetStatus | None:
        """Return the fleet's state; None while nobody answers."""
        try:
            return self.client.status()
        except FlotillaError:
            return None

    def all_are(self, *states: str) -> bool:
        """Return whether every platform is in one of `states`."""
        status = self.status()
        return status is not None and all(one.state in states for one in status.platforms)

    def events(self, from_seq: int = 1) -> list[Event]:
        """Return what happened, from a number on."""
        reader = EventReader(self.folder.events)
        found: list[Event] = []
        while batch := reader.read(from_seq):
            found += batch
            from_seq = batch[-1].seq + 1
        reader.close()
        return found


class Api:
    """Asks a fleet's REST API, at its unix socket."""

    def __init__(self, fleet: Flotilla) -> None:
        self._socket = str(fleet.folder.socket("api"))
        text = create(fleet.folder.tokens, "bench", Role.VIEWER).text
        self._headers = {"Authorization": f"Bearer {text}", "Host": "localhost"}
        self._line: HTTPConnection | None = None

    def asks(self, path: str) -> Any:
        """Return the answer to a GET below /api/v1; None while there is none."""
        try:
            if self._line is None:
                self._line = HTTPConnection("localhost", timeout=30.0)
                self._line.sock = socket.socket(socket.AF_UNIX)
                self._line.sock.connect(self._socket)
            self._line.request("GET", f"/api/v1/{path}", headers=self._headers)
            answer = self._line.getresponse()
            body = json.loads(answer.read())
        except (OSError, HTTPException):
            self._line = None
            return None
        if answer.status != 200:
            raise WrongValue(f"the API answers {answer.status}: {body}")
        return body


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):  # it has gone
        return b""


@contextmanager
def flotilla(folder: Path, spec: Mapping[str, Any], mode: str = "adopt") -> Iterator[Flotilla]:
    """Run a fleet. spec: what its file holds, but the name."""
    file = folder.resolve() / "bench.yaml"
    run = Folder(run_folder_of(file, "bench")).make()
    run.fleet_file.write_text(to_yaml({"name": "bench", "mode": mode, **spec}))
    command = guard_command(str(run.path), mode, "flotilla.fleet.supervisor")
    with _started(command, folder) as (process, mark):
        manager = Flotilla(process, mark, run)
        log = folder / "manager.log"
        wait_until(lambda: manager.status() is not None, 30.0, "a fleet that answers", log)
        yield manager


@contextmanager
def supervisord(folder: Path, commands: Commands, stop_s: int = 10) -> Iterator[Manager]:
    """Run commands under supervisord: restarted at once, as far as it can."""
    parts = [
        f"[supervisord]\nnodaemon=true\nlogfile={folder}/log\npidfile={folder}/pid\nchildlogdir={folder}\n"
    ]
    parts += [
        f"[program:{name}]\ncommand={' '.join(argv)}\nautorestart=true\nstartsecs=0\nstopwaitsecs={stop_s}\n"
        for name, argv in commands.items()
    ]
    (folder / "supervisord.conf").write_text("\n".join(parts))
    command = [str(_BESIDE / "supervisord"), "-c", str(folder / "supervisord.conf")]
    with _started(command, folder) as (process, mark):
        yield Manager(process, mark)


@contextmanager
def circus(folder: Path, commands: Commands, stop_s: int = 30) -> Iterator[Manager]:
    """Run commands under circus, with its own defaults: it looks every 5 s."""
    ends = "\n".join(
        f"{name} = ipc://{folder.resolve()}/{name[:2]}"
        for name in ("endpoint", "pubsub_endpoint", "stats_endpoint")
    )
    parts = [f"[circus]\n{ends}\n"]
    parts += [
        f"[watcher:{name}]\ncmd = {' '.join(argv)}\ncopy_env = true\ngraceful_timeout = {stop_s}\n"
        for name, argv in commands.items()
    ]
    (folder / "circus.ini").write_text("\n".join(parts))
    command = [str(_BESIDE / "circusd"), "--log-level", "error", str(folder / "circus.ini")]
    with _started(command, folder) as (process, mark):
        yield Manager(process, mark)


@contextmanager
def managed(which: str, folder: Path, commands: Commands) -> Iterator[Manager]:
    """Run commands under `which`: flotilla, supervisord or circus. Each is started again whenever it dies."""
    if which == "flotilla":
        often = {"max_restart_attempts": 100_000, "backoff": {"first": 0.001, "most": 0.001}}
        platforms = {
            name: {"command": [*argv], "ready": "started", **often} for name, argv in commands.items()
        }
        with flotilla(folder, {"platforms": platforms}) as manager:
            yield manager
    else:
        with {"supervisord": supervisord, "circus": circus}[which](folder, commands) as manager:
            yield manager


@contextmanager
def _started(command: Sequence[str], folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    mark = str(folder.resolve())
    with (folder / "manager.log").open("ab") as log:
        process = subprocess.Popen(
            command, env={**os.environ, MARK: mark}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process, mark
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        # What it did not end, we do: the next measurement wants the machine to itself.
        while left := Manager(process, mark).all():
            for one in left:
                with suppress(psutil.Error):
                    one.kill()
            sleep(0.02)
        process.wait()

"""Run a fleet for as long as this process wants it: for a command that has a few processes work for it.

    with Foreground(spec, folder) as fleet:
        while not fleet.poll(0.2):
            ...

1. `__enter__` writes the fleet's file into its run folder, and starts a guard, which starts a
   supervisor, which starts the platforms. They are bound to this process: when it dies,
   however, they go down too.
2. `poll` watches. It is over when all jobs are completed, or when this process was asked to
   stop (SIGTERM, or SIGINT from a keyboard). A platform that has failed is a `ProcessError`
   with the last lines of its log; what dies within its budget is started again meanwhile, and told.
   It hears the events, and asks for the state once a second besides: where the disk is full the
   supervisor knows of a death, and cannot write the event down.
3. `stop` takes the fleet down, in order, and waits until it is. `__exit__` does it too.

Each time the fleet begins anew: that a platform had failed before is forgotten.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from flotilla import notify
from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ProcessError
from flotilla.fleet.control.client import Client, NoSupervisor
from flotilla.fleet.control.status import FleetStatus
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.events import Event
from flotilla.fleet.rules.states import State
from flotilla.fleet.spec import FleetSpec, fleet_to_yaml
from flotilla.fleet.system.logs import LogFile, end_of
from flotilla.fleet.system.python import guard_command
from flotilla.stream.files import without_room, write_whole

_LAST_LINES = 20
_LOOK_S = 0.005
_OURS = "-- "  # how the lines begin that the supervisor writes into a platform's log
_QUIET_S = 0.1
_ASK_NS = 1_000_000_000  # between two looks at the fleet's state
_STARTS_S = 30.0  # how long the supervisor may take until it answers
_PATIENCE_S = 15.0  # beyond the fleet's own time to go down


class Foreground:
    """A fleet that is bound to this process, and to its main thread."""

    def __init__(
        self, spec: FleetSpec, folder: Path, told: Callable[[str, str], None] = lambda _kind, _text: None
    ) -> None:
        """`folder`: its run folder, made if need be.

        told: called by `poll` with a kind and what there is to tell: "status", what a platform says of
        itself; "restart", that one died and is started again; "alert".
        """
        self.stop_asked = False
        self._told, self._restarts, self._asked_ns = told, dict[str, int](), 0
        self._spec, self._folder = spec, Folder(folder)
        self._client = Client(self._folder.socket("control"), f"process {os.getpid()}")
        self._supervisor_log = self._folder.path / "supervisor.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._events: Iterator[Event | None] = iter(())
        self._following = ExitStack()
        self._states: dict[str, str] = {}
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Foreground:
        if threading.current_thread() is not threading.main_thread():
            raise ProcessError("a fleet is bound to the main thread: it goes down with it")
        self._folder.make()
        with self._folder.coming_up():  # of two at once one begins; the other leaves its files alone
            if holder := self._folder.holder():
                raise ProcessError(f"{self._folder.path} is in use by process {holder}: it runs already")
            self._folder.state_file.unlink(missing_ok=True)
            write_whole(self._folder.fleet_file, fleet_to_yaml(self._spec).encode())
            for what in (signal.SIGTERM, signal.SIGINT):
                self._handlers[what] = signal.signal(what, self._on_signal)
            try:
                self._start()
            except BaseException:
                self._leave()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    @property
    def pids(self) -> dict[str, int]:
        """Return the process ids of the platforms that run."""
        found = {platform.name: platform.pid for platform in self._client.status().platforms}
        return {name: pid for name, pid in found.items() if pid is not None}

    def poll(self, timeout_s: float) -> bool:
        """Watch for up to `timeout_s`; return whether all jobs are completed, or we were asked to stop."""
        end_ns = monotonic_ns() + int(timeout_s * 1e9)
        while not self._over():
            event = self._next()
            if event is not None and event.kind == "state":
                self._states[event.platform] = event.data["new"]
                if event.data["new"] == State.FAILED:
                    raise self._failure(event.platform, event.data.get("reason", ""))
            elif event is not None and event.kind == "status":
                self._told("status", event.text)
            elif event is not None and event.kind == "alert":
                self._told("alert", f"{event.platform}: {event.text}" if event.platform else event.text)
            if monotonic_ns() - self._asked_ns >= _ASK_NS and not self._over():
                self._take(self._client.status())
            if event is None or monotonic_ns() >= end_ns:
                break
        return self._over()

    @property
    def not_ready(self) -> dict[str, str]:
        """Return the platforms that are not ready, by name, each with its state and why."""
        found = [one for one in self._client.status().platforms if one.state not in ("ready", "completed")]
        return {one.name: f"{one.state} ({one.reason})" if one.reason else one.state for one in found}

    def stop(self) -> None:
        """Take the fleet down, and wait until it is."""
        process = self._process
        if process is None:
            return
        self._following.close()  # a supervisor waits a moment for those who listen
        try:
            self._client.ask("down", why="whoever started it is done" if self._done() else "asked to stop")
        except ProcessError:  # it is on its way out already
            process.terminate()
        try:
            process.wait(self._spec.shutdown_timeout + _PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise ProcessError(f"the fleet did not go down; {end_of(self._supervisor_log)}") from None
        finally:
            self._process = None

    def _start(self) -> None:
        """Start the guard, and wait until its supervisor answers."""
        guard = guard_command(str(self._folder.path), self._spec.mode, "flotilla.fleet.supervisor")
        env = {name: value for name, value in os.environ.items() if name not in notify.VARIABLES}
        env["FLOTILLA_TIED"] = str(os.getpid())
        log = os.open(self._supervisor_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(log, "wb") as out:
            self._process = subprocess.Popen(
                guard,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is for us alone: we stop them in order
            )
        status = self._answered(self._process)
        self._events = self._following.enter_context(
            closing(self._client.events(status.seq + 1, quiet_s=_QUIET_S))
        )
        self._take(status)

    def _take(self, status: FleetStatus) -> None:
        """Take in the fleet's state: who has failed ends it, who was started again is told of."""
        self._asked_ns = monotonic_ns()
        for platform in status.platforms:
            name = platform.name
            self._states[name] = platform.state
            if platform.state == State.FAILED:
                raise self._failure(name, platform.reason)
            if platform.restarts > self._restarts.get(name, 0):
                most = self._spec.platforms[name].max_restart_attempts
                why = f": {platform.reason}" if platform.reason else ""
                lines = [
                    line for line in LogFile(self._folder.log(name)).last(_LAST_LINES)[1] if line[:3] != _OURS
                ]
                said = f"; it said: {lines[-1]}" if lines else without_room(self._folder.log(name))
                self._told(
                    "restart", f"{name} is started again, {platform.restarts} of {most} times{why}{said}"
                )
            self._restarts[name] = platform.restarts

    def _answered(self, process: subprocess.Popen[bytes]) -> FleetStatus:
        end_ns = monotonic_ns() + int(_STARTS_S * 1e9)
        while True:
            try:
                return self._client.status()
            except NoSupervisor:
                if process.poll() is not None or monotonic_ns() >= end_ns:
                    raise ProcessError(f"the fleet did not begin; {end_of(self._supervisor_log)}") from None
            sleep(_LOOK_S)

    def _next(self) -> Event | None:
        """Return the next event, None if there is none for a while."""
        try:
            for event in self._events:
                return event
        except (ConnectionError, EOFError):  # it went as we came
            pass
        raise ProcessError(f"the fleet's supervisor is gone; {end_of(self._supervisor_log)}")

    def _over(self) -> bool:
        return self.stop_asked or self._done()

    def _done(self) -> bool:
        jobs = [name for name, platform in self._spec.platforms.items() if platform.kind == "job"]
        return bool(jobs) and all(self._states.get(name) == State.COMPLETED for name in jobs)

    def _failure(self, name: str, reason: str) -> ProcessError:
        room = without_room(self._folder.log(name))
        return ProcessError(f"{name} failed: {reason}{room}; {end_of(self._folder.log(name))}")

    def _leave(self) -> None:
        try:
            self.stop()
        finally:
            for what, handler in self._handlers.items():
                signal.signal(what, handler)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 Python's own form
        self.stop_asked = True

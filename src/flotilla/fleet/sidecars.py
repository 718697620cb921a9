"""The fleet's own processes beside its platforms: the API on demand, the alerts, the next weeks' times.

They are spawned like platforms, with a log each, under names that no platform can have. What they
do may fail: they are started again, later and later while they do not last, and nothing else waits for them.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import NamedTuple

from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import FlotillaError, ProcessError
from flotilla.fleet import listen, schedule
from flotilla.fleet.folder import Folder
from flotilla.fleet.rules.states import Note
from flotilla.fleet.spec import FleetSpec, Platform
from flotilla.fleet.system.python import module_command
from flotilla.fleet.system.spawn import Child, Spawner

API, ALERTS, TIMES = "_api", "_alerts", "_times"
NAMES = (API, ALERTS, TIMES)
_SOONEST_S, _LATEST_S = 1.0, 60.0  # between two starts of one that fails
_WELL_S = 60.0  # one that ran for so long begins to fail anew
_HOUR_S = 3600.0


class _Kept(NamedTuple):
    child: Child | None = None
    failures: int = 0
    since_ns: int = 0  # monotonic: when the child began


class Sidecars:
    """Keeps the fleet's own processes. note: takes what is worth writing down."""

    def __init__(
        self, spec: FleetSpec, folder: Folder, spawner: Spawner, generation: int, note: Callable[[Note], None]
    ) -> None:
        self.times: schedule.SessionTimes | None = None
        self._spec, self._folder, self._spawner, self._generation, self._note = (
            spec,
            folder,
            spawner,
            generation,
            note,
        )
        self._loop = asyncio.get_running_loop()
        self._kept: dict[str, _Kept] = {}
        self._listener: socket.socket | None = None
        self._closing = self._ask_again = False

    @property
    def leaders(self) -> dict[int, str]:
        """Return whose each first process is."""
        return {kept.child.pid: name for name, kept in self._kept.items() if kept.child is not None}

    @property
    def times_file(self) -> str:
        """Return where the next starts and stops are written."""
        return str(self._folder.times)

    def open(self) -> None:
        """Begin: listen for the API, start the alerts if there are any, and ask for the times."""
        self._listen()
        if self._spec.monitoring.alerts is not None:
            self._start(ALERTS)
        self.ask_times()
        self._loop.call_later(_HOUR_S, self._on_hour)

    def look(self) -> None:
        """Listen anew for the API where its socket's file was removed: nobody could ask it any more."""
        if self._listener is None or self._closing or self._listener.family != socket.AF_UNIX:
            return
        path = self._folder.socket("api")
        if path.exists() or not path.parent.is_dir():
            return
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()
        self._listener = None
        if (child := self._kept.get(API, _Kept()).child) is not None:
            self._spawner.terminate(child)  # it listens where nobody comes any more
        self._listen()

    def renew(self, spec: FleetSpec) -> None:
        """Go by another file from now on."""
        before, self._spec = self._spec, spec
        if spec.monitoring.alerts is not None and before.monitoring.alerts is None:
            self._start(ALERTS)
        elif spec.monitoring.alerts is None and (child := self._kept.get(ALERTS, _Kept()).child) is not None:
            self._spawner.terminate(child)
        self.ask_times()

    def ask_times(self) -> None:
        """Ask for the next weeks' starts and stops, if a platform has a schedule."""
        if any(platform.schedule for platform in self._spec.platforms.values()):
            self._ask_again = self._kept.get(TIMES, _Kept()).child is not None  # by the file as it was
            self._start(TIMES)

    async def close(self) -> None:
        """End them."""
        self._closing = True
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._listener.close()
        for kept in list(self._kept.values()):
            if kept.child is not None:
                self._spawner.terminate(kept.child)
        for _ in range(100):
            if not self.leaders:
                return
            await asyncio.sleep(0.02)
        for kept in list(self._kept.values()):
            if kept.child is not None:
                await self._spawner.kill_tree(kept.child)

    def _listen(self, failures: int = 0) -> None:
        """Listen for the API; where that cannot be, say so, and try again: the port may be free soon."""
        if self._closing:
            return
        try:
            self._listener = listen.opened(self._spec.api, self._folder.socket("api"))
        except FlotillaError as error:
            if failures == 0:
                text = f"there is no API for now: {error}"
                self._note(Note("alert", "", text, {"severity": "warning", "about": "no API"}))
            self._loop.call_later(_wait_s(failures), self._listen, failures + 1)
            return
        self._await_knock()

    def _await_knock(self) -> None:
        there = self._kept.get(API, _Kept()).child is not None
        if self._listener is not None and not (self._closing or there):
            self._loop.add_reader(self._listener.fileno(), self._on_knock)

    def _on_knock(self) -> None:
        if self._listener is not None:
            self._loop.remove_reader(self._listener.fileno())
            self._start(API)

    def _start(self, name: str) -> None:
        kept = self._kept.get(name, _Kept())
        if kept.child is not None or self._closing:
            return
        if name == ALERTS and self._spec.monitoring.alerts is None:
            return
        fds: tuple[int, ...] = ()
        match name:
            case "_api":
                fds = (self._listener.fileno(),) if self._listener else ()
                socket_fd = ("--fd", *("3" for _ in fds))
                command = module_command("flotilla.fleet.api", str(self._folder.path), *socket_fd)
            case "_alerts":
                command = module_command("flotilla.fleet.alerts", str(self._folder.path))
            case _:
                file = str(self._folder.fleet_file)
                command = module_command("flotilla.fleet.schedule", file, self.times_file)
        try:
            child = self._spawner.spawn(name, Platform(tuple(command)), self._generation, fds=fds)
        except ProcessError as error:
            self._note(Note("spawn_failed", "", f"{name}: {error}", {"reason": str(error)}))
            self._failed(name)
            return
        self._kept[name] = kept._replace(child=child, since_ns=monotonic_ns())
        self._loop.add_reader(child.pidfd, self._on_exit, child)

    def _on_exit(self, child: Child) -> None:
        self._loop.remove_reader(child.pidfd)
        code = self._spawner.bury(child)
        if self._closing:
            self._kept[child.name] = _Kept()
            return
        if monotonic_ns() - self._kept[child.name].since_ns >= _WELL_S * 1e9:
            self._kept[child.name] = _Kept()
        if code != 0:
            self._note(
                Note("status", "", f"{child.name} ended with code {code}", {"said": f"{child.name} ended"})
            )
            if child.name == TIMES and not self._kept[TIMES].failures:
                text = f"the hours of platforms are not known, and they are not started: see its log, {TIMES}"
                self._note(Note("alert", "", text, {"severity": "critical", "about": "no hours"}))
            self._failed(child.name)
            return
        self._kept[child.name] = _Kept()
        if child.name == API:
            self._await_knock()
        elif child.name == ALERTS:  # somebody asked it to end, and nobody but us may
            self._failed(ALERTS)
        elif child.name == TIMES:
            self.read_times()
            if self._ask_again:
                self.ask_times()

    def _failed(self, name: str) -> None:
        failures = self._kept.get(name, _Kept()).failures + 1
        self._kept[name] = _Kept(None, failures)
        again = self._await_knock if name == API else lambda: self._start(name)
        self._loop.call_later(_wait_s(failures - 1), again)

    def read_times(self) -> None:
        """Read the next starts and stops, if they are there."""
        if not self._folder.times.exists():
            return
        try:
            self.times = schedule.read(self._folder.times)
        except ProcessError as error:
            self._note(Note("status", "", str(error), {"said": "there are no times"}))
            return
        for name, why in self.times.short.items():
            text = f"it has no more days soon: {why}; a newer exchange_calendars may have them"
            self._note(Note("alert", name, text, {"severity": "warning", "about": "calendar ends"}))

    def _on_hour(self) -> None:
        """Ask for more times before those that are known run out."""
        if self._closing:
            return
        if self.times is None or schedule.runs_out(self.times, now_ns()):
            self.ask_times()
        self._loop.call_later(_HOUR_S, self._on_hour)


def _wait_s(failures: int) -> float:
    """Return how long to wait before the next try, after so many that failed before this one."""
    return min(_SOONEST_S * 2.0 ** min(failures, 16), _LATEST_S)

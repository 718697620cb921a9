"""Supervise a fleet: `python -m flotilla.fleet.supervisor <run folder>`, mostly started by the guard.

One loop, one thread. What happens comes in as an event: a pidfd that is readable, a datagram, an
answer to a probe, a request, the nearest deadline. `coordinate` decides, and what it orders is
carried out: by `executor.py` where it is about processes, and in the event store and the audit where it
is to be written down. Acts come before writings: a death is answered within milliseconds.

1. `_begin` takes the folder's lock, and takes over what the supervisor before left (takeover.py). A first
   start starts all.
2. `tell` is the one way in for events. Nothing is polled but what is due: the next deadline is asked
   of the fleet, and the loop sleeps until then.
3. `run` ends when the fleet was told to go down, and has.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from flotilla import notify
from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import ConfigError, FlotillaError, ProcessError
from flotilla.fleet import checkpoint, handover, sidecars, spec
from flotilla.fleet.control.request_handler import RequestHandler
from flotilla.fleet.control.server import Control
from flotilla.fleet.control.status import HostStatus
from flotilla.fleet.executor import Executor
from flotilla.fleet.folder import FleetState, Folder
from flotilla.fleet.history.records import Records
from flotilla.fleet.hosts.head import Hosts
from flotilla.fleet.log_rotation import LogRotation
from flotilla.fleet.monitor import Meter, Monitor
from flotilla.fleet.rules import fleet_state
from flotilla.fleet.rules.coordinate import coordinate
from flotilla.fleet.rules.platform_state import heard
from flotilla.fleet.rules.states import (
    AT_REST,
    Alert,
    Ask,
    Beat,
    Forget,
    Instruction,
    Note,
    PlatformEvent,
    Readied,
    Spawned,
    Tick,
)
from flotilla.fleet.scheduler import Scheduler
from flotilla.fleet.system import guard_watch
from flotilla.fleet.system.ears import Ears
from flotilla.fleet.system.resources import Sample
from flotilla.fleet.system.spawn import Spawner
from flotilla.fleet.takeover import Takeover

_BEAT_S = 5.0  # how often whoever guards us hears that we live
_LATE_NS = 100_000_000  # so late, and we were not running ourselves: nobody's silence counts
_EXPIRE_S = 3600.0
_FAREWELL_S = 1.0  # for those who follow the events


class Supervisor:
    """One fleet's supervisor, from `run` to its end."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._queue: deque[PlatformEvent] = deque()
        self._acting = False
        self._timer: asyncio.TimerHandle | None = None
        self._due_ns: int | None = None
        self._since_ns = now_ns()
        self._working: set[asyncio.Task[None]] = set()
        self._down = asyncio.Event()

    async def run(self) -> None:
        """Supervise until the fleet is down. ProcessError if another supervisor does."""
        await self._begin()
        work = [
            asyncio.create_task(self._every(self._beat_s, self._look)),
            asyncio.create_task(self._every(lambda: _EXPIRE_S, self._expire)),
        ]
        guard_watch.ready()
        try:
            await self._down.wait()
        finally:
            notify.stopping()
            for task in work:
                task.cancel()
        await self._end()

    def tell(self, event: PlatformEvent) -> None:
        """Take an event, and do what it asks for."""
        self._queue.append(event)
        if self._acting:
            return
        self._acting = True
        notes: list[Instruction] = []
        try:
            while self._queue:
                self._act(self._queue.popleft(), notes)
        finally:  # what was decided stands, whatever went wrong over it
            self._acting = False
            if notes:
                self._write(*notes)
            if any(isinstance(note, Note) and note.kind == "command" for note in notes):
                self._keeper.write()  # at once: what was accepted is not forgotten
            self._settled(bool(notes))

    def tell_soon(self, event: PlatformEvent) -> None:
        """As `tell`, for tasks: a mistake over it is the loop's, which knows what to do (handover.py)."""
        asyncio.get_running_loop().call_soon(self.tell, event)

    def ask(self, event: PlatformEvent) -> None:
        """As `tell`; ConfigError if it cannot be, and then nothing has changed."""
        coordinate(self._fleet, event, monotonic_ns())
        self.tell(event)

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._hold = self._folder.take()
        fleet = spec.accepted(self._folder.fleet_file)
        anchor = self._folder.path.parent / f"{self._folder.path.name}.anchor"
        anchor = Path(fleet.audit.anchor) if fleet.audit.anchor else anchor
        self._records = Records(self._folder, anchor)
        self._keeper = checkpoint.Keeper(self._folder, self._state, self._write)
        self._fleet = fleet_state.made(fleet, self._hold.generation)
        self._ears = Ears(self._folder.socket("notify"), self._hear, self._forgive)
        self._spawner = Spawner(self._folder, fleet.mode, fence=self._hold.lock)
        self._executor = Executor(self._spawner, self._platform, self.tell, self._write, self._folder.log)
        self._hosts = Hosts(self, fleet, self._hold.generation, self._write)
        self._monitor = Monitor(
            self.tell_soon, lambda name: (self._folder.log(name), self._executor.begins.get(name, 0))
        )
        self._meter = Meter(self._spawner.fleet, self.tell, self._write)
        self._rotation = LogRotation(self._folder.log, self._write)
        self._scheduler = Scheduler(self._ask_quietly, self._write)
        handler = RequestHandler(self, self._folder, self._records, self._write, self._since_ns)
        self._control = Control(handler.answer, self._records.read, self._folder.path / "asked.jsonl")
        self._sidecars = sidecars.Sidecars(
            fleet, self._folder, self._spawner, self._hold.generation, self._write
        )
        for what in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(what, self._on_signal, what)
        data = {"generation": self._hold.generation, "mode": fleet.mode}
        self._write(Note("fleet_started", "", "", data))
        if broken := self._records.broken:
            self._write(Note("audit_broken", "", broken, {"what": broken}))
            self._write(Alert("critical", "", f"the audit trail was changed: {broken}"))
        guard_watch.watch(self._on_guard_lost)
        handover.at_mistakes(loop, self._last_words, fleet.mode)
        self._sidecars.read_times()
        await Takeover(
            self._folder,
            self._spawner,
            self._executor,
            self._hosts,
            self._scheduler,
            self.tell,
            self._write,
            self._records.ready,
        ).begin(lambda: self._fleet, self._sidecars.times)
        self._sidecars.open()
        self._scheduler.look(self._sidecars.times, self._fleet.lives)
        await self._control.open(self._folder.socket("control"))

    async def _end(self) -> None:
        # Whoever guards us goes on hearing that we live: this may take as long as a platform needs to settle.
        beating = asyncio.create_task(self._every(lambda: _BEAT_S, notify.alive))
        if self._timer is not None:
            self._timer.cancel()
        await self._executor.settled()
        await self._hosts.close()
        try:
            await self._sidecars.close()
            await self._spawner.kill_all()
        except ProcessError as error:  # it is the guard's now: a fleet that is down comes to its end
            self._write(Alert("critical", "", f"left behind: {error}"))
        self._write(Note("fleet_stopped", "", "", {"reason": "it was told to go down"}))
        self._keeper.write(down=True)
        await self._control.close()
        self._ears.close()
        self._folder.leave()
        self._records.close()
        beating.cancel()

    @property
    def fleet(self) -> fleet_state.Fleet:
        """Return the fleet as it is."""
        return self._fleet

    @property
    def samples(self) -> dict[str, Sample]:
        """Return what each platform used when it was last looked at."""
        return {**self._meter.latest, **self._hosts.samples}

    @property
    def hosts(self) -> tuple[HostStatus, ...]:
        """Return how the other hosts are."""
        return self._hosts.status()

    def renewed(self, fleet: spec.FleetSpec) -> None:
        """Go by another file from now on."""
        self._sidecars.renew(fleet)
        for life in self._fleet.lives.values():
            self._monitor.follow(life)

    def _platform(self, name: str) -> spec.Platform:
        return self._fleet.lives[name].platform

    def _act(self, event: PlatformEvent, notes: list[Instruction]) -> None:
        """Decide about one event and act; add to `notes` what is to be written down of it."""
        try:
            self._fleet, orders = coordinate(self._fleet, event, monotonic_ns())
        except FlotillaError as error:  # nothing was changed by it, and the others go on
            notes.append(Alert("warning", "", f"{type(event).__name__} could not be followed: {error}"))
            return
        notes += [order for order in orders if isinstance(order, Note | Alert)]
        if isinstance(event, Spawned) and event.name in self._fleet.lives:
            data = {"pid": event.pid, "generation": self._fleet.generation}
            notes.append(Note("spawned", event.name, "", data))
            self._monitor.follow(self._fleet.lives[event.name])
        for order in orders:
            if isinstance(order, Forget):
                self._monitor.forget(order.name)
            elif not isinstance(order, Note | Alert):
                (self._hosts if self._hosts.has(order) else self._executor).do(order)

    def _settled(self, changed: bool) -> None:
        """Wait for the nearest deadline, and keep what changed."""
        due = fleet_state.fleet_due_ns(self._fleet) if changed or self._due_ns is None else self._due_ns
        if due != self._due_ns or (self._timer is None and due is not None):
            if self._timer is not None:
                self._timer.cancel()
            self._due_ns = due
            loop = asyncio.get_running_loop()
            self._timer = None if due is None else loop.call_at(due / 1e9, self._on_time)
        if changed:
            self._keeper.soon()
        if fleet_state.down(self._fleet):
            self._down.set()

    def _on_time(self) -> None:
        late_ns = monotonic_ns() - (self._due_ns or monotonic_ns())
        self._timer = self._due_ns = None
        self._hear()  # what was said before the deadline counts
        if late_ns > _LATE_NS:
            self._forgive()
        self._ears.look()
        self.tell(Tick())
        self._settled(False)

    def _forgive(self) -> None:
        """Count nobody's silence until now."""
        for name, life in self._fleet.lives.items():
            if heard(life):
                self.tell(Beat(name))

    def _hear(self) -> None:
        for name, said in self._ears.hear_of(self._executor.leaders, self._spawner.cgroups.platform_of):
            if name not in self._fleet.lives:
                continue
            if said.get("READY") == "1" and self._platform(name).readiness[0] == "notify":
                self.tell(Readied(name))
            elif "WATCHDOG" in said or "READY" in said:
                self.tell(Beat(name))
            if "STOPPING" in said:
                self._executor.parting.add(name)
            if "STATUS" in said:
                self._write(Note("status", name, said["STATUS"][:400], {"said": said["STATUS"][:400]}))

    def _write(self, *decided: Instruction) -> None:
        """Write down notes and alerts, and let follow what they are about."""
        self._records.write(*decided)
        for one in decided:
            if isinstance(one, Note) and one.kind == "state":
                self._on_state(one)
        self._control.published()

    def _on_state(self, note: Note) -> None:
        life = self._fleet.lives.get(note.name)
        if life is None or life.state.value != note.data["new"]:
            return  # it has gone on since
        self._monitor.follow(life)
        if life.state in AT_REST:
            self._executor.clear(note.name)

    def _state(self, down: bool) -> FleetState:
        executor, runs, hours = self._executor, self._hosts.runs, self._scheduler.wanted
        there, begins, births = executor.children, executor.begins, executor.births
        return checkpoint.keep(self._fleet, there, begins, births, down=down, runs=runs, hours=hours)

    async def _every(self, seconds: Callable[[], float], do: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds())
            try:
                do()
            except OSError as error:  # out of descriptors, or of memory: the next look may see again
                self._write(Alert("warning", "", f"the supervisor could not look about: {error}"))

    def _beat_s(self) -> float:
        every = min(_BEAT_S, self._fleet.spec.monitoring.sample_every)
        return max(min(every, self._scheduler.wait_s(self._sidecars.times)), 0.01)

    def _look(self) -> None:
        """Look at what nobody tells of: what is used, how long the logs are, what time it is."""
        notify.alive()
        if not (self._acting or self._folder.holds(self._hold)):
            self._begin_work(self._leave(), "leave")
        self._hear()
        self._ears.look()
        self._spawner.reap()
        if self._records.catch_up():
            self._control.published()
        self._control.look()
        self._sidecars.look()
        self._meter.look(self._fleet.lives)
        rules = {name: self._platform(name).log for name in self._executor.children}
        self._rotation.look(rules | dict.fromkeys(sidecars.NAMES, spec.Log()))
        self._scheduler.look(self._sidecars.times, self._fleet.lives)

    def _begin_work(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    def _expire(self) -> None:
        self._begin_work(self._expired(), "expire")

    async def _expired(self) -> None:
        while self._records.expire(self._fleet.spec.monitoring.event_retention_days):
            await asyncio.sleep(0.01)

    def _ask_quietly(self, ask: Ask) -> None:
        try:
            self.ask(ask)
        except ConfigError as error:
            data = {"command": ask.command, "names": ask.names, "who": ask.who, "why": ask.why}
            self._write(Note("command", "", str(error), data | {"outcome": f"refused: {error}"}))

    def _on_signal(self, what: signal.Signals) -> None:
        self.tell(Ask("down", (), "supervisor", f"it was sent {what.name}"))

    def _on_guard_lost(self) -> None:
        self._write(Note("guard_lost", "", ""))
        if self._fleet.spec.mode == "bound":
            self._begin_work(self._die(), "die")
            return
        handover.without_guard(self._last_words)

    def _last_words(self, text: str) -> None:
        self._write(Alert("critical", "", text))
        self._keeper.write()

    async def _leave(self) -> None:
        """End, and touch no process: there may be another supervisor."""
        self._acting = True  # nothing that happens now starts or ends one
        text = f"this supervisor ends: {handover.taken_away(self._folder.path)}"
        self._write(Alert("critical", "", text))
        await asyncio.sleep(_FAREWELL_S)
        handover.without_folder(self._folder.path)

    async def _die(self) -> None:
        """End all at once: whoever this fleet is bound to is gone."""
        self._acting = True  # nothing that happens now starts another
        try:
            await self._spawner.kill_all()
        finally:
            os._exit(1)


def main(arguments: list[str]) -> int:
    """Supervise the fleet of a run folder; return 0 when it went down, 1 where it could not begin."""
    if len(arguments) != 1:
        sys.stderr.write("python -m flotilla.fleet.supervisor <run folder>\n")
        return 2
    try:
        asyncio.run(Supervisor(Folder(Path(arguments[0])).make()).run())
    except (FlotillaError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

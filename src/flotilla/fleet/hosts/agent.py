"""Run what is placed on this host, for a head elsewhere: `python -m flotilla.fleet.hosts.agent <run folder>`.

A supervisor's hands and senses without its head: processes are started and ended, heard, probed and measured
here, and nothing is decided here. The head orders (gate.py), and is told what happened (ledger.py).

1. `_begin` takes the run folder's lock, goes on with what an agent before this one left running, and listens.
2. An order names a platform. What is run is what this host's own copy of the fleet's file says of it; where
   the head's says something else, nothing starts (charges.py).
3. While no head is in reach, what runs runs on, and what ends has ended: nobody here starts it again, as
   nobody here knows whether it should be. The head hears of it when it is back.
4. A silent platform is known here, since a beat that is late on its way is no beat missed; whether it is
   killed for it is the head's to say.

Told to end (SIGTERM), it stops what runs, who needs something before what it needs, and takes no more orders.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from flotilla import notify
from flotilla.clock import monotonic_ns, now_ns
from flotilla.errors import FlotillaError, ProcessError
from flotilla.fleet import adopt, handover, spec
from flotilla.fleet.control.server import Control, Peer
from flotilla.fleet.control.status import Request
from flotilla.fleet.executor import Executor
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.records import Records
from flotilla.fleet.hosts import local
from flotilla.fleet.hosts.charges import Charges, on
from flotilla.fleet.hosts.ending import stop_all
from flotilla.fleet.hosts.gate import HostGate
from flotilla.fleet.hosts.heartbeats import Heartbeats
from flotilla.fleet.hosts.ledger import Ledger, Process
from flotilla.fleet.hosts.wire import Do, Samples, Seen, Told
from flotilla.fleet.log_rotation import LogRotation
from flotilla.fleet.monitor import Meter, Monitor
from flotilla.fleet.rules import fleet_state
from flotilla.fleet.rules.platform_state import SERVING, Life, heard
from flotilla.fleet.rules.states import (
    Alert,
    Drain,
    Drained,
    Exited,
    Instruction,
    Kill,
    Note,
    Over,
    PlatformEvent,
    Probed,
    Readied,
    Shed,
    Spawn,
    Spawned,
    SpawnFailed,
    State,
    Terminate,
)
from flotilla.fleet.system import guard_watch, logs
from flotilla.fleet.system.ears import Ears
from flotilla.fleet.system.spawn import Spawner

_BEAT_S = 5.0
_ORDERS: dict[str, type[Instruction]] = {"drain": Drain, "terminate": Terminate, "kill": Kill, "shed": Shed}
HOST = "host"  # the file in a run folder that says whose agent's it is


class Agent:
    """The agent of one host, from `run` to its end."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._host = (folder.path / HOST).read_text().strip()
        self._lives: dict[str, Life] = {}
        self._runs: dict[str, str] = {}  # by platform: the run that was ordered last
        self._unsaid: list[Told] = []
        self._since_ns = now_ns()
        self._down = asyncio.Event()

    async def run(self) -> None:
        """Serve heads until told to end. ProcessError if another agent does."""
        await self._begin()
        look = asyncio.create_task(self._every())
        guard_watch.ready()
        try:
            await self._down.wait()
            notify.stopping()
            await self._stop()
        finally:
            look.cancel()  # not before: who guards us would take us for hung
        await self._close()

    def tell(self, event: PlatformEvent) -> None:
        """Take what happened to a platform: remember it, then tell the head."""
        match event:
            case Spawned():
                self._spawned(event)
            case SpawnFailed():
                self._lives.pop(event.name, None)
                self._ledger.waiting.pop(event.name, None)
                self._say(self._ledger.tell("spawnfailed", event.name, self._run(event), text=event.reason))
            case Readied() if event.name in self._ledger.runs:  # what a dead one left behind may say it too
                self._readied(event)
            case Exited():
                self._exited(event)
            case Drained():
                self._say(self._ledger.tell("drained", event.name, self._run(event)))
            case Probed():
                self._gate.say(Seen("probed", event.name, self._run(event), event.ok, text=event.what[:1000]))
            case Over():
                self._gate.say(Seen("over", event.name, self._run(event), tier=event.tier, text=event.what))
        self._publish()

    def _tell_soon(self, event: PlatformEvent) -> None:
        """As `tell`, for tasks: a mistake over it is the loop's, which knows what to do (handover.py)."""
        asyncio.get_running_loop().call_soon(self.tell, event)

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        self._hold = self._folder.take()
        self._charges = Charges(self._folder, self._host)
        self._records = Records(self._folder, self._folder.path.parent / f"{self._folder.path.name}.anchor")
        self._ledger = Ledger(self._folder.path / "agent.json")
        self._ears = Ears(self._folder.socket("notify"), self._hear, self._forgive)
        self._spawner = Spawner(self._folder, self._fleet.mode, fence=self._hold.lock)
        self._executor = Executor(self._spawner, self._platform, self.tell, self._write, self._folder.log)
        self._monitor = Monitor(
            self._tell_soon, lambda name: (self._folder.log(name), self._executor.begins.get(name, 0))
        )
        self._meter = Meter(self._spawner.fleet, self.tell, self._write)
        self._rotation = LogRotation(self._folder.log, self._write)
        self._gate = HostGate(self._fleet.name, self._host, self._ledger, self._do, self._anew, self._odd)
        self._control = Control(self._answer, self._records.read)
        guard_watch.watch(lambda: handover.without_guard(self._last_words))
        handover.at_mistakes(loop, self._last_words, self._fleet.mode)
        self._heartbeats = Heartbeats(self._lives, self._listen, self._hung)
        for what in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(what, self._down.set)
        data = {"generation": self._hold.generation, "mode": self._fleet.mode}
        self._write(Note("fleet_started", "", "", data))
        if damaged := self._ledger.damaged:
            self._write(Alert("critical", "", damaged))
        await self._adopt()
        await self._gate.open(self._fleet.hosts[self._host])
        await self._control.open(self._folder.socket("control"))

    async def _adopt(self) -> None:
        """Go on with what runs already; tell of what does not any more."""
        found = adopt.adopt(self._folder, self._ledger.state, tuple(self._fleet.platforms))
        if found.strays:
            await self._spawner.kill(found.strays)
        for name, former in found.former.items():
            text = "the fleet's file has it no more: what was found running of it is asked to stop"
            self._write(Alert("warning", name, text))
            self._executor.retire(former)
        for name, process in list(self._ledger.runs.items()):
            child = found.children.get(name)
            if child is None or (child.pid, child.start_ticks) != (process.pid, process.start_ticks):
                self._say(self._ledger.tell("exited", name, self._ledger.ended(name, None)))
        for name, child in found.children.items():
            # One without a run was started, and its agent died before it could write that down.
            platform = self._platform(name)
            ready = platform.readiness[0] == "started"
            begins = logs.start_of_run(self._folder.log(name))
            unknown = Process("", child.pid, child.start_ticks, child.generation, ready, begins)
            process = self._ledger.runs.get(name, unknown)
            self._ledger.began(name, process)
            self._runs[name], self._executor.begins[name] = process.run, process.log_at
            self._spawner.take(child)
            self._executor.take(child)
            every = process.health_check_interval or platform.health_check_interval
            platform = replace(platform, health_check_interval=every)
            self._lives_on(name, platform, child.pid, ready=process.ready)
        self._publish()

    async def _stop(self) -> None:
        """Take no more orders, and stop what runs."""
        self._gate.end()
        self._anew()
        await stop_all(self._executor, self._fleet, self._platform, self._write)
        await asyncio.sleep(0.05)  # for what was said last
        self._heartbeats.close()
        await self._gate.close()
        try:
            await self._spawner.kill_all()
        except ProcessError as error:  # it is the guard's now: an agent that was told to end ends
            self._write(Alert("critical", "", f"left behind: {error}"))

    async def _close(self) -> None:
        self._write(Note("fleet_stopped", "", "", {"reason": "the agent was told to end"}))
        await self._control.close()
        self._ears.close()
        self._folder.leave()
        self._records.close()

    def _last_words(self, text: str) -> None:
        self._write(Alert("critical", "", text))

    @property
    def _fleet(self) -> spec.FleetSpec:
        return self._charges.fleet

    def _platform(self, name: str) -> spec.Platform:
        """Return a platform as it is run here: one that runs, as it was when it started."""
        life = self._lives.get(name)
        if life is not None and life.pid is not None:
            return life.platform
        return self._charges.platform(name)

    def _do(self, do: Do) -> None:
        """Carry out an order. Nothing but what is written here can be ordered."""
        self._records.audit(f"head {do.generation}", do.what, do.name, do.run, "ordered")
        self._ledger.did(do)
        if do.what == "spawn":
            self._spawn(do)
        elif self._runs.get(do.name) == do.run:
            self._executor.do(_ORDERS[do.what](do.name))
        self._publish()

    def _anew(self) -> None:
        """Start nothing that waits to start: a new head, which orders for itself, asks who runs."""
        self._executor.call_off()
        self._ledger.waiting.clear()

    def _spawn(self, do: Do) -> None:
        there = self._ledger.runs.get(do.name)
        if there is not None and there.run == "":  # it was started by this very order
            life = self._lives[do.name]
            self._lives[do.name] = life = replace(life, platform=on(life.platform, do))
            every = life.platform.health_check_interval
            self._ledger.began(do.name, replace(there, run=do.run, health_check_interval=every))
            self._runs[do.name] = do.run
            self._monitor.follow(life)
            self._say(self._ledger.tell("spawned", do.name, do.run, pid=there.pid))
            if there.ready:
                self._say(self._ledger.tell("readied", do.name, do.run))
            return
        if there is not None or do.name in self._ledger.waiting:
            how = "is yet to start" if there is None else f"is there, process {there.pid}"
            text = f"run {self._runs[do.name]} of it {how}: there are never two"
            self._say(self._ledger.tell("spawnfailed", do.name, do.run, text=text))
            return
        self._runs[do.name] = do.run
        try:
            self._charges.accept(do)
        except FlotillaError as error:
            self._say(self._ledger.tell("spawnfailed", do.name, do.run, text=str(error)))
            return
        self._ledger.waiting[do.name] = do.run
        self._executor.do(Spawn(do.name, do.generation))

    def _spawned(self, event: Spawned) -> None:
        name, run = event.name, self._ledger.waiting.pop(event.name)
        child, platform = self._executor.children[name], self._platform(name)
        ready = platform.readiness[0] == "started"
        begins, every = self._executor.begins[name], platform.health_check_interval
        process = Process(run, child.pid, child.start_ticks, child.generation, ready, begins, every)
        self._ledger.began(name, process)
        self._write(Note("spawned", name, "", {"pid": event.pid, "generation": child.generation}))
        self._say(self._ledger.tell("spawned", name, run, pid=event.pid))
        self._lives_on(name, platform, event.pid, ready=ready)

    def _lives_on(self, name: str, platform: spec.Platform, pid: int, *, ready: bool) -> None:
        """Look after a process from now on."""
        now = monotonic_ns()
        state, beat = (State.READY, now) if ready else (State.STARTING, None)
        runs = self._lives[name].runs + 1 if name in self._lives else 1
        life = Life(name, platform, state, pid=pid, beat_ns=beat, runs=runs, begun_ns=now)
        self._lives[name] = life
        self._monitor.follow(life)
        self._heartbeats.watch()

    def _readied(self, event: Readied) -> None:
        life, process = self._lives[event.name], self._ledger.runs[event.name]
        self._lives[event.name] = life = replace(life, state=State.READY, beat_ns=monotonic_ns())
        if process.ready:
            return
        self._ledger.began(event.name, replace(process, ready=True))
        self._say(self._ledger.tell("readied", event.name, process.run))
        self._monitor.follow(life)
        self._heartbeats.watch()

    def _exited(self, event: Exited) -> None:
        name = event.name
        self._monitor.forget(name)
        self._lives[name] = replace(self._lives[name], pid=None, state=State.STOPPED)
        run = self._ledger.ended(name, event.code)
        data = {"code": event.code, "asked": False, "ran_s": 0.0}
        self._write(Note("exited", name, "", data))
        self._executor.clear(name)  # whoever starts next waits for it
        self._say(self._ledger.tell("exited", name, run, code=event.code))

    def _run(self, event: Any) -> str:
        return self._runs.get(event.name, "")

    def _say(self, told: Told) -> None:
        self._unsaid.append(told)

    def _publish(self) -> None:
        """Write down what is new; then say it."""
        self._ledger.keep()
        unsaid, self._unsaid = self._unsaid, []
        for told in unsaid:
            self._gate.say(told)

    def _hung(self, name: str, silent_s: float) -> None:
        self._gate.say(Seen("hung", name, self._runs.get(name, ""), figure=silent_s))

    def _write(self, what: Instruction) -> None:
        self._records.write(what)
        if isinstance(what, Alert):
            name, text = what.name, what.text
            if name not in self._fleet.platforms:  # the head has it no more than this host, or never had
                name, text = "", f"{name}: {text}" if name else text
            self._say(self._ledger.tell("alert", name, self._runs.get(name, ""), text=text))
            self._publish()  # at once: it may be the last word
        self._control.published()

    def _odd(self, text: str) -> None:
        """Take note of somebody who is no head."""
        self._records.audit("somebody", "connect", self._host, text, "refused")
        self._records.event("status", "", {"said": text[:400]}, text[:400])

    def _listen(self) -> None:
        self._hear()
        self._ears.look()

    def _forgive(self) -> None:
        """Count nobody's silence until now."""
        now = monotonic_ns()
        for name, life in self._lives.items():
            if heard(life):
                self._lives[name] = replace(life, beat_ns=now)

    def _hear(self) -> None:
        for name, said in self._ears.hear_of(self._executor.leaders, self._spawner.cgroups.platform_of):
            if (life := self._lives.get(name)) is None:
                continue
            if said.get("READY") == "1" and life.platform.readiness[0] == "notify":
                self.tell(Readied(name))
            elif ("WATCHDOG" in said or "READY" in said) and life.state in SERVING:
                self._lives[name] = replace(life, beat_ns=monotonic_ns())
            if "STOPPING" in said:
                self._executor.parting.add(name)
            if "STATUS" in said:
                self._write(Note("status", name, said["STATUS"][:400], {"said": said["STATUS"][:400]}))

    async def _every(self) -> None:
        while True:
            await asyncio.sleep(min(_BEAT_S, self._fleet.monitoring.sample_every))
            try:
                self._look()
            except OSError as error:  # out of descriptors, or of memory: the next look may see again
                self._write(Alert("warning", "", f"the agent could not look about: {error}"))

    def _look(self) -> None:
        notify.alive()
        if not self._folder.holds(self._hold):
            self._last_words(f"this agent ends: {handover.taken_away(self._folder.path)}")
            handover.without_folder(self._folder.path)
        self._listen()
        self._spawner.reap()
        if self._records.catch_up():
            self._control.published()
        self._control.look()
        self._meter.look(self._lives)
        self._gate.say(Samples(dict(self._meter.latest)))
        self._rotation.look({name: self._platform(name).log for name in self._executor.children})

    async def _answer(self, request: Request, _peer: Peer) -> Any:
        fleet = fleet_state.made(self._fleet, self._ledger.generation)
        here = replace(fleet, lives=self._lives, away=frozenset())
        found = local.answer(request, self._host, here, self._meter.latest, self._records, self._since_ns)
        if request.command == "down":
            self._down.set()
        return found


def main(arguments: list[str]) -> int:
    """Be the agent of a run folder; return 0 when told to end, 1 where it could not begin."""
    if len(arguments) != 1:
        sys.stderr.write("python -m flotilla.fleet.hosts.agent <run folder>\n")
        return 2
    try:
        asyncio.run(Agent(Folder(Path(arguments[0])).make()).run())
    except (FlotillaError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

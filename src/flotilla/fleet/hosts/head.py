"""The hands that reach other hosts: what a head orders there, and what it hears from there.

A platform with a host is like any other to `coordinate`. What is decided about it goes to the host's agent
(`do`), with the name of its run; what the agent tells comes back as the same events as of a process here.
What is told of another run than the one that is meant is old, and of no account.

When a link is made, anew or again, the agent says who runs. What it had yet to tell comes first, then that is
held against what is believed (`_compare`): who runs is taken up and not started, who is gone has died, and
only then the host counts as found.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from flotilla.fleet.control.status import HostStatus
from flotilla.fleet.folder import Kept
from flotilla.fleet.hosts.link import HostLink
from flotilla.fleet.hosts.wire import FromAgent, Hello, Running, Samples, Seen, Told, Welcome, digest
from flotilla.fleet.rules.fleet_state import Fleet
from flotilla.fleet.rules.platform_state import SERVING, Life
from flotilla.fleet.rules.states import (
    ALIVE,
    Adopted,
    Alert,
    Drain,
    Drained,
    Exited,
    HostFound,
    HostLost,
    Hung,
    Instruction,
    Kill,
    Over,
    PlatformEvent,
    Probed,
    Readied,
    Shed,
    Spawn,
    Spawned,
    SpawnFailed,
    State,
    Stop,
    Terminate,
)
from flotilla.fleet.spec import FleetSpec
from flotilla.fleet.system.resources import Sample

_FAR = Spawn | Drain | Shed | Terminate | Kill  # no Sweep: its platform may be no more by then
_RANDOM = random.SystemRandom()


class Headed(Protocol):
    """What is needed of a supervisor."""

    @property
    def fleet(self) -> Fleet:
        """Return the fleet as it is."""

    def tell(self, event: PlatformEvent) -> None:
        """Take an event."""


class Hosts:
    """The other hosts of a fleet. alert: takes what no event says."""

    def __init__(
        self, head: Headed, spec: FleetSpec, generation: int, alert: Callable[[Alert], None]
    ) -> None:
        self.runs: dict[str, str] = {}  # by platform: the run that is meant
        self.samples: dict[str, Sample] = {}
        self._head, self._alert, self._generation = head, alert, generation
        self._spec = spec
        self._count = 0
        self._links: dict[str, HostLink] = {}

    def open(self) -> None:
        """Begin to connect to every host."""
        token = secrets.token_hex(16)
        for name, host in self._spec.hosts.items():
            hello = Hello(self._spec.name, name, self._generation, token)
            self._links[name] = HostLink(name, host, hello, self._take, self._lost)

    async def close(self) -> None:
        """Hang up on all. What runs there runs on."""
        for link in self._links.values():
            await link.close()

    def recall(self, name: str, kept: Mapping[str, Kept]) -> int | None:
        """Take up what a head before this one knew of a platform; return its process id, if it ran."""
        more = kept[name].more if name in kept else {}
        run, pid = more.get("run"), more.get("far_pid")
        if not isinstance(run, str) or not isinstance(pid, int):
            return None
        self.runs[name] = run
        return pid

    def status(self) -> tuple[HostStatus, ...]:
        """Return how each host is."""
        return tuple(
            HostStatus(link.name, link.host.address, link.sight, link.since_ns, link.why, link.host.on_lost)
            for link in self._links.values()
        )

    def has(self, order: Instruction) -> bool:
        """Return whether an instruction is about a platform elsewhere, whose agent sweeps by itself."""
        return isinstance(order, _FAR) and self._life(order.name).platform.host is not None

    def do(self, order: Instruction) -> None:
        """Have an instruction carried out by an agent, as soon as it can be told."""
        match order:
            case Spawn():
                self._count += 1
                run = self.runs[order.name] = f"{self._generation}.{self._count}"
                platform = self._life(order.name).platform
                level, every = platform.log.level, platform.health_check_interval
                self._link(order.name).order("spawn", order.name, run, digest(platform), level, every)
            case Drain(again=False):
                self._order("drain", order.name)
            case Terminate():
                self._order("terminate", order.name)
            case Kill():
                self._order("kill", order.name)
            case Shed():
                self._order("shed", order.name)

    def _order(self, what: Any, name: str) -> None:
        if name in self.runs:
            self._link(name).order(what, name, self.runs[name])

    def _life(self, name: str) -> Life:
        return self._head.fleet.lives[name]

    def _link(self, name: str) -> HostLink:
        return self._links[str(self._life(name).platform.host)]

    def _lost(self, link: HostLink) -> None:
        for name, life in self._head.fleet.lives.items():
            if life.platform.host == link.name:
                self.samples.pop(name, None)
        self._head.tell(HostLost(link.name))

    def _take(self, link: HostLink, line: FromAgent) -> None:
        match line:
            case Welcome():
                self._welcomed(link, line)
            case Told():
                link.got = line.seq
                self._told(link, line)
            case Seen():
                self._seen(link, line)
            case Samples():
                here = {name for name in line.samples if self._is_of(link, name)}
                self.samples |= {name: line.samples[name] for name in here}

    def _is_of(self, link: HostLink, name: str) -> bool:
        life = self._head.fleet.lives.get(name)
        return life is not None and life.platform.host == link.name

    def _told(self, link: HostLink, told: Told) -> None:
        name = told.name
        if told.what == "alert" and not name:
            self._alert(Alert("critical", "", f"on host {link.name}, {told.text}"))
            return
        if not self._is_of(link, name) or told.run != self.runs.get(name):
            return
        match told.what:
            case "spawned":
                if self._life(name).pid is None:
                    self._head.tell(Spawned(name, told.pid))
            case "spawnfailed":
                self._head.tell(SpawnFailed(name, told.text, _RANDOM.random()))
            case "readied":
                self._head.tell(Readied(name))
            case "exited":
                self._head.tell(Exited(name, told.code, _RANDOM.random()))
            case "drained":
                self._head.tell(Drained(name))
            case "alert":
                self._alert(Alert("critical", name, f"{link.name}: {told.text}"))

    def _seen(self, link: HostLink, seen: Seen) -> None:
        if not self._is_of(link, seen.name) or seen.run != self.runs.get(seen.name):
            return
        match seen.what:
            case "probed":
                self._head.tell(Probed(seen.name, seen.ok, seen.text))
            case "over":
                self._head.tell(Over(seen.name, seen.tier, seen.text))
            case "hung":
                self._head.tell(Hung(seen.name, seen.figure))

    def _welcomed(self, link: HostLink, welcome: Welcome) -> None:
        again = welcome.epoch == link.epoch
        if again:
            link.pending = [do for do in link.pending if do.n > welcome.done]
        for told in welcome.told:
            self._told(link, told)
        link.epoch, link.got = welcome.epoch, welcome.seq
        for name, life in list(self._head.fleet.lives.items()):
            if life.platform.host == link.name:
                self._compare(link, name, welcome, again=again)
        if link.sight != "seen":
            link.found()
            self._head.tell(HostFound(link.name))
        else:
            link.found()

    def _compare(self, link: HostLink, name: str, welcome: Welcome, *, again: bool) -> None:
        """Hold what is believed of a platform against what its agent says."""
        life, there, run = self._life(name), welcome.running.get(name), self.runs.get(name, "")
        if welcome.waiting.get(name) == run:
            return
        if life.pid is not None and there is not None and there.run == run:
            if there.ready and life.state is State.STARTING:
                self._head.tell(Readied(name))
            if not again:
                self._order_again(life)
            return
        if life.pid is not None:
            ended = welcome.ended.get(name)
            code = ended.code if ended is not None and ended.run == run else None
            self._head.tell(Exited(name, code, _RANDOM.random()))
        if there is not None:
            self._take_up(link, name, there)
        elif life.pid is None and life.state in ALIVE and not any(do.name == name for do in link.pending):
            self._head.tell(SpawnFailed(name, "its agent knows nothing of it", _RANDOM.random()))

    def _order_again(self, life: Life) -> None:
        """Order what a head before this one decided: nobody knows whether it was heard."""
        orders = {State.DRAINING: "drain", State.STOPPING: "terminate", State.KILLING: "kill"}
        if life.state in orders:
            self._order(orders[life.state], life.name)

    def _take_up(self, link: HostLink, name: str, there: Running) -> None:
        """Go on with a run that was not known of."""
        self.runs[name] = there.run
        life = self._life(name)
        state = State.READY if there.ready else State.STARTING
        if life.state in ALIVE:  # it was to be started, and is there
            link.pending = [do for do in link.pending if (do.what, do.name) != ("spawn", name)]
            self._head.tell(Spawned(name, there.pid))
            if state in SERVING:
                self._head.tell(Readied(name))
            return
        wanted = life.wanted or life.state in (State.WAITING, State.BACKOFF)
        self._head.tell(Adopted(name, there.pid, state, life.restarts, wanted))
        if not wanted:
            self._head.tell(Stop(name, "stop", "it ran on while its host was out of sight"))

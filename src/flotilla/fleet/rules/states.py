"""The words of the process platform: states, the table of transitions, events, instructions.

`decide.py` (one platform) and `coordinate.py` (all of them) take a state and an event and give
back a state and instructions; the supervisor turns what happens into events, and carries the
instructions out. Nothing here does anything. The diagram in the manual is drawn from `TABLE`.

Times are monotonic nanoseconds, durations that a person writes are seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from flotilla.fleet.spec import FleetSpec, Overrides


class State(StrEnum):
    """Where a platform is in its life."""

    STOPPED = "stopped"  # not asked to run
    WAITING = "waiting"  # asked to run; what it needs is not there yet
    STARTING = "starting"  # its process runs, and has not said that it is ready
    READY = "ready"  # it said so, and what it needs is ready too
    DEGRADED = "degraded"  # it runs, but a probe fails, its host is out of sight, or a need was lost
    DRAINING = "draining"  # asked to settle what it has in flight
    STOPPING = "stopping"  # sent SIGTERM
    KILLING = "killing"  # sent SIGKILL, with all that it started
    BACKOFF = "backoff"  # died; started again when its time comes
    FAILED = "failed"  # died too often; a person must look
    COMPLETED = "completed"  # a job that did its work


S = State
ALIVE = frozenset({S.STARTING, S.READY, S.DEGRADED, S.DRAINING, S.STOPPING, S.KILLING})  # has a process
LEAVING = frozenset({S.DRAINING, S.STOPPING, S.KILLING})
RUNNING = ALIVE - LEAVING
AT_REST = frozenset({S.STOPPED, S.FAILED, S.COMPLETED})  # nothing happens until somebody asks

Tier = Literal["ok", "warn", "shed", "drain", "stop"]
Severity = Literal["info", "warning", "critical"]
Command = Literal["start", "stop", "restart", "drain", "down"]


class Transition(NamedTuple):
    """One arrow of the diagram."""

    before: State
    on: str  # the event's name, in small letters
    after: State
    when: str = ""


def _arrows(befores: str, events: str, afters: str, when: str) -> list[Transition]:
    return [
        Transition(State(before), on, State(after), when)
        for before in befores.split()
        for on in events.split()
        for after in afters.split()
    ]


TABLE: tuple[Transition, ...] = (
    *_arrows("stopped failed completed backoff", "start", "waiting", "asked for"),
    *_arrows("waiting", "go", "starting", "what it needs is there"),
    *_arrows(
        "starting", "spawned readied", "ready degraded", "it says so; degraded where something is amiss"
    ),
    *_arrows("ready", "probed needlost hostlost", "degraded", "a probe fails, a need or its host is lost"),
    *_arrows("degraded", "probed needback hostfound", "ready", "nothing is amiss any more"),
    *_arrows("degraded", "probed", "stopping", "too many probes failed in a row"),
    *_arrows("starting", "tick", "stopping", "not ready in time"),
    *_arrows("ready degraded draining", "tick hung", "killing", "hung: no heartbeat"),
    *_arrows("starting ready degraded", "over", "stopping", "uses too much"),
    *_arrows("ready degraded", "over", "draining", "uses too much, and can settle first"),
    *_arrows("draining", "over", "stopping", "uses far too much, and holds no positions"),
    *_arrows("starting ready degraded", "exited", "completed", "a job, with exit code 0"),
    *_arrows("ready degraded", "exited", "waiting backoff failed", "died: again at once, later, no more"),
    *_arrows("starting", "exited spawnfailed", "backoff failed", "died: again later, or no more"),
    *_arrows("starting ready degraded", "exited", "stopped", "died, and is not wanted"),
    *_arrows("stopping killing", "spawnfailed", "waiting backoff failed stopped", "there was nobody to stop"),
    *_arrows("starting ready degraded", "stop", "stopping", "asked to stop"),
    *_arrows("ready degraded", "stop", "draining", "asked to stop, and can settle first"),
    *_arrows("waiting backoff failed completed", "stop", "stopped", "asked to stop"),
    *_arrows("draining", "drained tick", "stopping", "it has settled, or had its time"),
    *_arrows("stopping", "tick", "killing", "not gone in time: an alarm"),
    *_arrows(
        "starting ready degraded draining stopping", "timeover", "killing", "the fleet's own time is over"
    ),
    *_arrows(
        "starting ready degraded draining stopping killing", "timeover", "stopped", "its host is out of sight"
    ),
    *_arrows("draining stopping killing", "exited", "stopped", "as asked"),
    *_arrows("draining stopping killing", "exited", "waiting", "to be started again"),
    *_arrows("draining stopping killing", "exited", "backoff failed completed", "it was stopped for a fault"),
    *_arrows("backoff", "tick", "waiting", "its time has come"),
    *_arrows("failed", "tick", "waiting", "half open: one start to see"),
    *_arrows("stopped", "adopted", "starting ready draining stopping killing", "found running"),
    *_arrows("waiting backoff failed completed", "adopted", "starting ready", "found running on its host"),
    *_arrows("stopped", "restored", "waiting failed completed", "as the supervisor before knew it"),
)


class PlatformEvent(Struct, frozen=True):
    """Something that happened."""


class About(PlatformEvent, frozen=True):
    """Something that happened to one platform."""

    name: str


class Ask(PlatformEvent, frozen=True):
    """A person or a program asks. names: platforms, or one custom sequence to start; none is all."""

    command: Command
    names: tuple[str, ...] = ()
    who: str = ""
    why: str = ""
    overrides: Overrides = Overrides()  # with a start or a restart of one platform
    # By no person: nobody else that has hours of its own starts for it, and who must stop for it comes back.
    by_hours: bool = False


class Reload(PlatformEvent, frozen=True):
    """The fleet's file was read again."""

    spec: FleetSpec


class Start(About, frozen=True):
    """It should run."""

    why: str = ""


class Go(About, frozen=True):
    """What it needs is there."""


class Stop(About, frozen=True):
    """It should stop: for good, to be started again, or as if it had died."""

    then: Literal["stop", "again", "retry"] = "stop"
    why: str = ""
    patient: bool = False  # waits for its drain without a deadline


class TimeOver(About, frozen=True):
    """The fleet has had its time to stop."""


class Spawned(About, frozen=True):
    """Its process runs."""

    pid: int


class SpawnFailed(About, frozen=True):
    """Its process could not be started. jitter: [0, 1)."""

    reason: str
    jitter: float = 0.0


class Past(Struct, frozen=True):
    """How the supervisor before this one left a platform, as in Life. Times are None where nobody knows."""

    since_ns: int | None = None
    begun_ns: int | None = None
    reason: str = ""
    last_exit: int | None = None
    probing: bool = False
    patient: bool = False  # it drains for as long as it takes
    then: Literal["stop", "again", "retry"] = "again"


class Adopted(About, frozen=True):
    """It was found running, started by a supervisor before this one."""

    pid: int
    state: State = State.READY
    restarts: tuple[int, ...] = ()  # when it was restarted, monotonic ns
    wanted: bool = True
    overrides: Overrides | None = None  # None: as they are
    generation: int = 0  # of the supervisor that started it, 0 where that is not known
    past: Past = Past()


class Restored(About, frozen=True):
    """It was not running, and this is what the supervisor before this one knew of it."""

    state: State
    restarts: tuple[int, ...] = ()
    overrides: Overrides = Overrides()
    past: Past = Past()


class Resumed(PlatformEvent, frozen=True):
    """A supervisor goes on where another left a fleet of which nothing was known yet.

    lives: what is known of each, who is needed before who needs it. leaving: who is to stop, and was not told
    yet. first, gone: as in Fleet. closing: it goes down.
    """

    lives: tuple[Adopted | Restored, ...] = ()
    leaving: tuple[Stop, ...] = ()
    first: dict[str, frozenset[str]] = {}
    gone: dict[str, frozenset[str]] = {}
    closing: bool = False


class Readied(About, frozen=True):
    """It says that it can serve."""


class Beat(About, frozen=True):
    """It says that it is alive."""


class Hung(About, frozen=True):
    """Its host's agent has not heard from it for `silent_s` seconds, too long."""

    silent_s: float


class Probed(About, frozen=True):
    """It was asked whether it is well."""

    ok: bool
    what: str = ""


class Exited(About, frozen=True):
    """Its process is gone. code: negative is a signal's number, None not known. jitter: [0, 1)."""

    code: int | None
    jitter: float = 0.0


class Drained(About, frozen=True):
    """It has settled what it had in flight."""


class Over(About, frozen=True):
    """It uses more than it said it would."""

    tier: Tier
    what: str = ""


class NeedLost(About, frozen=True):
    """What it needs is not as it should be."""

    need: str


class NeedBack(About, frozen=True):
    """What it needs is as it should be again."""

    need: str


class HostLost(PlatformEvent, frozen=True):
    """A host is out of sight; what runs there may well run on. held: who runs there counts as it was."""

    host: str
    held: bool = False


class HostFound(PlatformEvent, frozen=True):
    """A host is in sight again."""

    host: str


class Tick(PlatformEvent, frozen=True):
    """Time has passed."""


class Instruction(Struct, frozen=True):
    """Something to do."""


class Spawn(Instruction, frozen=True):
    """Start its process. generation: of the supervisor that does."""

    name: str
    generation: int


class Drain(Instruction, frozen=True):
    """Ask it to settle. again: it was asked before, by a supervisor that died over it."""

    name: str
    again: bool = False


class Shed(Instruction, frozen=True):
    """Ask it to use less."""

    name: str


class Terminate(Instruction, frozen=True):
    """Send it SIGTERM."""

    name: str


class Kill(Instruction, frozen=True):
    """Send SIGKILL to it and to all that it started."""

    name: str


class Sweep(Instruction, frozen=True):
    """Its process is gone: kill what it has left behind, before anything else."""

    name: str


class Forget(Instruction, frozen=True):
    """It is no longer part of the fleet."""

    name: str


class Note(Instruction, frozen=True):
    """Write down. kind: what happened, in a word; name: of the platform, or empty for the fleet."""

    kind: str
    name: str
    text: str
    data: dict[str, Any] = {}


class Alert(Instruction, frozen=True):
    """Tell a person."""

    severity: Severity
    name: str
    text: str


def as_mermaid() -> str:
    """Return the diagram of TABLE, one arrow for each pair of states, with its events."""
    pairs: dict[tuple[State, State], list[str]] = {}
    for row in TABLE:
        events = pairs.setdefault((row.before, row.after), [])
        if row.on not in events and row.before is not row.after:
            events.append(row.on)
    arrows = [
        f"    {before} --> {after}: {', '.join(events)}"
        for (before, after), events in pairs.items()
        if events
    ]
    return "\n".join(["stateDiagram-v2", "    [*] --> stopped", *arrows])

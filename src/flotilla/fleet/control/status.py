"""What crosses the control socket: requests, replies, and the state of a fleet as an operator sees it.

One line of JSON each. A request carries an id, which its reply repeats, and a command that acts carries a
key: the same key twice is one command (`idempotency.py`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from flotilla.fleet.rules.states import ALIVE, LEAVING, State

ACTS = ("start", "stop", "restart", "drain", "down", "reload", "ack", "record")

Command = Literal[
    "start", "stop", "restart", "drain", "down", "reload", "ack", "record",
    "status", "plan", "events",
]  # fmt: skip
Name = Annotated[str, Meta(max_length=64)]
Words = Annotated[str, Meta(max_length=1000)]
Plain = bool | int | float | str | None


class Request(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename={"from_": "from"}):
    """A command or a question. `who` is what the caller says; the kernel says whose process it is."""

    id: int
    command: Command
    platforms: Annotated[
        tuple[Name, ...], Meta(max_length=1000)
    ] = ()  # none: all of them, where it makes sense
    overrides: dict[Name, Plain] = {}  # named and typed; the supervisor refuses those that it does not know
    who: Words = ""
    why: Words = ""
    key: Annotated[str, Meta(max_length=100)] = ""
    from_: Annotated[int, Meta(ge=0)] = 0  # of events: the first number that is wanted
    limit: Annotated[int, Meta(ge=1, le=1000)] = 1000
    follow: bool = False
    data: dict[str, Any] = {}  # of plan: {"of": "stop" or "reload"}; of record: what is written down


class Wrong(Struct, frozen=True):
    """Why a request was refused: the name of an error in flotilla.errors, and its text."""

    kind: str
    text: str


class Reply(Struct, frozen=True, omit_defaults=True):
    """The answer to a request."""

    id: int
    ok: bool
    result: Any = None
    error: Wrong | None = None


class PlatformStatus(Struct, frozen=True):
    """One platform. What was not measured is None."""

    name: str
    state: str  # of rules.states.State
    pid: int | None = None
    since_ns: int = 0  # since when it is in this state, ns UTC
    ready: bool = False
    restarts: int = 0  # of the present window
    cpu_percent: float | None = None  # 100 is one core
    memory_mb: float | None = None
    open_files: int | None = None
    threads: int | None = None
    group: str | None = None
    host: str | None = None
    needs: dict[str, str] = {}  # name: started, ready or completed
    last_exit: int | None = None  # negative: minus the signal's number
    reason: str = ""  # why it is in this state
    overrides: dict[str, Plain] = {}  # of the file's values, by the last start or restart
    blocked_by: tuple[str, ...] = ()  # it waits, and for these, which have failed or are stopped


class HostStatus(Struct, frozen=True):
    """Another host, as the head sees it."""

    name: str
    address: str
    sight: str  # awaited, seen or lost
    since_ns: int = 0  # ns UTC
    why: str = ""  # it is not seen
    on_lost: str = ""  # hold, degrade or stop


class FleetStatus(Struct, frozen=True):
    """A fleet, as of event number `seq`."""

    name: str
    generation: int
    mode: str
    seq: int
    platforms: tuple[PlatformStatus, ...]
    pid: int | None = None  # of the supervisor
    since_ns: int = 0  # when this supervisor began, ns UTC
    hosts: tuple[HostStatus, ...] = ()

    def find(self, name: str) -> PlatformStatus | None:
        """Return the platform called `name`, None if there is none."""
        return next((platform for platform in self.platforms if platform.name == name), None)


UNDERWAY = LEAVING | {State.WAITING, State.STARTING, State.BACKOFF}  # another state soon
WELL = frozenset({State.READY, State.COMPLETED})
Health = Literal["healthy", "changing", "degraded", "failed"]


def lives(platform: PlatformStatus) -> bool:
    """Return whether the platform has a process."""
    return platform.state in ALIVE


def underway(platform: PlatformStatus) -> bool:
    """Return whether its state will change without anybody's doing."""
    return platform.state in UNDERWAY and not platform.blocked_by


def well(platform: PlatformStatus) -> bool:
    """Return whether the platform does what it is there for."""
    return platform.state in WELL


def health(status: FleetStatus) -> Health:
    """Return the worst that is true of those that should run, and of the hosts."""
    running = [platform for platform in status.platforms if platform.state != "stopped"]
    if any(platform.state in ("failed", "killing") for platform in running):
        return "failed"
    unseen = any(host.sight != "seen" for host in status.hosts)
    if unseen or any(not well(platform) and platform.state not in UNDERWAY for platform in running):
        return "degraded"
    return "changing" if any(platform.state in UNDERWAY for platform in running) else "healthy"

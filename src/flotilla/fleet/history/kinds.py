"""The kinds of event that a fleet tells of, each with a record type for its own fields.

A kind is written as the record's name in snake case: `Spawned` is "spawned". An event may have fields that
its record has not, or be of a kind that is not here: events are what one reads after things went wrong, so
none is refused for its form. `typed` gives the record where there is one; a test asks `mistake`.

Durations are seconds, memory is MiB, times are ns since 1970 UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec


class Happening(msgspec.Struct, frozen=True, kw_only=True):
    """What the kinds share: nothing but being one."""


class State(Happening, frozen=True, kw_only=True):
    """A platform came from one state to another (rules/states.py)."""

    old: str
    new: str
    reason: str = ""


class Spawned(Happening, frozen=True, kw_only=True):
    """A process was started for a platform."""

    pid: int
    generation: int


class SpawnFailed(Happening, frozen=True, kw_only=True):
    """The command of a platform could not be started."""

    reason: str


class Ready(Happening, frozen=True, kw_only=True):
    """A platform said, or was seen, to be ready."""

    after_s: float = 0.0  # since it was spawned


class Exited(Happening, frozen=True, kw_only=True):
    """A platform's process ended, asked or not."""

    code: int | None  # negative: the signal that ended it; None: it is not known
    asked: bool = False
    ran_s: float = 0.0


class Hung(Happening, frozen=True, kw_only=True):
    """A platform that lives was not heard from for too long."""

    silent_s: float


class ProbeFailed(Happening, frozen=True, kw_only=True):
    """A look at a platform's health found it wanting."""

    what: str
    misses: int = 1


class Backoff(Happening, frozen=True, kw_only=True):
    """A platform will be started again, after a while."""

    delay_s: float
    restarts: int  # in the window
    budget: int


class Failed(Happening, frozen=True, kw_only=True):
    """A platform died too often; a person must look."""

    restarts: int
    reason: str = ""


class Drained(Happening, frozen=True, kw_only=True):
    """A platform settled what was in flight, and may be stopped."""

    took_s: float = 0.0


class Killed(Happening, frozen=True, kw_only=True):
    """A platform did not go when asked, and its whole tree was killed."""

    pids: tuple[int, ...] = ()
    reason: str = ""


class Resource(Happening, frozen=True, kw_only=True):
    """A platform uses more than it may; `tier` says what is done about it."""

    what: str  # "memory", "cpu", "open files", "processes"
    used: float
    limit: float
    tier: str  # "ok", "warn", "shed", "drain", "stop"


class Status(Happening, frozen=True, kw_only=True):
    """A platform said something about itself (STATUS= of sd_notify)."""

    said: str


class Command(Happening, frozen=True, kw_only=True):
    """Somebody asked for something."""

    command: str
    names: tuple[str, ...] = ()
    who: str = ""
    why: str = ""
    outcome: str = ""


class FleetStarted(Happening, frozen=True, kw_only=True):
    """A supervisor took the fleet."""

    generation: int
    mode: str = ""


class FleetStopped(Happening, frozen=True, kw_only=True):
    """The fleet is down, and its supervisor goes."""

    reason: str = ""


class Adopted(Happening, frozen=True, kw_only=True):
    """A supervisor found a process of the one before it, alive, and goes on with it."""

    pid: int
    generation: int


class StrayKilled(Happening, frozen=True, kw_only=True):
    """A process bore the fleet's mark and belonged to no platform."""

    pid: int
    reason: str = ""


class Reloaded(Happening, frozen=True, kw_only=True):
    """The fleet file was read again."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class GuardLost(Happening, frozen=True, kw_only=True):
    """The process that watches the supervisor is gone."""


class LogNotRotated(Happening, frozen=True, kw_only=True):
    """A platform's log grows on."""

    reason: str


class HostLost(Happening, frozen=True, kw_only=True):
    """A host cannot be reached: a partition, not a death."""

    host: str


class HostFound(Happening, frozen=True, kw_only=True):
    """A host can be reached again."""

    host: str


class Alert(Happening, frozen=True, kw_only=True):
    """A person should know."""

    severity: str  # "info", "warning", "critical"
    about: str = ""  # what it is told apart by


class AlertAcknowledged(Happening, frozen=True, kw_only=True):
    """A person has seen an alert."""

    who: str
    about: str = ""


class Scheduled(Happening, frozen=True, kw_only=True):
    """A platform's next start or stop by its calendar."""

    action: str
    at: int  # ns since 1970, UTC


class Damaged(Happening, frozen=True, kw_only=True):
    """What stands for an event that was changed on the disk, and cannot be read."""

    why: str


class AuditBroken(Happening, frozen=True, kw_only=True):
    """The audit log is not as it was left."""

    what: str


KINDS: dict[str, type[Happening]] = {
    re.sub(r"(?<=[a-z])(?=[A-Z])", "_", kind.__name__).lower(): kind for kind in Happening.__subclasses__()
}


def event_fields(data: Mapping[str, Any] | Happening) -> dict[str, Any]:
    """Return the fields of an event as they are kept: plain values, whatever they were."""
    fields: dict[str, Any] = msgspec.to_builtins(data, str_keys=True, enc_hook=str)
    return fields


def typed(kind: str, data: Mapping[str, Any]) -> Happening | None:
    """Return the record of an event's fields; None where the kind has none, or they do not fit it."""
    try:
        return msgspec.convert(dict(data), KINDS[kind])
    except (KeyError, msgspec.ValidationError):
        return None


def mistake(kind: str, data: Mapping[str, Any]) -> str:
    """Return what is wrong with an event's form, empty where nothing is."""
    if kind not in KINDS:
        return f"no event is called {kind!r}"
    strange = data.keys() - set(KINDS[kind].__struct_fields__)
    if strange:
        return f"{kind} has no field {', '.join(sorted(strange))}"
    try:
        msgspec.convert(dict(data), KINDS[kind])
    except msgspec.ValidationError as error:
        return f"{kind}: {error}"
    return ""

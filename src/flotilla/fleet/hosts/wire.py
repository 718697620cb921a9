"""What a head and the agent of a host say to one another: a line of JSON each, inside TLS.

The head says `Hello`, and the agent `Welcome`, or `Refused`. Then the head orders (`Do`), numbered, until
the agent says `Done`; and the agent tells what happened (`Told`), numbered, until the head says `Got`. What
was not acknowledged is said again after a reconnect, and its number says that it is the same. What is only
true now (`Seen`, `Samples`) has no number: it is not said again.

An order names a platform and a run. Never a command: that stands in the agent's own file, and `digest` says
whether the head's says the same. Only what a command to the head may set anew, within bounds, comes with it.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from flotilla.errors import ProcessError
from flotilla.fleet.spec import Backoff, Platform
from flotilla.fleet.spec.parts import Level, Seconds
from flotilla.fleet.system.resources import Sample

LONGEST_LINE = (
    4 << 20
)  # bytes of a line from one who has shown a certificate; all that is kept to tell is less
FORMAT = 2  # of what is said: one who speaks another is refused

Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,31}\Z")]
NameOrNone = Annotated[str, Meta(pattern=r"^([a-z][a-z0-9_-]{0,31})?\Z")]
Run = Annotated[str, Meta(pattern=r"^([0-9]{1,15}\.[0-9]{1,15})?\Z")]  # the head's generation, and a count
Count = Annotated[int, Meta(ge=0, le=2**53)]
Words = Annotated[str, Meta(max_length=1000)]
Act = Literal["spawn", "drain", "terminate", "kill", "shed"]
What = Literal["spawned", "spawnfailed", "readied", "exited", "drained", "alert"]


class WrongWords(ProcessError):
    """What came over a connection is not of this language."""


class _Line(Struct, frozen=True, forbid_unknown_fields=True, tag_field="say", tag=str.lower):
    pass


class Hello(_Line, frozen=True):
    """A head begins. token: of this one supervisor. epoch, got: where it left off, of which memory."""

    fleet: Name
    host: Name
    generation: Count
    token: Annotated[str, Meta(pattern=r"^[0-9a-f]{16,64}\Z")]
    epoch: Annotated[str, Meta(max_length=64)] = ""
    got: Count = 0
    format: int = FORMAT


class Do(_Line, frozen=True):
    """An order about one run of a platform.

    Of one that is to start: digest, of what both files say of it; and what the head alone says, as a command
    may set that anew. None is as the host's file says.
    """

    n: Count
    generation: Count
    what: Act
    name: Name
    run: Run
    digest: Annotated[str, Meta(max_length=64)] = ""
    log_level: Level | None = None
    health_check_interval: Seconds | None = None


class Got(_Line, frozen=True):
    """What was told, up to `seq`, is known."""

    seq: Count


class Ping(_Line, frozen=True):
    """Are you there."""


class Running(Struct, frozen=True):
    """A process that runs."""

    run: Run
    pid: int
    ready: bool = False


class Ended(Struct, frozen=True):
    """How the latest run of a platform ended."""

    run: Run
    code: int | None = None


class Told(_Line, frozen=True):
    """Something happened to a run. name: of nobody in an alert about the agent itself."""

    seq: Count
    what: What
    name: NameOrNone
    run: Run
    pid: int = 0
    code: int | None = None
    text: Words = ""


class Welcome(_Line, frozen=True):
    """Who runs, and what the head has not got yet. epoch: of the agent's memory, new where it was lost.

    waiting: the run of each that is ordered and yet to start; of how that goes it will be told.
    """

    host: Name
    epoch: Annotated[str, Meta(max_length=64)]
    done: Count
    seq: Count
    running: dict[Name, Running] = {}
    ended: dict[Name, Ended] = {}
    told: tuple[Told, ...] = ()
    waiting: dict[Name, Run] = {}


class Refused(_Line, frozen=True):
    """Why an agent takes no orders from this head."""

    text: Words


class Done(_Line, frozen=True):
    """Orders up to `n` are carried out."""

    n: Count


class Seen(_Line, frozen=True):
    """What was seen of a run just now. figure: seconds of silence, of one that is hung."""

    what: Literal["probed", "over", "hung"]
    name: Name
    run: Run
    ok: bool = False
    tier: Literal["ok", "warn", "shed", "drain", "stop"] = "ok"
    figure: float = 0.0
    text: Words = ""


class Samples(_Line, frozen=True):
    """What each platform uses."""

    samples: dict[Name, Sample]


class Pong(_Line, frozen=True):
    """Yes."""


FromHead = Hello | Do | Got | Ping
FromAgent = Welcome | Refused | Told | Done | Seen | Samples | Pong
_heads: msgspec.json.Decoder[FromHead] = msgspec.json.Decoder(FromHead)
_agents: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)


def encoded(line: Struct) -> bytes:
    """Return what is written."""
    return msgspec.json.encode(line) + b"\n"


async def from_head(reader: asyncio.StreamReader, timeout_s: float) -> FromHead:
    """Return what a head says next. WrongWords, TimeoutError, EOFError or OSError where it does not."""
    try:
        return _heads.decode(await _line(reader, timeout_s))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WrongWords(f"no words of a head: {error}") from error


async def from_agent(reader: asyncio.StreamReader, timeout_s: float) -> FromAgent:
    """Return what an agent says next. WrongWords, TimeoutError, EOFError or OSError where it does not."""
    try:
        return _agents.decode(await _line(reader, timeout_s))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise WrongWords(f"no words of an agent: {error}") from error


async def _line(reader: asyncio.StreamReader, timeout_s: float) -> bytes:
    try:
        async with asyncio.timeout(timeout_s):
            return await reader.readuntil(b"\n")
    except asyncio.LimitOverrunError as error:
        raise WrongWords(f"a line is at most {LONGEST_LINE} bytes") from error


def charge(platform: Platform) -> Platform:
    """Return what both files must say of a platform: not what is the head's alone, nor what orders say."""
    plain = Platform(platform.command)
    return replace(
        platform,
        host=None,
        needs={},
        group=None,
        schedule=None,
        probe_after=None,
        backoff=Backoff(),
        on_need_lost=plain.on_need_lost,
        startup_timeout=plain.startup_timeout,
        shutdown_timeout=plain.shutdown_timeout,
        max_restart_attempts=plain.max_restart_attempts,
        restart_window=plain.restart_window,
        health_check_interval=plain.health_check_interval,
        log=replace(platform.log, level=None),
    )


def digest(platform: Platform) -> str:
    """Return a short name of a charge: the same on both sides, or the files differ."""
    text = msgspec.json.encode(charge(platform), order="deterministic")
    return hashlib.blake2b(text, digest_size=16).hexdigest()

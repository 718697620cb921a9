"""What comes in and goes out as JSON, for FastAPI: its checks and the OpenAPI description.

The fields are those of control/status.py, history/events.py and spec/parts.py; a test holds them together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$", examples=["strategies"])]
Words = Annotated[str, Field(max_length=1000)]
Action = Literal["start", "stop", "restart", "drain"]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Out(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Overrides(_In):
    """What may be set anew from its next start on, within bounds: never what is run, as whom, or where."""

    startup_timeout: Annotated[float, Field(gt=0, le=3600)] | None = None
    shutdown_timeout: Annotated[float, Field(gt=0, le=3600)] | None = None
    max_restart_attempts: Annotated[int, Field(ge=0, le=100)] | None = None
    health_check_interval: Annotated[float, Field(ge=1, le=3600)] | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] | None = None


class Control(_In):
    """A command to one platform."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"action": "restart", "why": "it holds on to an old price"}]},
    )

    action: Action
    why: Words = ""
    overrides: Overrides | None = Field(None, description="With start and restart; for an admin.")


class Accepted(_Out):
    """The supervisor has taken the command. What becomes of it is told by the events from `seq` on."""

    seq: int = Field(examples=[4711])
    names: list[str] = Field(description="Whom it concerns: also those that are needed, or need it.")
    key: str = Field(description="The same key again, with the same command, does nothing more.")


class Platform(_Out):
    """One platform. What was not measured is null."""

    name: str = Field(examples=["strategies"])
    state: str = Field(examples=["ready"])
    pid: int | None = None
    since_ns: int = Field(0, description="Since when it is in this state, ns UTC.")
    ready: bool = False
    restarts: int = Field(0, description="Of the present window.")
    cpu_percent: float | None = Field(None, description="100 is one core.")
    memory_mb: float | None = None
    open_files: int | None = None
    threads: int | None = None
    group: str | None = None
    host: str | None = None
    needs: dict[str, str] = Field(default={}, examples=[{"feed": "ready"}])
    last_exit: int | None = Field(None, description="Negative: minus the signal's number.")
    reason: str = Field("", description="Why it is in this state.")
    overrides: dict[str, int | float | str] = Field(
        default={}, description="What the last start or restart set anew, from the next start on."
    )
    blocked_by: list[str] = Field(
        default=[],
        description="It waits, and for these, which have failed or are stopped.",
        examples=[["feed"]],
    )


class Host(_Out):
    """Another host, as the head sees it."""

    name: str
    address: str
    sight: Literal["awaited", "seen", "lost"]
    since_ns: int = Field(0, description="ns UTC.")
    why: str = Field("", description="Why it is not seen.")
    on_lost: str = Field("", description="What then becomes of those that need what runs there.")


class Fleet(_Out):
    """The fleet, as of event number `seq`."""

    name: str = Field(examples=["desk"])
    generation: int
    mode: str = Field(examples=["adopt"])
    seq: int
    platforms: list[Platform]
    pid: int | None = Field(None, description="Of the supervisor.")
    since_ns: int = Field(0, description="When this supervisor began, ns UTC.")
    hosts: list[Host] = []


class PlatformHealth(_Out):
    """How one platform is."""

    state: str
    well: bool
    since_ns: int
    reason: str = ""


class Health(_Out):
    """How the fleet is: the worst that is true of those that should run."""

    status: Literal["healthy", "changing", "degraded", "failed"] = Field(
        description="healthy: all that should run is ready, or a job that is done; changing: something is "
        "on its way; degraded: something runs, and not well; failed: a person must look."
    )
    fleet: str
    generation: int
    seq: int
    supervisor_since_ns: int
    platforms: dict[str, PlatformHealth]


class Edge(_Out):
    """One platform needs another."""

    source: str = Field(description="What is needed.")
    target: str = Field(description="Who needs it.")
    condition: str = Field(examples=["ready"])


class Graph(_Out):
    """What needs what. levels: the order of a start; those of one level may start together."""

    nodes: list[Platform]
    edges: list[Edge]
    levels: list[list[str]]


class Order(_Out):
    """Whom a command concerns, in the order in which it does; those of one group together."""

    order: list[list[str]] = Field(examples=[[["strategies"], ["feed"]]])


class Event(_Out):
    """One thing that happened."""

    seq: int
    ts: int = Field(description="ns since 1970, UTC.")
    kind: str = Field(examples=["state"])
    platform: str = ""
    text: str = ""
    data: dict[str, Any] = Field(default={}, examples=[{"old": "starting", "new": "ready"}])


class Events(_Out):
    """Events, oldest first. Ask again from `next`. Where `first` is above what was asked, some are gone."""

    first: int = Field(description="The oldest number that is kept.")
    next: int = Field(description="The number to ask from next.")
    events: list[Event]


class NewToken(_In):
    """A token to be made."""

    model_config = ConfigDict(
        extra="forbid",
        strict=True,
        json_schema_extra={"examples": [{"name": "dashboard", "role": "viewer", "days": 30}]},
    )

    name: Name
    role: Literal["viewer", "operator", "admin"]
    days: Annotated[float, Field(gt=0, le=366)] = 90


class Token(_Out):
    """A token, without what makes it one."""

    id: str
    name: str
    role: str
    made_ns: int
    expires_ns: int
    revoked_ns: int = Field(0, description="0: it is not.")


class MadeToken(Token):
    """A new token; its text is shown this once."""

    token: str = Field(examples=["flt_abcd1234_..."])


class Tokens(_Out):
    """All tokens."""

    tokens: list[Token]

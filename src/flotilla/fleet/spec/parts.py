"""The parts of a fleet's file, each with its bounds and its defaults.

`spec.py` reads them, `checks.py` looks at what they say of one another. Durations are seconds,
sizes are megabytes of 2**20 bytes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from flotilla.fleet.spec.preferences import Alerts

Seconds = Annotated[float, Meta(gt=0, le=864_000)]  # up to ten days
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
HEAD = "head"  # what the head's own certificate and key are called


Condition = Literal["started", "ready", "completed"]  # of what is needed


class Health(Struct, frozen=True, forbid_unknown_fields=True):
    """How it is known that a platform is well, once it is ready.

    heartbeat_s: it says WATCHDOG=1 at least that often; it is hung half a beat before the last
    of `misses` is due. probe: http://HOST:PORT/PATH, unix:PATH, tcp:HOST:PORT, or "control" for its
    own control endpoint, asked every health_check_interval.
    """

    heartbeat_s: Annotated[float, Meta(ge=0.01, le=86_400)] | None = None
    probe: str | None = None
    timeout: Seconds = 5.0  # of one probe
    misses: Annotated[int, Meta(ge=2, le=1000)] = 3  # in a row


class Backoff(Struct, frozen=True, forbid_unknown_fields=True):
    """How long it waits between restarts: up to `first`, doubling up to `most`, at random below it."""

    first: Seconds = 0.1
    most: Seconds = 30.0
    healthy_after: Seconds = 300.0  # a run ready for that long clears the budget


class DrainWay(Struct, frozen=True, forbid_unknown_fields=True):
    """How it is asked to settle: at its control endpoint, or by a signal; then it has `timeout`."""

    signal: Literal["USR1", "USR2", "HUP", "INT", "WINCH"] | None = None  # None: the endpoint
    timeout: Seconds = 30.0


class Resources(Struct, frozen=True, forbid_unknown_fields=True):
    """What it may use. None is no limit."""

    cpu_cores: Annotated[float, Meta(gt=0, le=4096)] | None = None
    memory_mb: Annotated[float, Meta(ge=1, le=2**30)] | None = None
    open_files: Annotated[int, Meta(ge=16, le=2**20)] | None = None
    processes: Count | None = None


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """Its log. level: given to it as FLOTILLA_LOG_LEVEL. keep: rotated pieces."""

    level: Level | None = None  # None: the fleet's
    rotate_mb: Annotated[float, Meta(ge=0.01, le=2**20)] = 10.0
    keep: Annotated[int, Meta(ge=0, le=10_000)] = 5


class Schedule(Struct, frozen=True, forbid_unknown_fields=True):
    """When it runs: from `start` to `stop`, on the days that an exchange trades."""

    calendar: str  # of exchange_calendars: XNYS
    start: str  # HH:MM
    stop: str
    zone: str | None = None  # None: the exchange's


class Platform(Struct, frozen=True, forbid_unknown_fields=True):
    """One command, and how it is looked after."""

    command: Annotated[tuple[str, ...], Meta(min_length=1)]
    folder: str | None = None
    env: dict[str, str] = {}
    needs: dict[str, Condition] = {}
    group: str | None = None
    kind: Literal["service", "job"] = "service"  # a job ends, with exit code 0
    ready: str = (
        "auto"  # notify | started | line:TEXT | tcp:HOST:PORT | http://URL; auto: notify, jobs started
    )
    health: Health | None = None
    health_check_interval: Seconds = 30.0
    startup_timeout: Seconds = 60.0
    max_restart_attempts: Annotated[int, Meta(ge=0, le=100_000)] = 3  # within restart_window
    restart_window: Seconds = 60.0
    backoff: Backoff = Backoff()
    probe_after: Seconds | None = None  # failed: tried once again after that long
    shutdown_timeout: Seconds = 10.0  # from SIGTERM to SIGKILL
    drain: DrainWay | None = None
    required_resources: Resources = Resources()
    holds_positions: bool = False  # never killed for memory before it was asked to settle
    log: Log = Log()
    schedule: Schedule | None = None
    on_need_lost: Literal["degrade", "stop"] = "degrade"  # when what it needs has failed
    control: str | None = None  # http://127.0.0.1:PORT or unix:PATH of a control endpoint of its own
    host: str | None = None  # None: this one

    @property
    def readiness(self) -> tuple[str, str]:
        """Return how it says that it is ready: notify | started | line | tcp | http, and what to look for."""
        if self.ready == "auto":
            return ("started" if self.kind == "job" else "notify"), ""
        kind, _, what = self.ready.partition(":")
        return ("http", self.ready) if kind == "http" else (kind, what)


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """What happens to the others when one dies: nothing, those that need it, or all, start again."""

    policy: Literal["one_for_one", "rest_for_one", "one_for_all"] = "one_for_one"


class Monitoring(Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept and told."""

    event_retention_days: Annotated[float, Meta(gt=0, le=36_500)] = 7.0
    log_level: Level = "INFO"
    sample_every: Annotated[float, Meta(ge=0.1, le=3600)] = 5.0  # resources of each platform
    alerts: Alerts | None = None


class Api(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the REST API listens: a unix socket in the run folder, or ADDRESS:PORT; not loopback: with TLS.

    certificate, key, ca: absolute paths of PEM files; with ca, who asks shows a certificate too.
    """

    listen: str = "unix"
    idle_stop: Seconds = 300.0  # nobody has asked for that long: its process ends
    certificate: str | None = None
    key: str | None = None
    ca: str | None = None
    names: tuple[str, ...] = ()  # host names that it is asked by, beside those of loopback


class Host(Struct, frozen=True, forbid_unknown_fields=True):
    """Another machine, with an agent. on_lost: what it means to those who need what runs there.

    keys: the folder of its certificates and keys, from the file's own: ca.pem, and head.pem and
    head.key at the head, NAME.pem and NAME.key on the host.
    """

    address: str  # IP:PORT that its agent listens at
    on_lost: Literal["hold", "degrade", "stop"] = "degrade"
    lost_after: Annotated[float, Meta(ge=0.2, le=86_400)] = 10.0
    keys: str = "keys"


class AuditSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """anchor: a file elsewhere that the head of the audit trail is written to as well."""

    anchor: str | None = None


class FleetSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    name: str
    platforms: dict[str, Platform]
    groups: dict[str, Group] = {}
    sequences: dict[str, tuple[tuple[str, ...], ...]] = {}  # custom start orders, stage by stage
    mode: Literal["adopt", "bound"] = "adopt"
    shutdown_timeout: Seconds = 180.0  # of the whole fleet: who is left then is killed
    monitoring: Monitoring = Monitoring()
    api: Api = Api()
    hosts: dict[str, Host] = {}
    audit: AuditSpec = AuditSpec()

    @property
    def needs(self) -> dict[str, tuple[str, ...]]:
        """Return the graph: what each platform needs."""
        return {name: tuple(platform.needs) for name, platform in self.platforms.items()}


class Overrides(Struct, frozen=True, forbid_unknown_fields=True):
    """What a command may set anew for a platform, from its next start on, within bounds.

    Never what is run, nor as whom, nor where.
    """

    startup_timeout: Annotated[float, Meta(gt=0, le=3600)] | None = None
    shutdown_timeout: Annotated[float, Meta(gt=0, le=3600)] | None = None
    max_restart_attempts: Annotated[int, Meta(ge=0, le=100)] | None = None
    health_check_interval: Annotated[float, Meta(ge=1, le=3600)] | None = None
    log_level: Level | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Return those that are set."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def on(self, platform: Platform) -> Platform:
        """Return the platform with them."""
        given = self.given
        if not given:
            return platform
        if "log_level" in given:
            given["log"] = replace(platform.log, level=given.pop("log_level"))
        return replace(platform, **given)

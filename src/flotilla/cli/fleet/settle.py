"""Wait until platforms are where they should be, and tell what happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing

from flotilla.cli import say
from flotilla.cli.fleet import show
from flotilla.cli.fleet.find import FoundFleet
from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import DataError, ProcessError, StreamError
from flotilla.fleet.control.client import NoSupervisor, NotHeard
from flotilla.fleet.control.status import FleetStatus, PlatformStatus, underway, well
from flotilla.fleet.history.events import Event, EventReader
from flotilla.fleet.spec import FleetSpec

LOOK_S = 0.1
GRACE_S = 3.0  # in which a supervisor that died is replaced
UNHEARD_S = 15.0  # in which one that is there, and does not listen, puts its socket back
TOLD = ("state", "alert", "killed", "failed", "exited", "spawn_failed", "log_not_rotated", "reloaded")


class News:
    """What happens to a fleet from now on; none while the events cannot be read: a command goes on."""

    def __init__(self, fleet: FoundFleet, from_seq: int | None = None) -> None:
        self._fleet, self._at = fleet, from_seq
        if from_seq is None:
            self._at = self._after_the_last()

    def read(self, most: int = 1000) -> list[Event]:
        """Return what happened since the last call."""
        if not self._fleet.folder.events.exists():
            return []
        try:
            with closing(EventReader(self._fleet.folder.events)) as reader:
                events = reader.read(self._at or 1, most)
        except (StreamError, DataError):  # it is being made just now, or is damaged
            return []
        if events:
            self._at = events[-1].seq + 1
        return events

    def tell(self) -> None:
        """Write to stderr what happened since the last call."""
        for event in self.read():
            if event.kind in TOLD:
                say.note(show.event_line(event))

    def _after_the_last(self) -> int:
        if not self._fleet.folder.events.exists():
            return 1
        try:
            with closing(EventReader(self._fleet.folder.events)) as reader:
                return reader.last_seq() + 1
        except (StreamError, DataError):
            return 1


def settled(
    fleet: FoundFleet,
    names: Iterable[str] | None,
    timeout_s: float,
    *,
    news: News | None = None,
    until: Callable[[PlatformStatus], bool] | None = None,
    alive: Callable[[], bool] | None = None,
    grace_s: float = GRACE_S,
) -> FleetStatus | None:
    """Return the fleet's state once `names` (None: all) are `until`; None when its supervisor has gone.

    until: by default, that their state will not change by itself. news: told meanwhile, if given. alive:
    whether there is hope for a supervisor that does not listen yet; by default for `grace_s`, if not 0 for
    longer where it is seen to be there. After `timeout_s` the state is returned as it is; ProcessError where
    the supervisor does not listen.
    """
    wanted = None if names is None else set(names)
    until = until or (lambda platform: not underway(platform))
    deadline_ns = monotonic_ns() + int(timeout_s * 1e9)
    client, gone_ns = fleet.client(), None
    while True:
        try:
            status, gone_ns = client.status(), None
        except NoSupervisor as error:
            status = None
            gone_ns = gone_ns or monotonic_ns()
            gone_s = (monotonic_ns() - gone_ns) / 1e9
            if isinstance(error, NotHeard) and grace_s and not alive:
                if gone_s > UNHEARD_S:
                    raise
            elif not (alive() if alive else gone_s < grace_s):
                return None
        if news:
            news.tell()
        late = monotonic_ns() > deadline_ns
        if status is not None:
            concerned = [p for p in status.platforms if wanted is None or p.name in wanted]
            if late or all(map(until, concerned)):
                return status
        if late:
            raise ProcessError(
                f"after {timeout_s:g} s the supervisor does not listen; it goes on by itself. "
                "Look: flotilla fleet status"
            )
        sleep(LOOK_S)


def not_up(status: FleetStatus, spec: FleetSpec) -> list[PlatformStatus]:
    """Return the platforms that should do their work and do not.

    Outside its hours one may be stopped, and those that need it wait for these.
    """
    rests = {p.name for p in status.platforms if p.state == "stopped" and _scheduled(spec, p.name)}
    return [
        platform
        for platform in status.platforms
        if not well(platform)
        and platform.name not in rests
        and not (platform.blocked_by and rests.issuperset(platform.blocked_by))
    ]


def _scheduled(spec: FleetSpec, name: str) -> bool:
    return name in spec.platforms and spec.platforms[name].schedule is not None

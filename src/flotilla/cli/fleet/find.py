"""Which fleet is meant, its files, and whoever supervises it.

Without a word the fleet is looked for from the present folder: its own `.flotilla/fleet/`, then those of the
folders in it, then those of the folders above. A process of a fleet finds its own ($FLOTILLA_FLEET).
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

from cyclopts import Parameter, validators

from flotilla import door
from flotilla.errors import ConfigError, FlotillaError, ProcessError, UnknownName
from flotilla.fleet.control.client import Client
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.history.events import EventReader
from flotilla.fleet.spec import FleetSpec, accepted

_RUNS = Path(".flotilla", "fleet")

Which = Annotated[
    str | None, Parameter(name="--fleet", help="Which fleet: its file, its name, or its run folder.")
]


def platforms_here(_context: object = None) -> list[str]:
    """Return the platforms of the fleet that is here: what the Tab key offers. None where there is none."""
    try:
        raw = door.read(find_fleet(None).folder.fleet_file)
    except FlotillaError:
        return []
    platforms = raw.get("platforms") if isinstance(raw, dict) else None
    return sorted(platforms) if isinstance(platforms, dict) else []


Names = Annotated[tuple[str, ...], Parameter(help="Platforms; none: all of them.", completer=platforms_here)]
Several = Annotated[tuple[str, ...], Parameter(help="Platforms, at least one.", completer=platforms_here)]
ReasonOption = Annotated[str, Parameter(help="The reason, for the audit.")]
FROM_NONE = validators.Number(gte=0)
Yes = Annotated[bool, Parameter(help="Do not ask.")]


class FoundFleet(NamedTuple):
    """A fleet that was started here at some time."""

    folder: Folder

    @property
    def name(self) -> str:
        """Return its name."""
        return self.folder.path.name

    @property
    def own_log(self) -> Path:
        """Return where its supervisor writes."""
        return self.folder.path / "supervisor.log"

    @property
    def origin(self) -> Path:
        """Return the file that it was started from; ConfigError if that was not written down."""
        try:
            return Path(self.folder.origin.read_text("utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{self.folder.path} does not say from which file it was started") from None

    def client(self, deadline_s: float = 10.0) -> Client:
        """Return what asks its supervisor."""
        return Client(self.folder.socket("control"), who(), deadline_s, self.folder.holder)

    def spec(self) -> FleetSpec:
        """Return the fleet as it was accepted; not the file that somebody may have edited since."""
        return accepted(self.folder.fleet_file)

    def events(self) -> EventReader:
        """Return what reads its events, with or without a supervisor."""
        if not self.folder.events.exists():
            raise ProcessError(f"{self.name} has no events: it was never up")
        return EventReader(self.folder.events)


def who() -> str:
    """Return how this user stands in the audit."""
    try:
        return f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:
        return f"cli:{os.getuid()}"


def find_fleet(which: str | None) -> FoundFleet:
    """Return the fleet that is meant; ConfigError says where was looked, and what there is."""
    if which:
        return _named(which)
    if own := os.environ.get("FLOTILLA_FLEET"):
        return FoundFleet(Folder(Path(own)))
    here = Path.cwd()
    for places in ([here], sorted(path for path in here.iterdir() if path.is_dir()), here.parents):
        if found := list(_runs_in(places)):
            return _one(found)
    raise ConfigError(
        f"no fleet was started in {here}, in a folder of it, or above it. "
        "Start one: flotilla fleet up FILE; or say which: --fleet FILE"
    )


def some(names: Sequence[str], known: Iterable[str]) -> tuple[str, ...]:
    """Return `names`, all that are known if there are none; UnknownName for one that is not."""
    known = tuple(known)
    for name in names:
        if name not in known:
            raise UnknownName("platform", name, known)
    return tuple(dict.fromkeys(names)) or known


def _named(which: str) -> FoundFleet:
    path = Path(which)
    if path.suffix in (".yaml", ".yml"):
        # Only its name is read: a file with a mistake in it must not hide the fleet that runs.
        raw = door.read(path)
        name = raw.get("name") if isinstance(raw, dict) else None
        if not isinstance(name, str):
            raise ConfigError(f"{path}: $.name: a fleet has a name")
        folder = run_folder_of(path, name)
        if not folder.is_dir():
            raise ConfigError(f"{name} was never up. Start it: flotilla fleet up {path}")
        return FoundFleet(Folder(folder))
    if (path / "fleet.yaml").is_file() and path.parent.name == _RUNS.name:
        return FoundFleet(Folder(path))
    here = Path.cwd()
    places = [here, *sorted(each for each in here.iterdir() if each.is_dir()), *here.parents]
    found = list(_runs_in(places))
    if match := [fleet for fleet in found if fleet.name == which]:
        return _one(match)
    raise UnknownName("fleet that was started here", which, [fleet.name for fleet in found])


def _runs_in(places: Iterable[Path]) -> Iterator[FoundFleet]:
    for folder in places:
        runs = folder / _RUNS
        try:
            found = sorted(runs.glob("*/fleet.yaml"))
        except OSError:  # somebody else's folder
            continue
        yield from (FoundFleet(Folder(path.parent)) for path in found)


def _one(found: list[FoundFleet]) -> FoundFleet:
    if len(found) > 1:
        running = [fleet for fleet in found if fleet.folder.holder() is not None]
        if len(running) != 1:
            listed = ", ".join(fleet.name for fleet in running or found)
            raise ConfigError(f"there are several fleets here: {listed}. Say which: --fleet NAME")
        found = running
    return found[0]

"""What a host is charged with: what its own copy of the fleet's file says, and what orders set anew.

An order to start says in short (`wire.digest`) what the head's file says of its platform. Where this host's
says something else, it is read again, and if it still does, nothing starts (`accept`). What a command to the
head may set anew, and an agent goes by, comes with the order (`on`).
"""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from flotilla.errors import ConfigError
from flotilla.fleet import spec
from flotilla.fleet.folder import Folder
from flotilla.fleet.hosts.wire import Do, digest
from flotilla.stream.files import write_whole


class Charges:
    """The charges of the agent of `host`, whose run folder is `folder`."""

    def __init__(self, folder: Folder, host: str) -> None:
        self._folder, self._host = folder, host
        self._origin = Path(folder.origin.read_text().strip())
        self.fleet = spec.accepted(folder.fleet_file)
        self._orders: dict[str, Do] = {}  # by platform: the latest to start it

    def accept(self, do: Do) -> None:
        """Take an order to start. ConfigError where this host's file does not say what the head's says."""
        if not self._agreed(self.fleet, do):
            new = spec.read_fleet(self._origin)
            if not self._agreed(new, do):
                raise ConfigError(
                    f"{self._origin} on host {self._host} says something else of it than the head's"
                )
            self.fleet = new
            write_whole(self._folder.fleet_file, spec.fleet_to_yaml(new).encode())
        self._orders[do.name] = do

    def platform(self, name: str) -> spec.Platform:
        """Return a platform as it is to be run here: with its folder counted from this host's file."""
        platform = self.fleet.platforms[name]
        folder = str(self._origin.parent / (platform.folder or "."))
        here = replace(platform, host=None, folder=folder)
        return on(here, self._orders[name]) if name in self._orders else here

    def _agreed(self, fleet: spec.FleetSpec, do: Do) -> bool:
        platform = fleet.platforms.get(do.name)
        return platform is not None and platform.host == self._host and digest(platform) == do.digest


def on(platform: spec.Platform, do: Do) -> spec.Platform:
    """Return the platform with what an order says of it."""
    level = do.log_level or platform.log.level
    every = do.health_check_interval or platform.health_check_interval
    return replace(platform, log=replace(platform.log, level=level), health_check_interval=every)

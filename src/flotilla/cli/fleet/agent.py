"""`flotilla fleet agent`: write down what was accepted, and become the guard of this host's agent."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet.find import FoundFleet
from flotilla.cli.fleet.up import Guard
from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ProcessError, UnknownName
from flotilla.fleet.control.client import NoSupervisor
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.hosts import credentials
from flotilla.fleet.hosts.agent import HOST
from flotilla.fleet.spec import FleetSpec, fleet_to_yaml, read_fleet
from flotilla.fleet.system.logs import end_of
from flotilla.fleet.system.python import guard_command
from flotilla.stream.files import write_whole

_LOOK_S = 0.05


def agent(
    config: Annotated[Path, Parameter(help="The fleet's file, the same as at the head.")] = Path(
        "fleet.yaml"
    ),
    /,
    *,
    host: Annotated[str, Parameter(help="Which of its hosts this is.")],
    detach: Annotated[bool, Parameter(help="Go to the background; return once it listens.")] = False,
    timeout: Annotated[float, Parameter(help="How long --detach waits, seconds; else 30.")] = 30.0,
    json: Json = False,
) -> int:
    """Run what a fleet's file places on this host, for its head elsewhere."""
    spec = read_fleet(config)
    fleet = placed(config, spec, host)
    with fleet.folder.coming_up():
        prepare(fleet, config, spec, host)
        argv = guard_command(str(fleet.folder.path), spec.mode, "flotilla.fleet.hosts.agent")
        if not detach:
            say.note(
                f"the agent of {host} listens at {spec.hosts[host].address}; Ctrl-C stops what runs here"
            )
            os.execv(argv[0], argv)  # noqa: S606 no shell is wanted
        _await(fleet, Guard(argv, fleet.own_log), host, timeout)
    if json:
        say.show_json({"ok": True, "fleet": fleet.name, "address": spec.hosts[host].address})
    else:
        say.note(f"the agent of {host} listens at {spec.hosts[host].address}")
        say.note(f"how it is: flotilla fleet status --fleet {fleet.name}")
    return 0


def placed(config: Path, spec: FleetSpec, host: str) -> FoundFleet:
    """Return the agent's own run folder. ConfigError where the host is unknown, or its keys are not there."""
    if host not in spec.hosts:
        raise UnknownName("host of the fleet", host, spec.hosts)
    credentials.agent(Path(spec.hosts[host].keys), host)
    return FoundFleet(Folder(run_folder_of(config, f"{spec.name}@{host}")).make())


def prepare(fleet: FoundFleet, config: Path, spec: FleetSpec, host: str) -> None:
    """Write down the file, its origin and the host; ProcessError where an agent runs."""
    if (holder := fleet.folder.holder()) is not None:
        raise ProcessError(f"the agent of {host} is up already, as process {holder}")
    write_whole(fleet.folder.fleet_file, fleet_to_yaml(spec).encode())
    write_whole(fleet.folder.origin, str(config.resolve()).encode())
    write_whole(fleet.folder.path / HOST, host.encode())


def _await(fleet: FoundFleet, process: Guard, host: str, timeout_s: float) -> None:
    """Return once the agent listens; ProcessError with its last words if it does not."""
    deadline_ns = monotonic_ns() + int(timeout_s * 1e9)
    while not _answers(fleet):
        if not process.alive() or monotonic_ns() >= deadline_ns:
            said = end_of(fleet.own_log)
            raise ProcessError(f"the agent of {host} did not come up; {said}")
        sleep(_LOOK_S)


def _answers(fleet: FoundFleet) -> bool:
    try:
        fleet.client(deadline_s=1.0).status()
    except NoSupervisor:
        return False
    return True

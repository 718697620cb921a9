"""`flotilla fleet status`: how each platform is, now or as it was last known."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.find import FoundFleet, Which, find_fleet
from flotilla.clock import sleep
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet import adopt
from flotilla.fleet.control.client import NoSupervisor, NotHeard
from flotilla.fleet.control.status import FleetStatus, PlatformStatus
from flotilla.fleet.folder import FleetState

_SELDOM_S = 3600.0  # between looks
_SICK = ("failed", "degraded")


def status(
    *,
    watch: Annotated[bool, Parameter(help="Keep it on the screen, up to date, until Ctrl-C.")] = False,
    every: Annotated[float, Parameter(help="Seconds between looks of --watch; else 1.")] = 1.0,
    fleet: Which = None,
    json: Json = False,
) -> int:
    """Show each platform: its state, since when, and why."""
    if not 0 < every <= _SELDOM_S:
        raise ConfigError(f"--every: seconds, up to {_SELDOM_S:g}, not {every:g}")
    if watch and json:
        raise ConfigError("--watch is for people; for programs: flotilla fleet events -f --json")
    found = find_fleet(fleet)
    if watch:
        _watch(found, max(every, 0.1))
        return 0
    try:
        now = found.client().status()
    except NotHeard as error:
        return _unheard(found, error, json)
    except NoSupervisor:
        return _left_behind(found, json)
    if json:
        say.show_json(now)
    else:
        say.show(show.headline(now), show.listing(now))
    return 1 if any(platform.state in _SICK for platform in now.platforms) else 0


def last_known(found: FoundFleet) -> FleetStatus:
    """Return what the last supervisor kept; a pid of what is seen to run, and of nothing else."""
    kept = found.folder.state()
    runs = _running(found, kept)
    platforms = tuple(
        PlatformStatus(
            name,
            known.state.lower(),
            pid=runs.get(name),
            restarts=known.restarts,
            reason="its process is gone" if known.pid and name not in runs else "",
        )
        for name, known in kept.platforms.items()
    )
    return FleetStatus(found.name, kept.generation, "", 0, platforms)


def _unheard(found: FoundFleet, error: NotHeard, json: bool) -> int:
    known = last_known(found)
    if json:
        say.show_json({"supervised": True, "supervisor": error.holder, "answers": False, "last_known": known})
        return 1
    say.show(say.warning(f"{found.name} does not answer: {error}"))
    say.show(show.listing(known))
    return 1


def _left_behind(found: FoundFleet, json: bool) -> int:
    known = last_known(found)
    running = [platform for platform in known.platforms if platform.pid]
    if json:
        say.show_json({"supervised": False, "last_known": known})
        return 1
    say.show(say.warning(f"{found.name} has no supervisor: it is down" + (", but:" if running else "")))
    if running:
        say.show(show.listing(known))
        say.note(f"{len(running)} still run; this takes them over: flotilla fleet up {_file(found)}")
    else:
        say.note(f"start it: flotilla fleet up {_file(found)}")
    return 1


def _file(found: FoundFleet) -> str:
    origin = found.origin
    here = Path.cwd()
    return str(origin.relative_to(here) if origin.is_relative_to(here) else origin)


def _running(found: FoundFleet, kept: FleetState) -> dict[str, int]:
    """Return which process the next supervisor would adopt of each platform."""
    seen = adopt.adopt(found.folder, kept, tuple(kept.platforms))
    for child in (*seen.children.values(), *seen.former.values()):
        os.close(child.pidfd)
    return {name: child.pid for name, child in seen.children.items()}


def _watch(found: FoundFleet, every_s: float) -> None:
    console = say.screen()
    if console.is_terminal and not console.is_dumb_terminal:
        with Live(console=console, auto_refresh=False) as live:
            for now in _looks(found, every_s):
                live.update(_shown(now), refresh=True)
        return
    before: object = None
    for now in _looks(found, every_s):  # a file, a pipe: each table is kept, so not one for every second
        if (known := _of_note(now)) != before:
            before = known
            console.print(_shown(now))
            sys.stdout.flush()


def _looks(found: FoundFleet, every_s: float) -> Iterator[FleetStatus | ProcessError]:
    """Yield how the fleet is, or why that cannot be said, for ever."""
    client = found.client(deadline_s=5.0)
    while True:
        try:
            yield client.status()
        except ProcessError as error:
            yield error
        sleep(every_s)


def _shown(now: FleetStatus | ProcessError) -> RenderableType:
    if isinstance(now, ProcessError):
        return Text(str(now), style="red")
    return Group(show.headline(now), show.listing(now))


def _of_note(now: FleetStatus | ProcessError) -> object:
    """Return what of a look is worth another table: no figure that changes all the time."""
    if isinstance(now, ProcessError):
        return str(now)
    platforms = [(p.name, p.host, p.state, p.pid, p.restarts, p.reason) for p in now.platforms]
    return platforms, [(host.name, host.sight, host.why) for host in now.hosts]

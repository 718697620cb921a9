"""`flotilla fleet logs`: what platforms wrote, from the files themselves."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import Parameter
from rich.text import Text

from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.find import FROM_NONE, FoundFleet, Names, Which, find_fleet, some
from flotilla.clock import sleep
from flotilla.fleet.system.logs import Follower, LogFile

OWN = "supervisor"
_LOOK_S = 0.1


def logs(
    names: Names = (),
    /,
    *,
    lines: Annotated[
        int,
        Parameter(name=("--lines", "-n"), validator=FROM_NONE, help="How many of the last lines; else 20."),
    ] = 20,
    follow: Annotated[bool, Parameter(name=("--follow", "-f"), help="Go on with what comes.")] = False,
    fleet: Which = None,
    json: Json = False,
) -> None:
    """Show what platforms wrote, over rotations; with --json, a line of JSON for each of theirs."""
    found = find_fleet(fleet)
    paths = paths_of(found)
    chosen = {name: paths[name] for name in some(names, paths)} if names else _without_own(paths)
    at, colours, widest = {}, show.colours_of(list(paths)), max(map(len, chosen), default=0)

    def tell(name: str, line: str) -> None:
        if json:
            sys.stdout.write(msgspec.json.encode({"platform": name, "line": line}).decode() + "\n")
        elif len(chosen) == 1:
            say.show(Text(line))
        else:
            say.show(Text.assemble(show.tag(name, widest, colours), line))

    for name, path in chosen.items():
        at[name], last, rest = LogFile(path).last(lines)
        for line in [*last, rest] if rest and not follow else last:
            tell(name, line)
    follower = Follower(chosen, at)
    while follow:
        for name, line in follower.lines():
            tell(name, line)
        sys.stdout.flush()
        sleep(_LOOK_S)


def paths_of(found: FoundFleet) -> dict[str, Path]:
    """Return the log of each platform, of those too that are no more, and the supervisor's own."""
    paths = {OWN: found.own_log}
    paths |= {name: found.folder.log(name) for name in found.spec().platforms}
    return paths | {path.stem: path for path in sorted(found.folder.logs.glob("*.log"))}


def _without_own(paths: Mapping[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in paths.items() if name != OWN or path.parent.name == "logs"}

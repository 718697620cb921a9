"""`flotilla fleet graph`: what needs what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from flotilla.cli import say
from flotilla.cli.arguments import Json
from flotilla.cli.fleet import show
from flotilla.cli.fleet.find import Which, find_fleet
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.spec import FleetSpec, read_fleet
from flotilla.fleet.spec import graph as drawing


def graph(
    config: Annotated[Path | None, Parameter(help="A fleet file; by default the fleet that is here.")] = None,
    /,
    *,
    levels: Annotated[
        bool, Parameter(help="In the order of a start, a line for what starts together.")
    ] = False,
    dot: Annotated[bool, Parameter(help="For Graphviz.")] = False,
    mermaid: Annotated[bool, Parameter(help="For Mermaid, as in Markdown.")] = False,
    fleet: Which = None,
    json: Json = False,
) -> None:
    """Draw what needs what: each platform below what it needs; with the states, if it runs."""
    if levels + dot + mermaid > 1:
        raise ConfigError("--levels, --dot and --mermaid: one of them")
    spec, states = (read_fleet(config), {}) if config else _here(fleet)
    order = drawing.levels(spec.needs)
    if json:
        needs = {name: dict(platform.needs) for name, platform in spec.platforms.items()}
        say.show_json({"needs": needs, "levels": order, "states": states})
    elif dot:
        print(drawing.as_dot(spec.needs, states))
    elif mermaid:
        print(as_mermaid(spec))
    elif levels:
        for n, level in enumerate(order, 1):
            line = Text.assemble((f"{n:>2}  ", "dim"))
            say.show(line.append(Text(", ").join(_name(name, states) for name in level)))
    else:
        print(drawing.as_text(spec.needs, states))


def as_mermaid(spec: FleetSpec) -> str:
    """Return the graph in the language of Mermaid; an arrow that is not for *ready* says its condition."""
    lines = ["graph LR"]
    for name, platform in spec.platforms.items():
        shape = f'(["{name}"])' if platform.kind == "job" else f'["{name}"]'
        lines.append(f"    {name}{shape}")
    for name, platform in spec.platforms.items():
        for need, condition in platform.needs.items():
            words = "" if condition == "ready" else f"|{condition}|"
            lines.append(f"    {need} -->{words} {name}")
    return "\n".join(lines)


def _here(which: str | None) -> tuple[FleetSpec, dict[str, str]]:
    found = find_fleet(which)
    try:
        return found.spec(), {platform.name: platform.state for platform in found.client().status().platforms}
    except ProcessError:  # it is down: the graph is still there
        return found.spec(), {}


def _name(name: str, states: dict[str, str]) -> Text:
    return Text(name, style=show.STYLES.get(states.get(name, ""), ""))

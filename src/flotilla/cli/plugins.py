"""`flotilla plugins`: what a configuration can name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from flotilla.cli import say
from flotilla.plugins import GROUPS, Plugin, known
from flotilla.plugins import Parameter as Takes


def plugins(kind: str | None = None, /, *, json: bool = False) -> None:
    """List strategies, sources, gateways, features and risk models, and what they take.

    Your own need no list: write "my_file:MyStrategy" in the YAML.
    """
    found = [plugin for group in ([kind] if kind else GROUPS) for plugin in known(group).values()]
    if json:
        say.show_json([as_dict(plugin) for plugin in found])
        return
    say.show(listing(found))


def listing(found: Sequence[Plugin]) -> Table:
    """Return plugins as a table; one that cannot be loaded says why."""
    made = say.table("kind", "name", "takes", "what it is")
    for plugin in found:
        words = Text(plugin.error, style="red") if plugin.error else Text(plugin.doc)
        takes = ", ".join(_spelled(parameter) for parameter in plugin.parameters.values())
        made.add_row(plugin.kind, Text(plugin.name, style="bold"), takes, words)
    return made


def as_dict(plugin: Plugin) -> dict[str, Any]:
    """Return what there is to say of a plugin as plain values."""
    parameters = [
        {"name": p.name, "type": _type(p), "required": p.required, "default": _plain(p.default)}
        for p in plugin.parameters.values()
    ]
    return {
        "kind": plugin.kind,
        "name": plugin.name,
        "path": plugin.path,
        "doc": plugin.doc,
        "parameters": parameters,
        "error": plugin.error or None,
    }


def _spelled(parameter: Takes) -> str:
    return parameter.name if parameter.required else f"{parameter.name}={parameter.default!r}"


def _type(parameter: Takes) -> str:
    annotation = parameter.annotation
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, bool | int | float | str) else repr(value)

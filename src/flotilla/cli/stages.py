"""`flotilla stages`: what is stored, by its identity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from flotilla.cli import say
from flotilla.stream.table import Store, Stored

_WORD = 30  # letters of one part of a recipe that a list shows
_IDENTITY = re.compile(r"[0-9a-f]{32}")


def stages(*, json: bool = False) -> None:
    """List what is stored: identity, kind, rows, size, when it was made, and of what.

    A table is what its identity says, so removing one costs only the time to compute it again.
    """
    store = Store()
    found = store.list()
    if json:
        say.show_json(found)
        return
    if found:
        say.show(listing(found))
    say.note(f"{len(found):,} in {store.folder}, {say.size(sum(stored.bytes for stored in found))}")


def rm(prefix: str, /, *, json: bool = False) -> None:
    """Remove one table."""
    gone = Store().remove(prefix)
    if json:
        say.show_json(gone)
    else:
        say.show(f"removed {gone.identity}: {gone.kind}, {say.size(gone.bytes)}")


def verify(prefix: str = "", /, *, json: bool = False) -> None:
    """Read every byte and compare it with its checksum. Without a prefix: of all there is."""
    sound = Store().verify(prefix)
    if json:
        say.show_json(sound)
    else:
        say.show(f"{len(sound):,} as they were written, {say.size(sum(stored.bytes for stored in sound))}")


def listing(found: Sequence[Stored]) -> Table:
    """Return what is stored as a table, oldest first."""
    made = say.table("identity", "kind", ">rows", ">size", "created, UTC", "recipe")
    for stored in found:
        made.add_row(
            stored.identity[:12],
            stored.kind,
            f"{stored.rows:,}",
            say.size(stored.bytes),
            say.utc(stored.created_ns),
            ", ".join(f"{key} {_short(value)}" for key, value in stored.recipe.items() if key != "kind"),
        )
    return made


def _short(value: Any) -> str:
    """Return a part of a recipe in a few letters: its name if it has one; --json has it whole."""
    text = str(value.get("name", "{…}") if isinstance(value, dict) else value)
    return text[:12] if _IDENTITY.fullmatch(text) else text if len(text) <= _WORD else text[: _WORD - 1] + "…"

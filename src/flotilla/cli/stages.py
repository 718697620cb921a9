"""`flotilla stages`: what is stored, by its identity."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from flotilla.cli import say
from flotilla.errors import ConfigError
from flotilla.research.checkpoint import Unfinished, unfinished
from flotilla.stream.table import Store, Stored

UNFINISHED = "unfinished sweep"
_WORD = 30  # letters of one part of a recipe that a list shows
_IDENTITY = re.compile(r"[0-9a-f]{32}")


def stages(*, json: bool = False) -> None:
    """List what is stored: identity, kind, rows, size, when it was made, and of what.

    A table is what its identity says, so removing one costs only the time to compute it again. What a stopped
    sweep has left, to go on from, is listed too.
    """
    store = Store()
    left = unfinished(store)
    found = [*store.list(), *map(_as_stored, left)]
    if json:
        say.show_json(found)
        return
    if found:
        say.show(listing(found))
    if any(each.abandoned for each in left):
        said = say.command("stages", "rm", "--abandoned")
        say.note(f"sweeps that were stopped go on when they are called again; {said} forgets the old ones")
    say.note(f"{len(found):,} in {store.folder}, {say.size(sum(stored.bytes for stored in found))}")


def rm(prefix: str = "", /, *, abandoned: bool = False, json: bool = False) -> None:
    """Remove one table, or what a stopped sweep left; or all that is abandoned."""
    if bool(prefix) == abandoned:
        raise ConfigError("name one by the beginning of its identity, or say --abandoned")
    gone = _abandoned() if abandoned else [_removed(prefix)]
    if json:
        say.show_json(gone if abandoned else gone[0])
        return
    for stored in gone:
        say.show(f"removed {stored.identity}: {stored.kind}, {say.size(stored.bytes)}")
    if not gone:
        say.note("nothing is abandoned")


def _removed(prefix: str) -> Stored:
    """Remove one table, or else one unfinished sweep, by the beginning of its identity."""
    store = Store()
    left = [each for each in unfinished(store) if each.identity.startswith(prefix)]
    if len(left) == 1 and not any(stored.identity.startswith(prefix) for stored in store.list()):
        left[0].forget()
        return _as_stored(left[0])
    return store.remove(prefix)


def _abandoned() -> list[Stored]:
    """Remove what stopped sweeps have left that have not gone on for long; return what it was."""
    left = [each for each in unfinished(Store()) if each.abandoned]
    for each in left:
        each.forget()
    return [_as_stored(each) for each in left]


def _as_stored(left: Unfinished) -> Stored:
    return Stored(left.identity, UNFINISHED, 0, left.bytes, left.written_ns, {})


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

"""What a command would do, before it is done: values to show, and nothing that acts.

`reload_plan` compares two fleets: what is new, what is gone, what changed and by which keys. A platform that
did not change keeps running. One that changed is started again only if a process cannot be told otherwise
(`_BORN_WITH`): a new restart budget, or another probe, is the supervisor's own affair.

What a start, a stop or a restart would do depends on how the platforms are: fleet_state.py says it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from flotilla.fleet.spec import FleetSpec, Platform

# What a process is given when it is started, and keeps.
_BORN_WITH = (
    "command",
    "folder",
    "env",
    "kind",
    "required_resources",
    "host",
    "health.heartbeat_s",
    "log.level",
)

# What a supervisor is begun with, and keeps.
_BEGUN_WITH = ("mode", "api", "hosts")

StartOrder = tuple[tuple[str, ...], ...]


class ReloadPlan(Struct, frozen=True):
    """What a reload would do."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: dict[str, tuple[str, ...]] = {}  # name: the keys that are other than before
    restarts: tuple[str, ...] = ()  # of those that changed, the ones that must be started again
    unchanged: tuple[str, ...] = ()
    fleet: tuple[str, ...] = ()  # keys of the file that belong to no platform
    refused: tuple[str, ...] = ()  # of these, the ones that no reload takes up

    @property
    def empty(self) -> bool:
        """Return whether there is nothing to do."""
        return not (self.added or self.removed or self.changed or self.fleet)


def reload_plan(old: FleetSpec, new: FleetSpec) -> ReloadPlan:
    """Return what makes the fleet `old` the fleet `new`."""
    both = [name for name in new.platforms if name in old.platforms]
    changed = {
        name: keys
        for name in both
        if (keys := _differing(_plain(old.platforms[name]), _plain(new.platforms[name])))
    }
    before, after = (_plain(msgspec.structs.replace(spec, platforms={})) for spec in (old, new))
    fleet = _differing(before, after)
    return ReloadPlan(
        added=tuple(name for name in new.platforms if name not in old.platforms),
        removed=tuple(name for name in old.platforms if name not in new.platforms),
        changed=changed,
        restarts=tuple(name for name, keys in changed.items() if any(map(_born_with, keys))),
        unchanged=tuple(name for name in both if name not in changed),
        fleet=fleet,
        refused=tuple(key for key in fleet if key.partition(".")[0] in _BEGUN_WITH),
    )


def refusal(plan: ReloadPlan) -> str:
    """Return why a reload is refused, and what to do instead; nothing if it is not."""
    if not plan.refused:
        return ""
    keys = ", ".join(plan.refused)
    return f"{keys}: taken up by `flotilla fleet down`, then `flotilla fleet up FILE`, not by a reload"


def birth(platform: Platform) -> str:
    """Return a short name of what a process of `platform` is given when it starts, and keeps.

    Without the level of its log: a command may have set that anew, and the file does not know.
    """
    plain = _leaves(_plain(platform))
    born = {key: value for key, value in plain.items() if _born_with(key) and value is not None}
    given = {key: value for key, value in born.items() if key != "log.level"}
    return blake2b(msgspec.json.encode(given, order="deterministic"), digest_size=8).hexdigest()


def others(order: StartOrder, names: Iterable[str]) -> tuple[str, ...]:
    """Return those of an order that nobody named."""
    named = set(names)
    return tuple(name for level in order for name in level if name not in named)


def _plain(part: Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(part)
    return plain


def _differing(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> tuple[str, ...]:
    """Return the paths of what differs, as deep as both sides are mappings."""
    found: list[str] = []
    for key in dict.fromkeys([*old, *new]):
        before, after = old.get(key), new.get(key)
        if isinstance(before, dict | None) and isinstance(after, dict | None) and (before or after):
            found += _differing(before or {}, after or {}, f"{path}{key}.")
        elif before != after:
            found.append(f"{path}{key}")
    return tuple(found)


def _leaves(plain: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in plain.items():
        found |= _leaves(value, f"{path}{key}.") if isinstance(value, dict) else {f"{path}{key}": value}
    return found


def _born_with(key: str) -> bool:
    return any(key == born or key.startswith(f"{born}.") for born in _BORN_WITH)

"""A fleet's file: what runs, what it needs, and what to do when it fails, as frozen typed values.

1. `read_fleet` reads the file by the strict door (`flotilla.door`); folders count from the file's own.
2. `decode_fleet` writes `needs: [a, b]` as conditions (ready; of a job, completed), decodes each part
   (`parts.py`), and collects every mistake with its path.
3. What the parts say of one another is checked (`checks.py`, `graph.py`).

Nothing is started before all of it holds. What holds is kept in the run folder, where `accepted` reads it
again. A folder that has gone since is no mistake there: its platform cannot be started, and the others go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import msgspec

from flotilla import door
from flotilla.door import Door, raise_if_any, wrong_values
from flotilla.fleet.spec import graph
from flotilla.fleet.spec.checks import wrong
from flotilla.fleet.spec.parts import (
    AuditSpec,
    Condition,
    FleetSpec,
    Overrides,
)


def read_fleet(path: str | Path) -> FleetSpec:
    """Return the fleet in a file; ConfigError tells every mistake, with its path."""
    path = Path(path)
    return decode_fleet(door.read(path), str(path), path.parent)


def accepted(path: Path) -> FleetSpec:
    """Return the fleet in a file that was accepted before, whether its folders are still there or not."""
    return decode_fleet(door.read(path), str(path), path.parent, look=False)


def decode_fleet(
    raw: Any, file: str = "fleet", folder: Path | None = None, *, look: bool = True
) -> FleetSpec:
    """Return plain values as a fleet.

    folder: what relative folders are counted from, if they are. look: and those that are not there are told.
    """
    numbers, reader = wrong_values(raw, file), Door()
    plain, doubled = _with_conditions(raw)
    spec = reader.struct(FleetSpec, plain, "$")
    mistakes = [*doubled, *reader.mistakes, *numbers]
    if spec is None:
        # Mistakes of the graph are told together with the others, as far as there is a graph.
        mistakes += _wrong_needs(plain)
    else:
        mistakes += wrong(spec)
        spec = _levelled(spec)
        if folder is not None:
            spec = _placed(spec, folder.resolve())
            mistakes += _missing(spec) if look else ()
    raise_if_any(mistakes, file)
    return cast(FleetSpec, spec)  # without a mistake it was decoded


def overrides(raw: Mapping[str, Any]) -> Overrides:
    """Return the overrides of a command; ConfigError for a name or a value that is not one."""
    reader = Door()
    given = reader.struct(Overrides, dict(raw), "$.overrides")
    raise_if_any(reader.mistakes, "overrides")
    return cast(Overrides, given)  # without a mistake it was decoded


def fleet_as_dict(spec: FleetSpec) -> dict[str, Any]:
    """Return a fleet as plain values, every default written out."""
    raw: dict[str, Any] = msgspec.to_builtins(spec)
    return raw


def fleet_to_yaml(spec: FleetSpec) -> str:
    """Return a fleet as a file that `read_fleet` reads back to an equal one."""
    return door.to_yaml(fleet_as_dict(spec))


def _with_conditions(raw: Any) -> tuple[Any, list[str]]:
    """Return the plain values with each list of needs as conditions, and who is named twice."""
    platforms = raw.get("platforms") if isinstance(raw, dict) else None
    if not isinstance(platforms, dict):
        return raw, []
    mistakes, written = [], {}
    for name, platform in platforms.items():
        needs = platform.get("needs") if isinstance(platform, dict) else None
        if isinstance(needs, list | tuple) and all(isinstance(need, str) for need in needs):
            twice = dict.fromkeys(need for need in needs if list(needs).count(need) > 1)
            mistakes += [f"$.platforms.{name}.needs: {need!r} comes twice" for need in twice]
            written[name] = platform | {"needs": {need: _plainly(platforms.get(need)) for need in needs}}
        else:
            written[name] = platform
    return raw | {"platforms": written}, mistakes


def _plainly(platform: Any) -> Condition:
    """Return what a plain list of needs asks of a platform: that it is ready; of a job, that it is done."""
    return "completed" if isinstance(platform, dict) and platform.get("kind") == "job" else "ready"


def _levelled(spec: FleetSpec) -> FleetSpec:
    """Return the fleet with the level of each log: where a platform's part says none, the fleet's."""
    replace = msgspec.structs.replace
    platforms = {
        name: platform
        if platform.log.level
        else replace(platform, log=replace(platform.log, level=spec.monitoring.log_level))
        for name, platform in spec.platforms.items()
    }
    return replace(spec, platforms=platforms)


def _placed(spec: FleetSpec, base: Path) -> FleetSpec:
    """Return the fleet with whole paths."""
    platforms = {
        name: msgspec.structs.replace(platform, folder=str(base / (platform.folder or ".")))
        if platform.host is None
        else platform  # its agent counts from its own file
        for name, platform in spec.platforms.items()
    }
    anchor = spec.audit.anchor
    audit = spec.audit if anchor is None else AuditSpec(str(base / anchor))
    hosts = {
        name: msgspec.structs.replace(host, keys=str(base / host.keys)) for name, host in spec.hosts.items()
    }
    return msgspec.structs.replace(spec, platforms=platforms, audit=audit, hosts=hosts)


def _missing(spec: FleetSpec) -> Iterator[str]:
    for name, platform in spec.platforms.items():
        if platform.host is None and not Path(platform.folder or ".").is_dir():
            yield f"$.platforms.{name}.folder: {platform.folder} is no folder"


def _wrong_needs(raw: Any) -> list[str]:
    platforms = raw.get("platforms") if isinstance(raw, dict) else None
    if not isinstance(platforms, dict):
        return []
    needs = {name: p.get("needs") if isinstance(p, dict) else None for name, p in platforms.items()}
    known = {str(name): list(there) if isinstance(there, dict) else [] for name, there in needs.items()}
    return graph.check({name: [str(need) for need in there] for name, there in known.items()})

"""What an agent answers to whoever asks on its own host: how it is there. The head answers all else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from flotilla.errors import ConfigError
from flotilla.fleet.control import answers
from flotilla.fleet.control.status import Request
from flotilla.fleet.history.records import Records
from flotilla.fleet.rules.fleet_state import Fleet
from flotilla.fleet.system.resources import Sample


def answer(
    request: Request, host: str, fleet: Fleet, samples: Mapping[str, Sample], records: Records, since_ns: int
) -> Any:
    """Return how the part of a fleet on `host` is. since_ns: when its agent began, ns UTC."""
    match request.command:
        case "status":
            found = answers.status(fleet, samples, seq=records.last_seq, since_ns=since_ns)
            return replace(found, name=f"{fleet.spec.name}@{host}")
        case "events":
            return records.read(request.from_, request.limit)
        case "plan" if request.data.get("of") == "down":
            return {"order": answers.order(fleet, "down", ())}
        case "down":
            return {"seq": records.last_seq, "names": [], "order": ()}
    raise ConfigError(f"this is the agent of host {host}: ask the head to {request.command}")

"""What a fleet's file says, as frozen typed values, and whether it can be so."""

from flotilla.fleet.spec.fleet_file import accepted, as_dict, decode, overrides, read, to_yaml
from flotilla.fleet.spec.parts import (
    HEAD,
    Api,
    AuditSpec,
    Backoff,
    Condition,
    Drain,
    FleetSpec,
    Group,
    Health,
    Host,
    Log,
    Monitoring,
    Overrides,
    Platform,
    Resources,
    Schedule,
)
from flotilla.fleet.spec.preferences import Alerts

__all__ = [
    "HEAD",
    "Alerts",
    "Api",
    "AuditSpec",
    "Backoff",
    "Condition",
    "Drain",
    "FleetSpec",
    "Group",
    "Health",
    "Host",
    "Log",
    "Monitoring",
    "Overrides",
    "Platform",
    "Resources",
    "Schedule",
    "accepted",
    "as_dict",
    "decode",
    "overrides",
    "read",
    "to_yaml",
]

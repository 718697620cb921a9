"""Who is told what, and when: the part `monitoring.alerts` of a fleet file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

# Where an address is kept, never the address: that is a secret, and this is printed.
_TARGET = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
Time = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]  # of the day, hh:mm
Severity = Literal["info", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "critical")  # the worst comes last


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One list of people, and how long the list before it had to acknowledge."""

    to: Annotated[tuple[str, ...], Meta(min_length=1)]  # "env:SLACK_URL", "file:mail.urls"
    after_minutes: Annotated[float, Meta(ge=0)] = 10.0  # of the first list: passed over


class Quiet(Struct, frozen=True, forbid_unknown_fields=True):
    """Hours in which only what is `least` or worse is told at once; the rest comes after them."""

    start: Time
    stop: Time  # may be before `start`: over midnight
    zone: str = "UTC"
    least: Severity = "critical"


class Alerts(Struct, frozen=True, forbid_unknown_fields=True):
    """Preferences. Addresses are apprise's: slack://, mailto://, json:// and a hundred others."""

    lists: Annotated[tuple[Step, ...], Meta(min_length=1)]
    least: Severity = "warning"  # what is less is told to nobody
    escalate: Severity = "critical"  # what is less is told to the first list only
    window_s: Annotated[float, Meta(ge=0)] = 300.0  # the same of the same platform is told once in it
    per_minute: Annotated[float, Meta(gt=0)] = 6.0  # messages, in the long run
    burst: Annotated[int, Meta(ge=1)] = 10  # messages at once; what is over is gathered into one
    quiet: Quiet | None = None
    missed_s: Annotated[float, Meta(gt=0)] = 60.0  # a supervisor that does not answer so long is told of


def wrong(alerts: Alerts, where: str) -> Iterator[str]:
    """Yield every mistake that types do not show, with its path, and without an address that was written."""
    for number, people in enumerate(alerts.lists):
        for place, target in enumerate(people.to):
            if not _TARGET.fullmatch(target):
                path = f"{where}.lists[{number}].to[{place}]"
                yield f"{path}: should say where the address is kept, env:NAME or file:PATH: it is a secret"
    if alerts.quiet is not None:
        try:
            ZoneInfo(alerts.quiet.zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # the last of a folder of zones: "America"
            yield f"{where}.quiet.zone: no zone is called {alerts.quiet.zone!r}"

"""What the parts of a fleet's file say of one another, and the forms that their texts must have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flotilla.door import NAME, NAME_FORM
from flotilla.errors import ConfigError, nearest
from flotilla.fleet.spec import graph, preferences
from flotilla.fleet.spec.addresses import api_place, host_and_port, place
from flotilla.fleet.spec.parts import HEAD, Condition, FleetSpec, Platform, Schedule

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OURS = re.compile(r"FLOTILLA_.*|NOTIFY_SOCKET|WATCHDOG_(USEC|PID)")


def wrong(spec: FleetSpec) -> list[str]:
    """Return every mistake with its path; nothing if the fleet can be started."""
    return [
        *_wrong_names(spec),
        *graph.check(spec.needs),
        *_wrong_parts(spec),
        *_wrong_orders(spec),
        *_wrong_places(spec),
        *(mistake for name, platform in spec.platforms.items() for mistake in _wrong_forms(name, platform)),
        *(preferences.wrong(spec.monitoring.alerts, "$.monitoring.alerts") if spec.monitoring.alerts else ()),
    ]


def _wrong_names(spec: FleetSpec) -> Iterator[str]:
    if not NAME.fullmatch(spec.name):
        yield f"$.name: {spec.name!r} {NAME_FORM}"
    if not spec.platforms:
        yield "$.platforms: there is none"
    parts: dict[str, Mapping[str, object]] = {
        "platforms": spec.platforms,
        "groups": spec.groups,
        "sequences": spec.sequences,
        "hosts": spec.hosts,
    }
    for part, names in parts.items():
        for name in names:
            if not NAME.fullmatch(name):
                yield f"$.{part}: {name!r} {NAME_FORM}"
    for name in spec.sequences.keys() & spec.platforms.keys():
        yield f"$.sequences.{name}: a platform is called that already"


def _wrong_parts(spec: FleetSpec) -> Iterator[str]:
    for name, platform in spec.platforms.items():
        where = f"$.platforms.{name}"
        if platform.group is not None and platform.group not in spec.groups:
            known = nearest(platform.group, spec.groups)
            yield f"{where}.group: no group is called {platform.group!r}{known}"
        if platform.host is not None and platform.host not in spec.hosts:
            yield f"{where}.host: no host is called {platform.host!r}{nearest(platform.host, spec.hosts)}"
        for need, condition in platform.needs.items():
            if need in spec.platforms:
                yield from _wrong_condition(f"{where}.needs.{need}", spec.platforms[need], condition)


def _wrong_condition(where: str, need: Platform, condition: Condition) -> Iterator[str]:
    if condition == "completed" and need.kind != "job":
        yield f"{where}: a service is never completed; only a job is"
    if condition == "ready" and need.kind == "job" and need.ready == "auto":
        words = "a job with `ready: auto` is ready as soon as it has started"
        yield f"{where}: {words}; say completed, or started"


def _wrong_orders(spec: FleetSpec) -> Iterator[str]:
    for title, stages in spec.sequences.items():
        place: dict[str, int] = {}
        for number, stage in enumerate(stages):
            where = f"$.sequences.{title}[{number}]"
            for name in stage:
                if name not in spec.platforms:
                    yield f"{where}: no platform is called {name!r}{nearest(name, spec.platforms)}"
                elif name in place:
                    yield f"{where}: {name!r} comes twice"
                else:
                    place[name] = number
        known = {name: [n for n in needs if n in spec.platforms] for name, needs in spec.needs.items()}
        for name, number in place.items():
            late = [need for need in graph.needs_of(known, [name]) if place.get(need, -1) > number]
            for need in sorted(late):
                yield f"$.sequences.{title}[{number}]: {name} needs {need}, which comes after it"


def _wrong_places(spec: FleetSpec) -> Iterator[str]:
    try:
        api_place(spec.api)
    except ConfigError as error:
        yield f"$.{error}"
    for name, host in spec.hosts.items():
        if name == HEAD:
            yield f"$.hosts.{name}: is what the head's own keys are called"
        yield from _wrong_port(f"$.hosts.{name}.address", host.address)


def _wrong_forms(name: str, platform: Platform) -> Iterator[str]:
    where = f"$.platforms.{name}"
    if not platform.command[0]:
        yield f"{where}.command[0]: is empty"
    for key in platform.env:
        if not _VARIABLE.fullmatch(key):
            yield f"{where}.env: {key!r} is no variable of an environment"
        elif _OURS.fullmatch(key):
            yield f"{where}.env.{key}: is set by the supervisor"
    yield from _wrong_ready(f"{where}.ready", platform)
    if platform.control is not None:
        yield from _wrong_address(f"{where}.control", platform.control, local=True)
    elif platform.drain is not None and platform.drain.signal is None:
        yield f"{where}.drain: needs a signal, or the platform a control endpoint"
    if platform.backoff.most < platform.backoff.first:
        yield f"{where}.backoff.most: is less than the first"
    yield from _wrong_health(f"{where}.health", platform)
    yield from _wrong_schedule(where, platform.schedule)


def _wrong_ready(where: str, platform: Platform) -> Iterator[str]:
    kind, what = platform.readiness
    if kind == "http":
        yield from _wrong_address(where, what)
    elif kind == "tcp":
        yield from _wrong_port(where, what)
    elif kind == "line":
        if not what.strip() or "\n" in what:
            yield f"{where}: should be line: and a part of one line, it is {platform.ready!r}"
    elif platform.ready not in ("auto", "notify", "started"):
        forms = "auto, notify, started, line:TEXT, tcp:HOST:PORT or http://HOST:PORT/PATH"
        yield f"{where}: should be {forms}, it is {platform.ready!r}"


def _wrong_health(where: str, platform: Platform) -> Iterator[str]:
    health = platform.health
    if health is None:
        return
    if health.heartbeat_s is None and health.probe is None:
        yield f"{where}: needs heartbeat_s or probe"
    if health.probe is not None and health.probe.startswith("tcp:"):
        yield from _wrong_port(f"{where}.probe", health.probe.removeprefix("tcp:"))
    elif health.probe == "control":
        if platform.control is None:
            yield f"{where}.probe: the platform has no control endpoint"
    elif health.probe is not None:
        yield from _wrong_address(f"{where}.probe", health.probe)


def _wrong_schedule(where: str, schedule: Schedule | None) -> Iterator[str]:
    if schedule is None:
        return
    for key, text in (("start", schedule.start), ("stop", schedule.stop)):
        if not _CLOCK.fullmatch(text):
            yield f"{where}.schedule.{key}: should be HH:MM, it is {text!r}"
    if schedule.start == schedule.stop:
        yield f"{where}.schedule.stop: is the same as the start"
    try:
        ZoneInfo(schedule.zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a folder of zones is none
        yield f"{where}.schedule.zone: no zone is called {schedule.zone!r}"


def _wrong_address(where: str, address: str, local: bool = False) -> Iterator[str]:
    try:
        place(address, local=local)
    except ConfigError as error:
        yield f"{where}: {error}"


def _wrong_port(where: str, address: str) -> Iterator[str]:
    try:
        host_and_port(address)
    except ConfigError as error:
        yield f"{where}: {error}"

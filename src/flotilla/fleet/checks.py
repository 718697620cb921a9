"""What the parts of a fleet's file say of one another, and the forms that their texts must have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flotilla.door import NAME, NAME_FORM
from flotilla.errors import nearest
from flotilla.fleet import graph
from flotilla.fleet.parts import FleetSpec, Health, Platform, Schedule

_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_OURS = re.compile(r"FLOTILLA_.*|NOTIFY_SOCKET|WATCHDOG_(USEC|PID)")
_TCP = re.compile(r"[A-Za-z0-9.:_\[\]-]+:[0-9]{1,5}")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?")


def wrong(spec: FleetSpec) -> list[str]:
    """Return every mistake with its path; nothing if the fleet can be started."""
    return [
        *_wrong_names(spec),
        *graph.check(spec.needs),
        *_wrong_parts(spec),
        *_wrong_orders(spec),
        *_wrong_places(spec),
        *(mistake for name, platform in spec.platforms.items() for mistake in _wrong_forms(name, platform)),
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
            if condition == "completed" and need in spec.platforms and spec.platforms[need].kind != "job":
                yield f"{where}.needs.{need}: a service is never completed; only a job is"
    for channel in spec.monitoring.alerts.escalate_to if spec.monitoring.alerts else ():
        channels = spec.monitoring.alerts.channels if spec.monitoring.alerts else {}
        if channel not in channels:
            where = "$.monitoring.alerts.escalate_to"
            yield f"{where}: no channel is called {channel!r}{nearest(channel, channels)}"


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
    listen, _, port = spec.api.listen.rpartition(":")
    if spec.api.listen != "unix" and not (listen in ("127.0.0.1", "localhost", "[::1]") and _port(port)):
        yield f"$.api.listen: should be unix or a loopback address and port, it is {spec.api.listen!r}"
    for name, host in spec.hosts.items():
        if not (_TCP.fullmatch(host.address) and _port(host.address.rpartition(":")[2])):
            yield f"$.hosts.{name}.address: should be HOST:PORT, it is {host.address!r}"
    for name, channel in (spec.monitoring.alerts.channels if spec.monitoring.alerts else {}).items():
        given = [way for way in (channel.url, channel.url_env, channel.url_file) if way is not None]
        if len(given) != 1:
            yield f"$.monitoring.alerts.channels.{name}: needs one of url, url_env and url_file"


def _wrong_forms(name: str, platform: Platform) -> Iterator[str]:
    where = f"$.platforms.{name}"
    if not platform.command[0]:
        yield f"{where}.command[0]: is empty"
    for number, word in enumerate(platform.command):
        if "\0" in word:
            yield f"{where}.command[{number}]: holds a NUL"
    for key, value in platform.env.items():
        if not _VARIABLE.fullmatch(key) or "\0" in value:
            yield f"{where}.env: {key!r} is no variable of an environment"
        elif _OURS.fullmatch(key):
            yield f"{where}.env.{key}: is set by the supervisor"
    kind, what = platform.readiness
    if not (
        (platform.ready in ("auto", "notify", "started"))
        or (kind == "line" and what.strip() and "\n" not in what)
        or _is_probe(platform.ready)
    ):
        yield (
            f"{where}.ready: should be notify, started, line:TEXT, tcp:HOST:PORT or an http(s) URL,"
            f" it is {platform.ready!r}"
        )
    if platform.control is not None and not _URL.fullmatch(platform.control):
        yield f"{where}.control: should be an http(s) URL, it is {platform.control!r}"
    if platform.drain is not None:
        if (platform.drain.http is None) == (platform.drain.signal is None):
            yield f"{where}.drain: needs one of http and signal"
        if platform.drain.http is not None and not _URL.fullmatch(platform.drain.http):
            yield f"{where}.drain.http: should be an http(s) URL, it is {platform.drain.http!r}"
    if platform.backoff.most < platform.backoff.first:
        yield f"{where}.backoff.most: is less than the first"
    yield from _wrong_health(where, platform.health)
    yield from _wrong_schedule(where, platform.schedule)


def _wrong_health(where: str, health: Health | None) -> Iterator[str]:
    if health is None:
        return
    if health.heartbeat_s is None and health.probe is None:
        yield f"{where}.health: needs heartbeat_s or probe"
    if health.probe is not None and not _is_probe(health.probe):
        yield f"{where}.health.probe: should be tcp:HOST:PORT or an http(s) URL, it is {health.probe!r}"


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


def _is_probe(text: str) -> bool:
    if text.startswith("tcp:"):
        return bool(_TCP.fullmatch(text[4:])) and _port(text.rpartition(":")[2])
    return bool(_URL.fullmatch(text.removeprefix("http:") if text.startswith("http:http") else text))


def _port(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) < 2**16

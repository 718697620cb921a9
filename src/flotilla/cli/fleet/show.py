"""States, events and orders as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.text import Text

from flotilla.cli import say
from flotilla.clock import now_ns
from flotilla.fleet.control.status import FleetStatus, HostStatus, PlatformStatus
from flotilla.fleet.history.events import Event

STYLES = {
    "ready": "green",
    "completed": "green",
    "stopped": "dim",
    "waiting": "cyan",
    "starting": "cyan",
    "backoff": "yellow",
    "degraded": "yellow",
    "draining": "yellow",
    "stopping": "yellow",
    "killing": "bold red",
    "failed": "bold red",
}
_WHY = 24  # letters of a reason that a line of the table has room for
_PALETTE = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")


def state(name: str) -> Text:
    """Return a state in its colour."""
    return Text(name, style=STYLES.get(name, ""))


def listing(fleet: FleetStatus) -> say.Sheet:
    """Return a fleet as a table, a line for each platform; with its host, where one has one."""
    far = ["host"] if any(platform.host for platform in fleet.platforms) else []
    headers = ("platform", *far, "state", ">pid", ">for", ">restarts", ">CPU %", ">MB", ">files", "why")
    figures = range(len(headers) - 2, len(headers) - 8, -1)
    made = say.table(*headers, spare=figures)  # the state and why are what one looks for
    made.columns[-1].min_width = min(_WHY, max((len(_why(p)) for p in fleet.platforms), default=0))
    for platform in fleet.platforms:
        made.add_row(
            Text(platform.name, style="bold"),
            *([platform.host or ""] if far else []),
            state(platform.state),
            _figure(platform.pid),
            lasted(now_ns() - platform.since_ns) if platform.since_ns else "",
            str(platform.restarts) if platform.restarts else "",
            "" if platform.cpu_percent is None else f"{platform.cpu_percent:.1f}",
            "" if platform.memory_mb is None else f"{platform.memory_mb:.0f}",
            _figure(platform.open_files),
            _why(platform),
        )
    return made


def headline(fleet: FleetStatus) -> Text:
    """Return the line above the table, and one for each host that is not in sight."""
    counts: dict[str, int] = {}
    for platform in fleet.platforms:
        counts[platform.state] = counts.get(platform.state, 0) + 1
    parts = [(f"{count} {name}", STYLES.get(name, "")) for name, count in counts.items()]
    line = Text.assemble((fleet.name, "bold"), ": ")
    line.append(Text(", ").join(Text(words, style=style) for words, style in parts))
    for host in fleet.hosts:
        if host.sight != "seen":
            line.append(f"\n{_unseen(host)}", style="bold red" if host.sight == "lost" else "yellow")
    return line


def sentence(platform: PlatformStatus) -> Text:
    """Return how a platform is, and why."""
    why = f": {_why(platform)}" if _why(platform) else ""
    return Text.assemble((platform.name, "bold"), " is ", state(platform.state), why)


def causes(platforms: Iterable[PlatformStatus]) -> tuple[str, ...]:
    """Return whose logs say why: those that have failed, and what holds up those that wait."""
    found = [(p.name,) if p.state == "failed" else p.blocked_by for p in platforms]
    return tuple(dict.fromkeys(name for names in found for name in names))


def event_line(event: Event, widest: int = 12) -> Text:
    """Return an event in a line: when (UTC), of what, and what happened."""
    when = Text(clock_time(event.ts), style="dim")
    return Text.assemble(when, "  ", (event.platform.ljust(widest), "bold"), "  ", happened(event))


def happened(event: Event) -> Text:
    """Return what happened, in words."""
    data = event.data
    if event.kind == "state":
        line = Text.assemble(state(str(data.get("old", "?"))), " → ", state(str(data.get("new", "?"))))
        reason = str(data.get("reason") or "") or event.text
        return line.append(f": {reason}") if reason else line
    if event.kind == "alert":
        severity = str(data.get("severity", ""))
        style = {"critical": "bold red", "warning": "yellow"}.get(severity, "")
        return Text(f"alert, {severity}: {event.text or data.get('text', '')}", style=style)
    if event.kind == "command":
        asked = " ".join(["asked for", str(data.get("command", "")), *map(str, data.get("names", ()))])
        why = f": {event.text}" if event.text else ""
        return Text(f"{data.get('who') or 'somebody'} {asked}{why}", style="bold")
    words = event.kind.replace("_", " ")
    fields = ", ".join(f"{key} {_plain(value)}" for key, value in data.items() if value not in ("", [], None))
    return Text(": ".join(part for part in (words, event.text or fields) if part))


def order(levels: Sequence[Sequence[str]], named: Sequence[str]) -> Text:
    """Return an order in a line: what goes together with commas, what waits behind an arrow."""
    line = Text()
    for n, level in enumerate(levels):
        line.append(" → " if n else "")
        names = [Text(name, style="bold" if name in named else "yellow") for name in level]
        line.append(Text(", ").join(names))
    return line


def tag(name: str, widest: int, colours: Mapping[str, str]) -> Text:
    """Return whose line of a log it is."""
    return Text(f"{name.ljust(widest)} | ", style=colours.get(name, ""))


def colours_of(names: Sequence[str]) -> dict[str, str]:
    """Return a colour for each platform, the same as long as the fleet is the same."""
    return {name: _PALETTE[n % len(_PALETTE)] for n, name in enumerate(names)}


def clock_time(ts: int) -> str:
    """Return the time of day of `ts` (ns since 1970), UTC, to the millisecond.

    >>> clock_time(3_723_004_000_000)
    '01:02:03.004'
    """
    ms = ts // 1_000_000 % 86_400_000
    seconds = ms // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms % 1000:03}"


def lasted(ns: int) -> str:
    """Return a duration in its two largest units.

    >>> lasted(400_000_000), lasted(125_000_000_000), lasted(90_061_000_000_000)
    ('0 s', '2 m 5 s', '1 d 1 h')
    """
    seconds = max(ns, 0) // 1_000_000_000
    units = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
    for n, (unit, size) in enumerate(units):
        if seconds >= size or unit == "s":
            first, left = divmod(seconds, size)
            second = left // units[n + 1][1] if n + 1 < len(units) else 0
            return f"{first} {unit} {second} {units[n + 1][0]}" if second else f"{first} {unit}"
    raise AssertionError("unreachable")


def ended(code: int) -> str:
    """Return how a process ended, by its exit code.

    >>> ended(3), ended(-9)
    ('exit code 3', 'killed by signal 9')
    """
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def _unseen(host: HostStatus) -> str:
    since = lasted(now_ns() - host.since_ns)
    what = (
        f"is lost for {since}, on_lost {host.on_lost}" if host.sight == "lost" else f"is awaited for {since}"
    )
    return f"host {host.name} ({host.address}) {what}" + (f": {host.why}" if host.why else "")


def _why(platform: PlatformStatus) -> str:
    if platform.reason or platform.last_exit is None or platform.state in ("ready", "completed", "stopped"):
        return platform.reason
    return f"last: {ended(platform.last_exit)}"


def _figure(value: int | None) -> str:
    return "" if value is None else str(value)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)

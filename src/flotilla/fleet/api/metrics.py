"""The fleet in the text format that Prometheus reads (version 0.0.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from flotilla.fleet.control.status import FleetStatus, PlatformStatus, lives
from flotilla.fleet.rules.states import State

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _Gauge(NamedTuple):
    name: str
    help: str
    field: str
    scale: float = 1.0


_GAUGES = (
    _Gauge("flotilla_platform_ready", "Whether the platform is ready.", "ready"),
    _Gauge("flotilla_platform_restarts", "Restarts within the present window.", "restarts"),
    _Gauge("flotilla_platform_cpu_cores", "Cores that its processes use.", "cpu_percent", 0.01),
    _Gauge("flotilla_platform_memory_bytes", "Memory that its processes use.", "memory_mb", 1 << 20),
    _Gauge("flotilla_platform_open_files", "Open file descriptors.", "open_files"),
    _Gauge("flotilla_platform_threads", "Threads.", "threads"),
)


def as_text(status: FleetStatus, answers: Mapping[tuple[str, int], int]) -> str:
    """Return the metrics of a fleet; answers: how often the API gave which (method, status)."""
    lines: list[str] = []
    _add(lines, "flotilla_fleet_generation", "gauge", "Supervisors so far.", [("", status.generation)])
    _add(lines, "flotilla_fleet_events", "counter", "Number of the last event.", [("", status.seq)])
    began = [("", status.since_ns / 1e9)]
    _add(lines, "flotilla_fleet_start_time_seconds", "gauge", "When the supervisor began.", began)
    platforms = status.platforms
    up = [(_of(p), int(lives(p))) for p in platforms]
    _add(lines, "flotilla_platform_up", "gauge", "Whether the platform has a process.", up)
    states = [
        (_labels(platform=p.name, state=state.value), int(p.state.lower() == state))
        for p in platforms
        for state in State
    ]
    _add(lines, "flotilla_platform_state", "gauge", "1 for the state that it is in.", states)
    for gauge in _GAUGES:
        values = [(_of(p), getattr(p, gauge.field)) for p in platforms]
        known = [(labels, value * gauge.scale) for labels, value in values if value is not None]
        _add(lines, gauge.name, "gauge", gauge.help, known)
    counts = [(_labels(method=method, status=str(code)), n) for (method, code), n in sorted(answers.items())]
    _add(lines, "flotilla_api_answers_total", "counter", "Answers of this API process.", counts)
    return "\n".join(lines) + "\n"


def _add(lines: list[str], name: str, kind: str, text: str, values: Iterable[tuple[str, float]]) -> None:
    lines += [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{labels} {float(value):.17g}" for labels, value in values]


def _of(platform: PlatformStatus) -> str:
    return _labels(platform=platform.name)


def _labels(**labels: str) -> str:
    escaped = {
        name: value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        for name, value in labels.items()
    }
    return "{" + ",".join(f'{name}="{value}"' for name, value in escaped.items()) + "}"

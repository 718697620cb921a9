"""The text that Prometheus reads."""

import re

from flotilla.fleet.api.metrics import as_text
from flotilla.fleet.control.status import FleetStatus, PlatformStatus

LINE = re.compile(r'[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [-+0-9.e]+')


def test_it_says_what_is_known_in_base_units():
    feed = PlatformStatus("feed", "ready", pid=1, ready=True, restarts=2, cpu_percent=150.0, memory_mb=2.0)
    idle = PlatformStatus("idle", "stopped")
    text = as_text(FleetStatus("desk", 3, "adopt", 17, (feed, idle), 9, 5_000_000_000), {("GET", 200): 4})

    assert all(LINE.fullmatch(line) for line in text.splitlines() if not line.startswith("#"))
    for line in (
        "flotilla_fleet_generation 3",
        "flotilla_fleet_start_time_seconds 5",
        'flotilla_platform_up{platform="feed"} 1',
        'flotilla_platform_up{platform="idle"} 0',
        'flotilla_platform_state{platform="feed",state="ready"} 1',
        'flotilla_platform_state{platform="feed",state="failed"} 0',
        'flotilla_platform_cpu_cores{platform="feed"} 1.5',
        'flotilla_platform_memory_bytes{platform="feed"} 2097152',
        'flotilla_api_answers_total{method="GET",status="200"} 4',
    ):
        assert f"{line}\n" in text
    assert 'cpu_cores{platform="idle"}' not in text, "what was not measured is not nought"


def test_every_metric_has_its_help_and_its_type_once():
    text = as_text(FleetStatus("desk", 1, "adopt", 0, ()), {})

    names = re.findall(r"^# TYPE (\S+) (?:gauge|counter)$", text, re.MULTILINE)
    assert len(names) == len(set(names)) == text.count("# HELP ") == 12


def test_odd_letters_are_escaped():
    text = as_text(FleetStatus("desk", 1, "adopt", 0, (PlatformStatus('a"\\\nb', "ready"),)), {})

    assert 'flotilla_platform_up{platform="a\\"\\\\\\nb"} 1' in text

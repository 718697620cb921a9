import msgspec
import pytest

from flotilla.errors import ConfigError
from flotilla.fleet.spec import Log, Overrides, Platform, decode_fleet, parts

STRUCTS = [
    kind
    for kind in vars(parts).values()
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__module__ == parts.__name__
]


@pytest.mark.parametrize("kind", STRUCTS)
def test_every_part_is_frozen_and_refuses_what_it_does_not_know(kind):
    assert kind.__struct_config__.frozen
    assert kind.__struct_config__.forbid_unknown_fields


@pytest.mark.parametrize(
    "change",
    [
        {"startup_timeout": 0},
        {"shutdown_timeout": -1},
        {"startup_timeout": 1e9},
        {"restart_window": float("nan")},
        {"max_restart_attempts": -1},
        {"max_restart_attempts": 1.5},
        {"health": {"heartbeat_s": 0.2, "misses": 1}},
        {"required_resources": {"memory_mb": 0}},
        {"required_resources": {"open_files": 3}},
        {"command": "sh -c 'rm -rf /'"},
        {"env": {"A": 1}},
    ],
)
def test_what_is_out_of_bounds_is_refused(change):
    with pytest.raises(ConfigError):
        decode_fleet({"name": "a", "platforms": {"p": {"command": ["x"]} | change}})


def test_overrides_change_what_they_name_and_nothing_else():
    platform = Platform(("x",), log=Log("INFO", 2.0))

    assert Overrides().on(platform) is platform
    assert Overrides().given == {}
    loud = Overrides(max_restart_attempts=0, log_level="DEBUG")
    assert loud.given == {"max_restart_attempts": 0, "log_level": "DEBUG"}
    assert loud.on(platform) == Platform(("x",), max_restart_attempts=0, log=Log("DEBUG", 2.0))

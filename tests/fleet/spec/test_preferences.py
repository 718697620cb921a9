"""What a person may ask for in `monitoring.alerts`."""

import msgspec
import pytest

from flotilla.errors import ConfigError
from flotilla.fleet.spec import decode_fleet
from flotilla.fleet.spec.preferences import Alerts, Quiet, Step, wrong


def test_preferences_are_read_with_their_defaults():
    raw = {
        "lists": [{"to": ["env:SLACK"]}, {"to": ["file:mail.urls"], "after_minutes": 5}],
        "quiet": {"start": "22:00", "stop": "07:00"},
    }

    wanted = msgspec.convert(raw, Alerts)

    assert wanted.lists == (Step(("env:SLACK",)), Step(("file:mail.urls",), after_minutes=5))
    assert wanted.quiet == Quiet("22:00", "07:00", "UTC", "critical")


@pytest.mark.parametrize(
    "raw",
    [
        {"lists": []},
        {"lists": [{"to": []}]},
        {"lists": [{"to": ["env:A"]}], "burst": 0},
        {"lists": [{"to": ["env:A"]}], "quiet": {"start": "24:00", "stop": "07:00"}},
        {"lists": [{"to": ["env:A"]}], "channels": {}},
    ],
)
def test_what_makes_no_sense_is_refused(raw):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, Alerts)


def test_an_address_in_the_file_is_refused_and_not_repeated():
    alerts = {
        "lists": [{"to": ["env:A", "slack://s3cret"]}, {"to": ["s3cret"]}],
        "quiet": {"start": "22:00", "stop": "07:00", "zone": "Mars/Base"},
    }

    platforms = {"a": {"command": ["x"]}}

    with pytest.raises(ConfigError) as raised:
        decode_fleet({"name": "day", "platforms": platforms, "monitoring": {"alerts": alerts}})

    assert "$.monitoring.alerts.quiet.zone: no zone is called 'Mars/Base'" in str(raised.value)
    assert "$.monitoring.alerts.lists[0].to[1]: should say" in str(raised.value)
    assert "$.monitoring.alerts.lists[1].to[0]: should say" in str(raised.value)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize("zone", ["America", "../../etc/passwd", ""])
def test_a_folder_of_zones_or_a_path_is_no_zone_and_said_with_its_path(zone):
    wanted = Alerts((Step(("env:A",)),), quiet=Quiet("22:00", "07:00", zone))

    assert list(wrong(wanted, "$.alerts")) == [f"$.alerts.quiet.zone: no zone is called {zone!r}"]

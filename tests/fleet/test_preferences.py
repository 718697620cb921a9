"""What a person may ask for in `monitoring.alerts`."""

import msgspec
import pytest

from flotilla.fleet.preferences import Alerts, Quiet, Step


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
        {"lists": [{"to": ["slack://token@channel"]}]},  # a secret, in a file that is shown
        {"lists": [{"to": ["env:A"]}], "burst": 0},
        {"lists": [{"to": ["env:A"]}], "quiet": {"start": "24:00", "stop": "07:00"}},
        {"lists": [{"to": ["env:A"]}], "channels": {}},
    ],
)
def test_what_makes_no_sense_is_refused(raw):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(raw, Alerts)

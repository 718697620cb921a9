"""What is described is what is sent: the forms of the API are those of the fleet."""

import math

import msgspec
import pytest
from pydantic import ValidationError

from flotilla.access import tokens
from flotilla.fleet.api import models
from flotilla.fleet.control import status
from flotilla.fleet.history import events
from flotilla.fleet.spec import parts

PAIRS = (
    (models.Platform, status.PlatformStatus),
    (models.Fleet, status.FleetStatus),
    (models.Host, status.HostStatus),
    (models.Event, events.Event),
    (models.Overrides, parts.Overrides),
)


@pytest.mark.parametrize(("described", "sent"), PAIRS, ids=lambda kind: kind.__name__)
def test_the_fields_are_the_same(described, sent):
    assert list(described.model_fields) == list(sent.__struct_fields__)


def test_a_token_is_shown_without_its_hash():
    assert set(tokens.Token.__struct_fields__) - set(models.Token.model_fields) == {"hash"}


def values():
    """Return values for each override, around its bounds and far off."""
    around = [-1, 0, 1, 99, 100, 101, 3_600, 3_601, 1e9]
    for field in parts.Overrides.__struct_fields__:
        for value in [
            *around,
            *(one + 0.5 for one in around),
            math.nan,
            math.inf,
            None,
            "90",
            "INFO",
            "LOUD",
            True,
            [],
        ]:
            yield field, value


def test_the_bounds_of_overrides_are_those_of_the_fleet():
    differ = []
    for field, value in values():
        taken = []
        for kind in (models.Overrides.model_validate, lambda raw: msgspec.convert(raw, parts.Overrides)):
            try:
                kind({field: value})
            except (ValidationError, msgspec.ValidationError):
                taken.append(False)
            else:
                taken.append(True)
        if taken[0] and not taken[1]:
            differ.append((field, value))

    assert differ == [], "the API would take what the supervisor refuses"


def test_what_is_strange_is_refused():
    for raw in ({"action": "start", "x": 1}, {"action": "start", "overrides": {"env": {}}}):
        with pytest.raises(ValidationError):
            models.Control.model_validate(raw)

"""Events have a form, and are kept without it when it comes to that."""

from enum import StrEnum
from pathlib import Path

from flotilla.fleet.history.kinds import KINDS, Exited, event_fields, mistake, typed


class Colour(StrEnum):
    RED = "red"


def test_a_kind_is_called_as_its_record_in_snake_case():
    assert KINDS["exited"] is Exited
    assert {"fleet_started", "log_not_rotated", "state"} <= KINDS.keys()


def test_fields_come_back_as_the_record_that_they_were():
    kept = event_fields(Exited(code=-9, ran_s=1.5))

    assert kept == {"code": -9, "asked": False, "ran_s": 1.5}
    assert typed("exited", kept) == Exited(code=-9, ran_s=1.5)


def test_whatever_a_field_holds_becomes_plain():
    kept = event_fields({"path": Path("/a"), "colour": Colour.RED, "pids": [1, 2]})

    assert kept == {"path": "/a", "colour": "red", "pids": [1, 2]}


def test_what_does_not_fit_has_no_record_and_is_named():
    assert typed("exited", {"code": "nine"}) is None
    assert typed("unheard_of", {}) is None
    assert "code" in mistake("exited", {"code": "nine"})
    assert mistake("unheard_of", {}) == "no event is called 'unheard_of'"
    assert mistake("exited", {"code": 1, "mood": "bad"}) == "exited has no field mood"
    assert mistake("exited", {"code": 1}) == ""

import pytest
from tests.fleet.made_world import fleet_of

from flotilla.errors import ConfigError
from flotilla.fleet.control.status import Request
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.records import Records
from flotilla.fleet.hosts.local import answer
from flotilla.fleet.rules.fleet_state import made


@pytest.fixture
def asked(tmp_path):
    """Return what answers for the host b of the fleet trial, of which nothing runs."""
    records = Records(Folder(tmp_path / "run").make(), tmp_path / "anchor")
    records.event("status", "feed", {"said": "warming up"}, "warming up")
    fleet = made(fleet_of({"feed": []}), 3)
    yield lambda command, **more: answer(Request(1, command, **more), "b", fleet, {}, records, 7)
    records.close()


def test_it_says_how_it_is_here_under_the_hosts_name(asked):
    status = asked("status")

    assert status.name.endswith("@b")
    assert (status.generation, status.since_ns, [one.name for one in status.platforms]) == (3, 7, ["feed"])
    assert [event.text for event in asked("events")] == ["warming up"]


def test_an_end_can_be_planned_and_asked_for_and_nothing_else(asked):
    assert asked("plan", data={"of": "down"}) == {"order": ()}
    assert asked("down")["names"] == []
    for command, data in (("start", {}), ("plan", {"of": "start"})):
        with pytest.raises(ConfigError, match=f"host b: ask the head to {command}"):
            asked(command, data=data)

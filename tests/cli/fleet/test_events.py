import json

import pytest

from flotilla.cli.fleet.events import _past
from flotilla.fleet.history.events import EventReader, EventStore


@pytest.fixture
def store(folder):
    store = EventStore(folder.events)
    for k in range(3000):
        store.append("state" if k % 2 else "exited", f"p{k % 3}", {"new": "ready"} if k % 2 else {"code": k})
    yield store
    store.close()


def test_the_last_are_told_in_order(call, store):
    found = call("fleet", "events", "-n", "3", "--json")

    assert [json.loads(line)["seq"] for line in found.out.splitlines()] == [2998, 2999, 3000]


def test_from_a_number_on(call, store):
    found = call("fleet", "events", "--from", "1500", "--json")

    assert [json.loads(line)["seq"] for line in found.out.splitlines()] == list(range(1500, 3001))


def test_of_one_platform_and_kind(call, store):
    found = call("fleet", "events", "p1", "--kind", "exited", "-n", "2", "--json")

    told = [json.loads(line) for line in found.out.splitlines()]
    assert [(event["platform"], event["kind"]) for event in told] == [("p1", "exited")] * 2
    assert told[-1]["data"]["code"] == 2998


def test_a_line_says_when_whose_and_what(call, store):
    (line,) = call("fleet", "events", "-n", "1").out.splitlines()

    assert line.endswith("p2        ? → ready")


def test_more_than_there_are_is_all_of_them(folder, store):
    reader = EventReader(folder.events)
    try:
        found = _past(reader, None, 3001, 10_000, ((), ()))
    finally:
        reader.close()

    assert [event.seq for event in found] == list(range(1, 3001))


def test_an_unknown_platform_answers_with_the_nearest(call, store):
    found = call("fleet", "events", "portfolo")

    assert found.code == 2
    assert "did you mean portfolio?" in found.err


def test_a_fleet_that_was_never_up_has_none(call, folder):
    found = call("fleet", "events")

    assert found.code == 1
    assert "it was never up" in found.err


def test_a_kind_that_is_none_answers_with_the_nearest(call, fleet):
    found = call("fleet", "events", "--kind", "stat")

    assert (found.code, found.out) == (2, "")
    assert "no kind of event is called 'stat'; did you mean state" in found.err

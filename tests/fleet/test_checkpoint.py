import asyncio
import errno
import os

import pytest
from tests.fleet.made_world import World, fleet_of

from flotilla.clock import monotonic_ns
from flotilla.fleet import checkpoint
from flotilla.fleet.checkpoint import Keeper, begun, keep, recall
from flotilla.fleet.folder import Folder
from flotilla.fleet.rules.states import Adopted, Ask, Restored, State
from flotilla.fleet.spec import Overrides
from flotilla.fleet.system.spawn import Child

CHILD = Child("feed", 7, -1, 99, 1)


def kept(world, down=False):
    return keep(world.fleet, {"feed": CHILD}, {"feed": 12}, down=down)


def up():
    world = World(fleet_of({"feed": [], "app": ["feed"]}))
    world.now = monotonic_ns()
    world.start()
    return world


def test_what_is_kept_is_recalled(tmp_path):
    folder = Folder(tmp_path / "run").make()
    assert recall(folder, print).first

    folder.write_state(kept(up()))

    state, first = recall(folder, print)
    assert not first
    assert (state.platforms["feed"].pid, state.platforms["feed"].start_ticks) == (7, 99)
    assert state.platforms["feed"].more["log_at"] == 12
    assert state.platforms["app"].state == "ready"


def test_a_fleet_that_went_down_in_order_begins_anew(tmp_path):
    folder = Folder(tmp_path / "run").make()
    folder.write_state(kept(up(), down=True))

    assert recall(folder, print).first


def test_a_file_that_is_damaged_is_as_good_as_none(tmp_path):
    folder = Folder(tmp_path / "run").make()
    folder.state_file.write_text("{")
    told = []

    assert recall(folder, told.append).first
    assert "what the supervisor before knew is lost" in told[0].text


@pytest.mark.parametrize(
    "state",
    [
        '{"platforms": {"feed": {"pid": "7"}}}',
        '{"platforms": {"feed": {"state": "ready", "more": {"restarts": ["soon", null]}}}}',
        '{"platforms": {"feed": {"state": "ready", "more": {"restarts": 7}}}}',
        '{"platforms": {"feed": {"state": "ready", "more": {"log_at": "x"}}}}',
        '{"platforms": {"feed": {"state": "ready"}}, "more": {"down": "no"}}',
        '{"platforms": {"feed": {"state": "ready", "more": {"hours": 1.5}}}}',
        "[]",
        '{"platforms": {"\udcff": {}}}',
        '{"more": {"x": ' + "[" * 5_000 + "]" * 5_000 + "}}",
    ],
)
def test_values_of_odd_types_are_as_good_as_none(tmp_path, state):
    folder = Folder(tmp_path / "run").make()
    folder.state_file.write_bytes(state.encode(errors="surrogateescape"))
    told = []

    known, first = recall(folder, told.append)

    assert (known.platforms, first, len(told)) == ({}, True, 1)


def test_what_runs_is_adopted_as_what_it_was():
    world = up()
    world.exit("feed", -9)
    world.rest()

    event = begun("feed", kept(world), CHILD.pid)

    assert (type(event), event.pid, event.state, event.wanted) == (Adopted, 7, State.READY, True)
    (restart,) = event.restarts
    assert abs(restart - world.fleet.lives["feed"].restarts[0]) < 1_000_000_000


def test_what_should_run_and_does_not_is_started_and_what_failed_is_not():
    world = up()
    assert begun("app", kept(world), None).state is State.WAITING

    for _ in range(4):
        world.exit("feed", -9)
        world.rest()
        world.pass_until(3)
    failed = begun("feed", kept(world), None)
    assert (type(failed), failed.state) == (Restored, State.FAILED)
    assert begun("who", kept(world), None) is None


def test_one_that_was_written_down_by_nobody_is_taken_for_one_that_starts():
    event = begun("new", kept(up()), CHILD.pid)

    assert (event.state, event.wanted) == (State.STARTING, True)


def test_many_changes_are_written_once(tmp_path):
    folder = Folder(tmp_path / "run").make()
    made = []

    async def change():
        keeper = Keeper(folder, lambda down: made.append(down) or kept(up()), made.append)
        for _ in range(9):
            keeper.soon()
        await asyncio.sleep(0.1)

    asyncio.run(change())

    assert made == [False]
    assert recall(folder, print).state.platforms["feed"].pid == 7


def test_a_disk_that_is_full_is_told_of_once_and_tried_again(tmp_path, monkeypatch):
    folder = Folder(tmp_path / "run").make()
    monkeypatch.setattr(checkpoint, "_AGAIN_S", 0.05)
    alerts = []

    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    async def change():
        keeper = Keeper(folder, lambda down: kept(up()), alerts.append)
        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            keeper.write()
            keeper.write()
        await asyncio.sleep(0.2)

    asyncio.run(change())

    assert [alert.severity for alert in alerts] == ["critical"]
    assert recall(folder, print).state.platforms["feed"].pid == 7


def test_the_hours_are_kept_for_the_next_supervisor():
    state = keep(up().fleet, {}, {}, down=False, hours={"feed": True, "gone": False})

    assert state.platforms["feed"].more["hours"] is True
    assert "hours" not in state.platforms["app"].more


def test_overrides_are_kept_for_the_next_supervisor():
    world = up()
    loud = Overrides(log_level="DEBUG")
    world.tell(Ask("start", ("feed",), overrides=loud))
    state = kept(world)

    assert begun("feed", state, CHILD.pid).overrides == loud
    assert begun("feed", state, None).overrides == loud
    assert begun("app", state, None).overrides == Overrides()
    state.platforms["feed"].more["overrides"] = {"log_level": 7}
    assert begun("feed", state, None).overrides == Overrides()


def test_a_going_down_that_was_cut_short_is_given_up_by_who_brings_the_fleet_up(tmp_path):
    folder = Folder(tmp_path / "run").make()
    checkpoint.give_up_closing(folder)
    world = up()
    folder.write_state(kept(world))
    checkpoint.give_up_closing(folder)
    assert not recall(folder, print).first

    world.tell(Ask("down"))
    folder.write_state(kept(world))
    assert not recall(folder, print).first  # its guard's next supervisor goes on with it
    checkpoint.give_up_closing(folder)

    assert recall(folder, print).first

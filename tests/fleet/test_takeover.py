"""What a supervisor finds when it begins, and what it makes of it."""

import os
import signal

from msgspec.structs import replace

from flotilla.clock import monotonic_ns, now_ns, sleep
from flotilla.fleet.spec import decode_fleet, fleet_as_dict, fleet_to_yaml, read_fleet
from flotilla.fleet.system import tree
from flotilla.stream.files import write_whole


def without(folder, name):
    """Take a platform out of the file, with nobody to see it."""
    raw = fleet_as_dict(read_fleet(folder.fleet_file))
    del raw["platforms"][name]
    write_whole(folder.fleet_file, fleet_to_yaml(decode_fleet(raw)).encode())


def test_what_the_file_has_no_more_is_asked_to_stop_and_not_killed(fleet):
    up = fleet(feed={}, old={})
    up.all("ready")
    old = tree.read(up.pid("old"))

    without(up.folder, "old")
    os.kill(up.supervisor(), signal.SIGKILL)

    up.until(lambda: up.status().generation == 2 and up.states() == {"feed": "ready"})
    up.until(lambda: not tree.alive(old.pid, old.start_ticks))
    assert not up.events("stray_killed")
    (alert,) = [event for event in up.events("alert") if event.platform == "old"]
    assert "has it no more" in alert.text


def test_who_does_not_go_then_is_killed_and_a_person_is_told(fleet):
    up = fleet(
        feed={},
        old={"words": "deaf twins"},
        supervisor=(
            "-P",
            "-c",
            "import sys; from flotilla.fleet import executor, supervisor; executor._RETIRE_S = 0.5;"
            "sys.exit(supervisor.main(sys.argv[1:]))",
        ),
    )
    up.all("ready")
    old = tree.read(up.pid("old"))

    without(up.folder, "old")
    os.kill(up.supervisor(), signal.SIGKILL)

    up.until(lambda: up.status().generation == 2 and not tree.alive(old.pid, old.start_ticks))
    up.until(lambda: [event for event in up.events("alert") if "killed: not gone within" in event.text])
    up.until(lambda: {tree.mark_of(pid).platform for pid in up.marked() if tree.mark_of(pid)} == {"feed"})


def test_what_was_kept_of_a_process_is_not_taken_for_the_truth_of_the_next_one(fleet):
    """The state is written a moment after the events: what was written last may be of the process before."""
    up = fleet(every={"shutdown_timeout": 2.0}, feed={}, app={})
    up.all("ready")
    up.client.ask("restart", ("feed",))
    up.until(lambda: up.states()["feed"] == "ready" and len(up.events("spawned")) == 3)
    sleep(0.5)  # until it is written
    up.guard.kill()
    up.guard.wait()
    os.kill(up.supervisor(), signal.SIGKILL)
    state = up.folder.state()
    feed = state.platforms["feed"]
    budget = {"restarts": [now_ns()], "leaving": {"then": "again"}}
    old = replace(feed, pid=1, state="stopping", more=feed.more | {"then": "again"} | budget)
    young = replace(state.platforms["app"], state="starting")
    up.folder.write_state(replace(state, platforms={"feed": old, "app": young}))

    up.again()

    up.until(lambda: up.status().generation == 2)
    assert set(up.states().values()) == {"ready"}  # it says so once, and said it to another supervisor
    assert (up.pid("feed"), up.status().find("feed").restarts) == (feed.pid, 1)
    sleep(3.0)
    assert (up.pid("feed"), set(up.states().values())) == (feed.pid, {"ready"})


def test_a_fleet_that_was_going_down_when_its_supervisor_died_goes_down(fleet):
    up = fleet(feed={}, app={"needs": ["feed"], "words": "deaf", "shutdown_timeout": 1.0})
    up.all("ready")

    up.client.ask("down")
    os.kill(up.supervisor(), signal.SIGKILL)

    assert up.guard.wait(30) == 0
    assert up.marked() == []
    assert [event.data["names"] for event in up.events("command")] == [["feed", "app"], ["app", "feed"]]


def test_down_and_up_again_and_again_starts_all_each_time(fleet):
    up = fleet(feed={}, app={"needs": ["feed"]})
    for _ in range(5):
        up.all("ready")
        up.client.ask("down")
        assert up.guard.wait(30) == 0
        until_ns = monotonic_ns() + 200_000_000
        while monotonic_ns() < until_ns:
            assert up.folder.state().more["down"] is True
            sleep(0.01)
        up.again()
    up.all("ready")

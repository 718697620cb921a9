"""Real fleets that lose the ground they stand on: folders, files, the lock."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from tests.fleet.conftest import SECOND

from flotilla.access import audit
from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet import spec
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.system.guard import LEFT
from flotilla.stream.files import write_whole


def verified(up):
    return audit.verify(up.folder.audit, up.folder.audit_key, up.folder.anchor())


def test_a_platform_whose_folder_is_gone_fails_alone_and_the_fleet_is_still_led(fleet, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    up = fleet(feed={}, app={"folder": "work", "max_restart_attempts": 1})
    up.all("ready")
    work.rmdir()

    os.kill(up.supervisor(), signal.SIGKILL)
    up.until(lambda: up.status().generation == 2)
    os.kill(up.pid("app"), signal.SIGKILL)

    up.until(lambda: up.states() == {"feed": "ready", "app": "failed"})
    assert f"its folder {work}: No such file or directory" in up.status().find("app").reason
    up.client.ask("stop", ("feed",))
    up.until(lambda: up.states()["feed"] == "stopped")


def test_a_fleet_whose_sockets_lie_elsewhere_leaves_nothing_there(tmp_path, over):
    folder = Folder(run_folder_of(tmp_path / ("long" * 25) / "fleet.yaml", "far")).make()
    write_whole(folder.fleet_file, b"name: far\nplatforms: {a: {command: [sleep, '99'], ready: started}}\n")
    up = over(folder)
    up.all("ready")
    assert folder.sockets != folder.path

    up.guard.terminate()

    assert up.guard.wait(30) == 0
    assert not folder.sockets.exists()


def test_a_supervisor_whose_run_folder_is_taken_away_says_so_and_ends_alone(fleet):
    up = fleet(rest={"monitoring": {"sample_every": 0.2}}, feed={})
    up.all("ready")
    pid, heard = up.pid("feed"), up.client.events(1)
    next(heard)

    shutil.rmtree(up.folder.path)

    assert up.guard.wait(30) == LEFT
    os.kill(pid, 0)
    assert any(event is not None and "was taken away" in event.text for event in heard)
    assert not up.folder.path.exists()


def test_another_that_is_brought_up_in_its_place_is_the_only_one(fleet, over):
    up = fleet(rest={"monitoring": {"sample_every": 0.2}}, feed={})
    up.all("ready")
    pid, file = up.pid("feed"), up.folder.fleet_file.read_bytes()
    shutil.rmtree(up.folder.path)
    folder = Folder(up.folder.path).make()
    write_whole(folder.fleet_file, file)

    other = over(folder)

    assert up.guard.wait(30) == LEFT
    other.all("ready")
    assert other.pid("feed") == pid
    other.guard.terminate()
    assert other.guard.wait(30) == 0


def test_a_state_of_odd_types_is_told_of_and_keeps_no_supervisor_from_beginning(fleet, over):
    up = fleet(feed={"health": {"heartbeat_s": 1.0}})  # it says again and again that it is ready
    up.all("ready")
    pid = up.pid("feed")
    os.kill(up.guard.pid, signal.SIGKILL)
    os.kill(up.supervisor(), signal.SIGKILL)
    up.folder.state_file.write_text(
        '{"platforms": {"feed": {"state": "ready", "more": {"restarts": [null]}}}}'
    )

    other = over(up.folder)

    other.all("ready")
    assert other.pid("feed") == pid
    assert any("what the supervisor before knew is lost" in event.text for event in other.events("alert"))
    other.guard.terminate()
    assert other.guard.wait(30) == 0


def test_a_socket_that_somebody_removed_is_put_back_and_nobody_is_killed_for_his_silence(fleet):
    up = fleet(every={"health": {"heartbeat_s": 1.0}}, feed={}, app={"needs": ["feed"]})
    up.all("ready")
    pids = up.pid("feed"), up.pid("app")

    for _ in range(2):
        up.folder.socket("notify").unlink()
        up.until(lambda: up.folder.socket("notify").exists())
        until_ns = monotonic_ns() + 4 * SECOND  # more than three beats
        while monotonic_ns() < until_ns:
            assert set(up.states().values()) == {"ready"}
            sleep(0.01)

    assert (up.pid("feed"), up.pid("app")) == pids
    os.kill(pids[0], signal.SIGSTOP)  # one that hangs is found still
    up.until(lambda: [event for event in up.events("alert") if event.text.startswith("hung")])


def test_what_has_long_been_up_is_taken_for_ready_where_nothing_is_known_of_it(fleet, over):
    up = fleet(every={"startup_timeout": 0.5}, feed={"ready": "line:up", "words": "says"})
    up.all("ready")
    pid, began_ns = up.pid("feed"), monotonic_ns()
    os.kill(up.guard.pid, signal.SIGKILL)
    os.kill(up.supervisor(), signal.SIGKILL)
    up.folder.state_file.unlink()
    up.folder.log("feed").unlink()
    while monotonic_ns() < began_ns + SECOND:
        sleep(0.01)

    other = over(up.folder)

    other.all("ready")
    assert other.pid("feed") == pid
    other.guard.terminate()
    assert other.guard.wait(30) == 0


def test_nobody_speaks_for_a_platform_by_its_mark_alone(fleet):
    up = fleet(every={"startup_timeout": 30.0}, feed={"words": "late"})
    up.until(lambda: up.pid("feed"))
    marks = {"FLOTILLA_FLEET": str(up.folder.path), "FLOTILLA_PLATFORM": "feed"}
    env = os.environ | marks | {"NOTIFY_SOCKET": str(up.folder.socket("notify"))}
    lie = (
        "from flotilla import notify; notify.ready(); notify.status('I am feed'); import time; time.sleep(1)"
    )

    subprocess.run([sys.executable, "-c", lie], env=env, check=True)

    assert up.states() == {"feed": "starting"}
    assert up.events("status") == []


def test_events_that_are_damaged_are_put_aside_and_the_fleet_is_led_on(fleet):
    up = fleet(feed={}, app={"needs": ["feed"]})
    up.all("ready")
    pid = up.pid("feed")
    os.kill(up.guard.pid, signal.SIGSTOP)
    os.kill(up.supervisor(), signal.SIGKILL)
    up.folder.events.write_bytes(b"garbage" * 1000)
    Path(f"{up.folder.events}-wal").unlink()

    os.kill(up.guard.pid, signal.SIGCONT)
    up.until(lambda: up.status().generation == 2)

    assert up.pid("feed") == pid
    assert "the events begin anew" in up.events("alert")[0].text
    assert len([*up.folder.path.glob("events.db.damaged-*")]) == 1
    up.client.ask("stop", ("feed",))
    up.all("stopped")


def test_an_event_that_is_damaged_while_the_fleet_runs_keeps_no_follower_from_the_next(fleet):
    up = fleet(feed={})
    up.all("ready")
    up.client.ask("ack", why="a word")
    up.client.ask("ack", why="the end")
    with up.folder.events.open("r+b") as file, Path(f"{up.folder.events}-wal").open("r+b") as log:
        for one in (file, log):
            content = one.read().replace(b"a word", b"a ward")
            one.seek(0)
            one.write(content)

    kinds = []
    for event in up.client.events(1):
        kinds.append(event.kind)
        if event.text == "the end":
            break

    assert "damaged" in kinds


def test_an_anchor_that_a_reload_names_is_taken_up_at_the_next_start(fleet, tmp_path):
    up = fleet(feed={})
    up.all("ready")
    old, new = up.folder.anchor(), tmp_path / "elsewhere"
    raw = spec.fleet_as_dict(spec.accepted(up.folder.fleet_file)) | {"audit": {"anchor": str(new)}}
    (tmp_path / "next.yaml").write_text(spec.fleet_to_yaml(spec.decode_fleet(raw)))

    up.client.ask("reload", data={"file": str(tmp_path / "next.yaml")})
    assert "audit.anchor is taken up at the next start" in up.events("alert")[-1].text
    assert (up.folder.anchor(), verified(up).ok) == (old, True)
    os.kill(up.supervisor(), signal.SIGKILL)
    up.until(lambda: up.status().generation == 2)

    assert (up.folder.anchor(), verified(up).ok) == (new, True)

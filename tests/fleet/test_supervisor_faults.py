"""Real fleets that lose the ground they stand on: folders, files, the lock."""

import os
import signal

from tests.fleet import test_supervisor
from tests.fleet.test_supervisor import SUPERVISOR, Up

from flotilla.fleet.folder import Folder, place, write_whole

fleet = test_supervisor.fleet


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


def test_a_fleet_whose_sockets_lie_elsewhere_leaves_nothing_there(tmp_path):
    folder = Folder(place(tmp_path / ("long" * 25) / "fleet.yaml", "far")).make()
    write_whole(folder.fleet_file, b"name: far\nplatforms: {a: {command: [sleep, '99'], ready: started}}\n")
    up = Up(folder, "adopt", SUPERVISOR)
    up.all("ready")
    assert folder.sockets != folder.path

    up.guard.terminate()

    assert up.guard.wait(15) == 0
    assert not folder.sockets.exists()

"""Real fleets that lose the ground they stand on: folders, files, the lock."""

import os
import signal

from tests.fleet import test_supervisor

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

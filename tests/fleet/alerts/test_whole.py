"""A real fleet: what its supervisor raises reaches a person, whatever becomes of the process that tells."""

import contextlib
import os
import signal
import subprocess
import sys

import psutil
import pytest

from flotilla.errors import ProcessError
from flotilla.fleet.control.client import Client
from flotilla.fleet.folder import Folder

FLEET = """
name: day
platforms:
  bad: {command: ["false"], ready: started, max_restart_attempts: 1}
  later: {command: ["false"], ready: started, max_restart_attempts: 0, needs: {good: completed}}
  good: {command: [sh, -c, "while ! [ -e go ]; do sleep 0.05; done"], kind: job}
monitoring: {alerts: {lists: [{to: ["env:HOOK"]}]}}
"""


@pytest.fixture
def day(tmp_path, receiver):
    folder = Folder(tmp_path / ".flotilla" / "fleet" / "day").make()
    folder.fleet_file.write_text(FLEET.replace("[sh, -c", f"[env, -C, {tmp_path}, sh, -c"))
    command = [sys.executable, "-P", "-m", "flotilla.fleet.supervisor", str(folder.path)]
    environment = {name: text for name, text in os.environ.items() if name != "NOTIFY_SOCKET"}
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment | {"HOOK": receiver.url}, stdout=log, stderr=log)
    yield folder
    with contextlib.suppress(ProcessError):
        Client(folder.socket("control"), "test").ask("down")
    process.wait(20)


def test_a_platform_that_fails_is_told_of_and_again_after_a_kill_of_who_tells(day, receiver, tmp_path, until):
    until(lambda: any("bad: failed" in title for title in receiver.titles()), seconds=20)

    for process in who_tells(day):
        process.send_signal(signal.SIGKILL)
    (tmp_path / "go").touch()

    until(lambda: any("later: failed" in title for title in receiver.titles()), seconds=30)
    # Killed after it was sent and before that was written down: then it comes again, with its number.
    told = [message["message"] for message in receiver.messages if "bad: failed" in message["title"]]
    assert set(told) == {"(message 1)"}


def who_tells(folder):
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[-2:] == ["flotilla.fleet.alerts", str(folder.path)]:
                found.append(process)
    assert found
    return found

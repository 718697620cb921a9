"""Under systemd itself, as the manual has it: whoever is killed, what runs runs on, and a stop is in order.

It needs systemd's program, not a machine that systemd has booted: a user's manager runs in a mount namespace.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.process.fleets import kill, wait

from flotilla.errors import FlotillaError
from flotilla.fleet.control.client import Client
from flotilla.fleet.folder import Folder, run_folder_of

pytestmark = pytest.mark.slow
MANUAL = Path(__file__).parents[2] / "docs" / "fleet.md"
FLEET = """
name: under
platforms:
  feed: {command: [sleep, "1000"], ready: started}
  app:
    command: [sh, -c, "trap 'exit 0' TERM; while true; do sleep 0.05; done"]
    needs: [feed]
    ready: started
"""
# A manager believes that it may run where systemd has booted the machine, and asks for a group to divide.
BEGIN = """
mount -t tmpfs none /run && mkdir -p /run/systemd/system
for tree in /sys/fs/cgroup/systemd /sys/fs/cgroup/unified /sys/fs/cgroup; do
    test -w $tree/cgroup.procs && mkdir -p $tree/{name} && echo $$ > $tree/{name}/cgroup.procs
done
exec {systemd} --user --log-target=console
"""


class Manager:
    """A user's systemd, with the unit of the manual for one fleet."""

    def __init__(self, path):
        self.file, self.name = path / "under.yaml", f"flotilla-test-{os.getpid()}"
        self.file.write_text(FLEET)
        self.folder = Folder(run_folder_of(self.file, "under"))
        (unit,) = re.findall(r"```ini\n(.*?)```", MANUAL.read_text(), re.DOTALL)
        program = f"{sys.executable} -m flotilla.cli.main"
        unit = re.sub(r"ExecStart=.*", f"ExecStart={program} fleet up {self.file}", unit)
        (path / "config/systemd/user").mkdir(parents=True)
        (path / "config/systemd/user/flotilla.service").write_text(unit)
        self.env = {**os.environ, "HOME": str(path), "XDG_CONFIG_HOME": str(path / "config")}
        self.env["XDG_RUNTIME_DIR"] = str(path / "run")
        (path / "run").mkdir(mode=0o700)
        script = BEGIN.format(name=self.name, systemd=systemd())
        alone = ["unshare", "-m", "--propagation", "private", "sh", "-c", script]
        with (path / "said").open("wb") as said:
            self.process = subprocess.Popen(alone, env=self.env, stdout=said, stderr=said)
        self.client = Client(self.folder.socket("control"), "test", deadline_s=20.0)

    def ctl(self, *words):
        command = ["systemctl", "--user", *words]
        return subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, check=False)

    def shows(self, name):
        return self.ctl("show", "flotilla", "-p", name, "--value").stdout.strip()

    def pids(self):
        try:
            return {platform.name: platform.pid for platform in self.client.status().platforms}
        except FlotillaError:  # nobody listens yet
            return {}

    def end(self):
        self.ctl("stop", "flotilla")
        self.ctl("exit")
        self.process.wait(20)
        for tree in ("systemd", "unified", ""):
            for folder, _, _ in os.walk(Path("/sys/fs/cgroup", tree, self.name), topdown=False):
                Path(folder).rmdir()


def systemd():
    return shutil.which("systemd") or "/lib/systemd/systemd"


@pytest.fixture
def manager(tmp_path):
    if not Path(systemd()).exists() or not shutil.which("systemctl") or os.getuid() != 0:
        pytest.skip("no systemd, or nobody who may start one here")
    made = Manager(tmp_path)
    yield made
    made.end()


def test_the_manual_s_unit_starts_survives_and_stops(manager):
    wait(lambda: manager.ctl("show", "-p", "Version").returncode == 0, 20.0, "a manager")

    began = manager.ctl("start", "flotilla")  # returns when it has said that it is ready
    before = manager.pids()

    assert (began.returncode, began.stderr) == (0, "")
    assert manager.shows("ActiveState") == "active"
    guard = int(manager.shows("MainPID"))

    kill(manager.folder.holder())
    wait(lambda: manager.folder.generation() == 2 and manager.folder.holder(), 20.0, "another supervisor")
    wait(lambda: manager.pids() == before, 20.0, "the same processes")
    assert int(manager.shows("MainPID")) == guard

    kill(guard)
    wait(lambda: manager.shows("MainPID") not in {"0", str(guard)}, 20.0, "another guard")
    wait(lambda: manager.shows("ActiveState") == "active", 20.0, "active")
    wait(lambda: manager.pids() == before, 20.0, "the same processes, once more")
    assert manager.folder.generation() == 3

    ended = manager.ctl("stop", "flotilla")
    assert (ended.returncode, manager.shows("ActiveState")) == (0, "inactive")
    assert not [pid for pid in before.values() if Path(f"/proc/{pid}").exists()]
    assert json.loads(manager.folder.state_file.read_text())["more"]["down"] is True

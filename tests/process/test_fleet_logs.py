"""A platform writes without pause; its log is rotated, the supervisor is killed: not a line is lost."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.control.client import Client, NoSupervisor
from flotilla.fleet.folder import Folder, run_folder_of
from flotilla.fleet.system.logs import LogFile, segments_of

pytestmark = pytest.mark.slow
KILLS = 6  # then the guard waits longer and longer before it starts the next one
PROGRAM = (sys.executable, "-m", "flotilla.cli.main", "fleet")
FILE = """
name: chatter
monitoring: {sample_every: 0.1}
platforms:
  writer:
    command: [PYTHON, -c, SCRIPT]
    ready: started
    log: {rotate_mb: 0.1, keep: 10000}
"""
SCRIPT = """
import os, signal, time
going = []
signal.signal(signal.SIGTERM, lambda *_: going.append(0))
k = 0
while not going:
    os.write(1, b"".join(b"line %d %s\\n" % (k + i, b"x" * ((k + i) % 90)) for i in range(100)))
    k += 100
    time.sleep(0.004)
os.write(1, b"the end after %d\\n" % k)
"""


@pytest.fixture
def folder(tmp_path):
    """Return the run folder of a fleet that is up."""
    file = tmp_path / "fleet.yaml"
    script = tmp_path / "writer.py"
    script.write_text(SCRIPT)
    text = FILE.replace("PYTHON", sys.executable).replace("-c, SCRIPT", str(script))
    file.write_text(text)
    env = {
        name: value for name, value in os.environ.items() if name not in ("NOTIFY_SOCKET", "FLOTILLA_FLEET")
    }
    up = [*PROGRAM, "up", str(file), "--detach", "--json"]
    subprocess.run(up, check=True, capture_output=True, env=env, timeout=60)
    yield Folder(run_folder_of(file, "chatter"))
    down = [*PROGRAM, "down", "--yes", "--fleet", str(file)]
    for _ in range(40):  # the guard may wait a while before it starts the next supervisor
        if not alive(run_folder_of(file, "chatter")):
            break
        subprocess.run(down, capture_output=True, check=False, env=env)
        sleep(0.5)


def alive(run_folder):
    """Return whether a guard, or a supervisor, of this fleet runs."""
    mark = str(run_folder).encode()
    commands = (path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists())
    return any(mark in command.split(b"\0") for command in commands)


def lines_of(path):
    log, at, found = LogFile(path), 0, b""
    while True:
        at, part = log.read(at, 1 << 20)
        if not part:
            return found.decode().splitlines()
        found += part
        at += len(part)


def answered(client):
    for _ in range(60):
        try:
            return client.status()
        except NoSupervisor:
            sleep(0.5)
    raise AssertionError("no supervisor came")


def test_not_a_line_is_lost_or_doubled(folder):
    random, log, kills = Random(5), folder.log("writer"), 0
    client = Client(folder.socket("control"), "test")
    pid = client.status().find("writer").pid
    end_ns = monotonic_ns() + 120_000_000_000
    while (kills < KILLS or len(segments_of(log)) < 20) and monotonic_ns() < end_ns:
        sleep(0.3 + random.random() * 0.5)
        supervisor = folder.holder()
        if kills < KILLS and supervisor is not None:
            os.kill(supervisor, signal.SIGKILL)
            kills += 1
    status = answered(client)
    client.ask("down")
    while folder.holder() is not None and monotonic_ns() < end_ns:
        sleep(0.05)

    lines = [line for line in lines_of(log) if not line.startswith("-- ")]
    assert status.find("writer").pid == pid
    assert (kills, len(segments_of(log)) >= 20) == (KILLS, True)
    assert lines[-1] == f"the end after {len(lines) - 1}"
    assert [line.split(" ", 2)[1] for line in lines[:-1]] == [str(k) for k in range(len(lines) - 1)]

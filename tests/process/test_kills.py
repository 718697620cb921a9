"""Every role, killed in the middle of a run and started again by hand: nothing is lost, or done twice."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from flotilla.clock import sleep
from flotilla.config import decode
from flotilla.fleet.launch import Command
from flotilla.live.folder import Run, prepare
from flotilla.live.result import LiveResult, lived, read_result
from flotilla.session.replay import commands
from flotilla.stream.table import Store
from flotilla.testing.market import made_market

pytestmark = pytest.mark.slow
BARS = 500


class Hands:
    """Starts roles as a person would, each in a terminal."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.commands = {command.name: command for command in commands(run)}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ears.bind("")
        self.ears.settimeout(60.0)

    def start(self, name: str) -> None:
        """Start a role and wait until it says that it is ready."""
        command: Command = self.commands[name]
        address = "@" + self.ears.getsockname()[1:].decode()
        env = {**os.environ, **command.env, "NOTIFY_SOCKET": address}
        self.processes[name] = subprocess.Popen(command.argv, env=env)
        assert self.ears.recv(64) == b"READY=1"

    def kill(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.ears.close()


@pytest.fixture
def room() -> Iterator[Path]:
    """Return a folder whose path is short enough for sockets in it."""
    made = Path(tempfile.mkdtemp(prefix="fl-"))
    yield made
    shutil.rmtree(made)


def made_run(room: Path, name: str, speed: float | None) -> Run:
    strategies = {"cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 10}}}
    config = decode({"name": "made", "strategies": strategies})
    panel = made_market(seed=6, bars=BARS, instruments=4)
    return prepare(room / name, config, panel, Store(room), speed=speed)


def wait_for(run: Run, bars: int) -> None:
    for _ in range(2_000):
        if lived(run.folder) >= bars:
            return
        sleep(0.01)
    raise AssertionError(f"{lived(run.folder)} bars lived, {bars} expected")


def bits(result: LiveResult) -> tuple[object, ...]:
    arrays = [result.ts, result.equity, result.cash, *result.signals.values()]
    return [a.tobytes() for a in arrays], list(map(repr, result.orders)), list(map(repr, result.fills))


def played(run: Run, deaths: list[str]) -> LiveResult:
    """Play a run to its end; each of `deaths` is killed on the way and started again."""
    hands = Hands(run)
    try:
        for name in hands.commands:
            hands.start(name)
        for n, name in enumerate(deaths):
            wait_for(run, (n + 1) * BARS // (len(deaths) + 1))
            hands.kill(name)
            hands.start(name)
        assert hands.processes["portfolio"].wait(60.0) == 0
    finally:
        hands.close()
    return read_result(run.folder)


def test_each_role_may_be_killed_and_started_again(room):
    undisturbed = played(made_run(room, "undisturbed", None), [])

    result = played(made_run(room, "disturbed", 250.0), ["portfolio", "execution", "strategy-cross", "feed"])

    assert len(undisturbed.fills) > 100
    assert bits(result) == bits(undisturbed)

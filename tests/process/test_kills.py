"""Every role, killed and started again alone: nothing is lost, nothing is done twice.

1. At any moment: replays as a user has them, in a fleet. In each every role is killed once, at a
   random moment and in a random order.
2. Again and again: with a supervisor that never gives up, where some are killed while they recover.
3. At any write: one role is killed as it asks the kernel for its nth write, sync or send. strace
   does that, from outside.
"""

import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.campaign import trials

from flotilla.builtin.gateways import paper
from flotilla.clock import monotonic_ns, sleep
from flotilla.config import RunConfig, decode
from flotilla.fleet.history.events import EventReader
from flotilla.live.folder import Run, prepare
from flotilla.live.progress import simulated_bars
from flotilla.live.result import LiveResult, read_results
from flotilla.research import run as research
from flotilla.session.parity import compare
from flotilla.session.replay import fleet_of, replay
from flotilla.stream.log import LogReader
from flotilla.stream.table import Store
from flotilla.testing.market import made_market

pytestmark = pytest.mark.slow
TRIALS, FEW = trials(10, 100), trials(4, 30)
SEED = 1  # of the first; the others follow
BARS = 800
SPEED = 250.0  # bars a second
PATIENCE_S = 60.0
WRITES = "pwrite64,fdatasync,write,sendto,sendmsg,ftruncate,unlink"
MOST_WRITES = {"feed": 2.0, "execution": 2.5, "strategy": 1.8, "portfolio": 2.6}  # about, log10
_CREDENTIALS = struct.Struct("3i")


def traces() -> bool:
    """Return whether processes may be traced here."""
    if not shutil.which("strace"):
        return False
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


class Warden:
    """Starts a run's roles, and starts again at once whoever dies."""

    def __init__(self, run: Run) -> None:
        self.run, self.done, self.deaths = run, False, 0
        self.commands = fleet_of(run).platforms
        self.before: dict[str, tuple[str, ...]] = {}  # what a role is run by, the first time
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ready: set[int] = set()
        self.ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.ears.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.ears.bind("")
        self.ears.setblocking(False)

    def start(self) -> None:
        """Start the roles, each once the one before it is ready."""
        for name in self.commands:
            process = self.spawn(name)
            end = monotonic_ns() + int(PATIENCE_S * 1e9)
            while process.pid not in self.ready:
                assert monotonic_ns() < end, f"{name} is not ready"
                self.look(0.002)
                process = self.processes[name]

    def spawn(self, name: str) -> subprocess.Popen[bytes]:
        address = "@" + self.ears.getsockname()[1:].decode()
        command = self.commands[name]
        env = {**os.environ, **command.env, "NOTIFY_SOCKET": address}
        argv = [*self.before.pop(name, ()), *command.command]
        with (self.run.folder / f"{name}.out").open("ab") as out:
            self.processes[name] = subprocess.Popen(argv, env=env, stdout=out, stderr=out)
        return self.processes[name]

    def look(self, seconds: float) -> None:
        """Watch for a while: hear who is ready, and start again who died."""
        end = monotonic_ns() + int(seconds * 1e9)
        while True:
            self.hear()
            for name, process in list(self.processes.items()):
                if process.poll() is not None and not (self.done and name == "portfolio"):
                    self.died(name, process.returncode)
            if monotonic_ns() >= end:
                return
            sleep(0.001)

    def hear(self) -> None:
        while True:
            try:
                message, ancillary, *_ = self.ears.recvmsg(256, socket.CMSG_SPACE(_CREDENTIALS.size))
            except BlockingIOError:
                return
            if b"READY=1" in message.split(b"\n"):
                self.ready |= {_CREDENTIALS.unpack(data)[0] for _, _, data in ancillary}

    def died(self, name: str, code: int) -> None:
        if name == "portfolio" and code == 0:
            self.done = True
            return
        said = (self.run.folder / f"{name}.out").read_text()
        assert code == -signal.SIGKILL, f"{name} ended by itself, with exit code {code}: {said}"
        self.deaths += 1
        self.spawn(name)

    def kill(self, name: str) -> None:
        self.processes[name].kill()

    def finish(self) -> LiveResult:
        end = monotonic_ns() + int(PATIENCE_S * 1e9)
        while not self.done:
            assert monotonic_ns() < end, (
                f"{simulated_bars(self.run)} of {BARS} bars were simulated, and it goes no further"
            )
            self.look(0.01)
        (result,) = read_results(self.run).values()
        return result

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
            process.wait()
        self.ears.close()


@pytest.fixture(scope="module")
def room() -> Iterator[Path]:
    """Return a folder whose path is short enough for sockets in it."""
    made = Path(tempfile.mkdtemp(prefix="fl-"))
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def undisturbed(room: Path) -> LiveResult:
    """Return what the run comes to if nobody dies."""
    warden = Warden(made_run(room, "undisturbed", None))
    try:
        warden.start()
        return warden.finish()
    finally:
        warden.close()


def made_config() -> RunConfig:
    return decode(
        {"name": "made", "strategies": {"cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 10}}}}
    )


def made_run(room: Path, name: str, speed: float | None = SPEED) -> Run:
    panel = made_market(seed=6, bars=BARS, instruments=4)
    return prepare(room / name, made_config(), panel, Store(room), speed=speed)


def bits(result: LiveResult) -> tuple[object, ...]:
    arrays = [result.ts, result.equity, result.cash, *result.signals.values()]
    return [a.tobytes() for a in arrays], list(map(repr, result.orders)), list(map(repr, result.fills))


def sent_to_gateway(run: Run) -> list[str]:
    """Return the ids of the orders that the paper broker was sent, from its own journal."""
    with closing(LogReader(run.log("gateway"), paper.STREAM)) as log:
        return [paper.ORDERS.decode(row.payload).order_id for row in log.read(0, 1_000_000)]


def disturb(warden: Warden, chance: random.Random) -> None:
    """Kill every role once, each after a random share of the bars; some a second time, soon after."""
    names = chance.sample(list(warden.commands), len(warden.commands))
    for name, bar in zip(names, sorted(chance.uniform(0, 0.6 * BARS) for _ in names), strict=True):
        end = monotonic_ns() + int(PATIENCE_S * 1e9)
        while simulated_bars(warden.run) < bar:
            assert monotonic_ns() < end, f"it does not go on from bar {simulated_bars(warden.run)} of {BARS}"
            warden.look(0.002)
        warden.look(chance.uniform(0, 0.05))
        warden.kill(name)
        if chance.random() < 0.5:
            warden.look(chance.uniform(0, 1.0))
            warden.kill(name)


def test_undisturbed_it_comes_to_what_research_comes_to(undisturbed):
    found = compare(undisturbed, research(made_config(), panel=made_market(seed=6, bars=BARS, instruments=4)))

    assert len(undisturbed.fills) > 100
    assert found.differences == []


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEED, SEED + TRIALS))
def test_each_role_of_a_fleet_may_be_killed(room, undisturbed, seed):
    run = made_run(room, f"fleet-{seed}")
    fates = Fates(run, random.Random(seed))

    (result,) = replay(run, fates.meet).values()

    assert fates.met
    assert fates.met <= killed(run)
    assert_unharmed(run, result, undisturbed)


def killed(run: Run) -> set[str]:
    """Return which processes were killed, as the fleet saw it."""
    with closing(EventReader(run.folder / "fleet" / "events.db")) as events:
        ends = [event for event in events.read() if event.kind == "exited"]
    return {end.platform for end in ends if end.data["code"] == -signal.SIGKILL}


class Fates:
    """Kills every role of a replay once, each when a random share of the bars is simulated.

    Where this process gets no processor for seconds, the last of them may have ended before.
    """

    def __init__(self, run: Run, chance: random.Random) -> None:
        self.run, self.chance = run, chance
        self.met: set[str] = set()
        logs = {"feed": "bars", "execution": "orders", "portfolio": "portfolio"}
        logs |= {f"strategy-{name}": f"signals-{name}" for name in run.strategies}
        due = sorted(chance.uniform(0, 0.5 * BARS) for _ in logs)
        self.coming = [*zip(due, chance.sample(sorted(logs.items()), len(logs)), strict=True)]

    def meet(self, done: int, bars: int) -> None:
        while done < bars and self.coming and done >= self.coming[0][0]:
            _, (name, log) = self.coming[0]
            sleep(self.chance.uniform(0, 0.1))
            try:  # by their logs, whose locks say who they are
                os.kill(int(Path(f"{self.run.log(log)}.lock").read_text()), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError, ValueError):
                return  # it begins, or begins again: the next time
            self.met.add(name)
            del self.coming[0]


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEED, SEED + FEW))
def test_roles_may_be_killed_while_they_recover(room, undisturbed, seed):
    run = made_run(room, f"disturbed-{seed}")
    warden = Warden(run)
    try:
        warden.start()
        disturb(warden, random.Random(seed))
        result = warden.finish()
    finally:
        warden.close()

    assert warden.deaths >= len(warden.commands)
    assert_unharmed(run, result, undisturbed)


@pytest.mark.skipif(not traces(), reason="strace is not here, or may not trace")
@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(SEED, SEED + FEW))
def test_a_role_may_be_killed_at_any_write(room, undisturbed, seed):
    run = made_run(room, f"struck-{seed}", None)
    warden = Warden(run)
    chance = random.Random(seed)
    name = list(warden.commands)[seed % len(warden.commands)]
    nth = int(10 ** chance.uniform(0, MOST_WRITES[name.partition("-")[0]]))
    strike = ("-e", f"trace={WRITES}", "-e", f"inject={WRITES}:signal=KILL:when={nth}")
    warden.before[name] = ("strace", "-D", "-f", "-qq", "-o", "/dev/null", *strike)
    try:
        warden.start()
        result = warden.finish()
    finally:
        warden.close()

    assert_unharmed(run, result, undisturbed)


def assert_unharmed(run: Run, result: LiveResult, undisturbed: LiveResult) -> None:
    """Assert that a run came to what it comes to if nobody dies; then throw it away."""
    assert bits(result) == bits(undisturbed)
    sent = sent_to_gateway(run)
    assert sorted(sent) == sorted(set(sent)) == sorted(order.order_id for order in undisturbed.orders)
    shutil.rmtree(run.folder)

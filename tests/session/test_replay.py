"""A replay in a fleet of its own: the same bits, whoever dies on the way, and after a stop or a kill."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.config import RunConfig, decode
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.history.events import EventReader
from flotilla.live.folder import Run, prepare
from flotilla.live.progress import simulated_bars
from flotilla.live.result import LiveResult
from flotilla.session.replay import fleet_of, replay
from flotilla.stream.table import Store
from flotilla.testing.market import made_market

pytestmark = pytest.mark.slow  # four processes that load compiled code take seconds to start
BARS = 300


@pytest.fixture
def room() -> Iterator[Path]:
    """Return a folder whose path is short enough for sockets in it."""
    made = Path(tempfile.mkdtemp(prefix="fl-"))
    yield made
    shutil.rmtree(made)


def config(kind: str = "ma_cross", **params: object) -> RunConfig:
    params = params or {"fast": 3, "slow": 10}
    return decode({"name": "made", "strategies": {"cross": {"kind": kind, "params": params}}})


def made_run(room: Path, name: str, speed: float | None = None) -> Run:
    panel = made_market(seed=5, bars=BARS, instruments=4)
    return prepare(room / name, config(), panel, Store(room), speed=speed)


def played(*args: object) -> LiveResult:
    """Return what the one portfolio of a run did."""
    (result,) = replay(*args).values()
    return result


def bits(result: LiveResult) -> tuple[object, ...]:
    """Return what two results must have in common; not how long answers took."""
    arrays = [result.ts, result.equity, result.cash, *result.signals.values()]
    return [a.tobytes() for a in arrays], list(map(repr, result.orders)), list(map(repr, result.fills))


def test_a_replay_lives_every_bar_and_comes_to_the_same_when_a_role_dies(room):
    seen: list[tuple[int, int]] = []
    whole = played(made_run(room, "whole"), lambda done, bars: seen.append((done, bars)))

    broken = made_run(room, "broken", speed=60.0)
    deaths: list[int] = []
    again = played(broken, lambda done, _: kill(broken, "orders", deaths) if done > 40 else None)

    assert (len(whole.ts), seen[-1]) == (BARS, (BARS, BARS))
    assert len(whole.fills) > 50
    assert len(whole.ack_ns) > 0
    assert exits(broken)["execution"] == [-9, 0]
    assert bits(again) == bits(whole)


def kill(run: Run, log: str, deaths: list[int]) -> None:
    """Kill the process that writes a log, once."""
    if not deaths:
        deaths.append(int(Path(f"{run.log(log)}.lock").read_text()))
        with suppress(ProcessLookupError):
            os.kill(deaths[0], signal.SIGKILL)


def exits(run: Run) -> dict[str, list[int]]:
    """Return how often each process ended, and with what exit code."""
    found: dict[str, list[int]] = {}
    with closing(EventReader(run.folder / "fleet" / "events.db")) as events:
        for event in events.read():
            if event.kind == "exited":
                found.setdefault(event.platform, []).append(event.data["code"])
    return found


REPLAYS = """
import sys
from pathlib import Path
from flotilla.live.folder import Run
from flotilla.session.replay import replay
(result,) = replay(Run.read(Path(sys.argv[1])), lambda done, _: print(done, flush=True)).values()
print("left with", len(result.ts))
"""


def begun(run: Run, bars: int) -> subprocess.Popen[str]:
    """Return another process, that replays `run` and has simulated so many bars."""
    argv = [sys.executable, "-c", REPLAYS, str(run.folder)]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if int(line) > bars:
            break
    return process


def test_a_replay_that_is_asked_to_stop_stops_all_and_goes_on_later(room):
    run = made_run(room, "run", speed=30.0)
    with begun(run, 20) as first:
        first.send_signal(signal.SIGINT)
        rest = first.stdout.read().splitlines()

    assert 20 < int(rest[-1].removeprefix("left with ")) < BARS
    assert set(map(tuple, exits(run).values())) == {(0,)}  # each in order, none killed
    assert not Path(run.manifest.sockets).exists()
    assert len(played(made_run(room, "run")).ts) == BARS


def test_a_replay_that_is_killed_leaves_nobody_and_goes_on_later(room):
    whole = played(made_run(room, "whole"))
    run = made_run(room, "run", speed=30.0)
    with begun(run, 20) as first:
        first.kill()
    assert simulated_bars(run) < BARS
    end = monotonic_ns() + 20_000_000_000
    while marked(run):
        assert monotonic_ns() < end, f"{marked(run)} are left"
        sleep(0.05)

    assert bits(played(made_run(room, "run"))) == bits(whole)


def marked(run: Run) -> list[int]:
    """Return the processes that have to do with a run."""
    found = []
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and str(run.folder).encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def test_a_role_that_hangs_is_found_and_started_again(room, monkeypatch):
    monkeypatch.setattr("flotilla.session.replay._BEAT_S", 0.6)
    whole = played(made_run(room, "whole"))
    run, stopped = made_run(room, "run", speed=100.0), []

    def stop(done: int, _bars: int) -> None:
        if done > 40 and not stopped:
            stopped.append(int(Path(f"{run.log('orders')}.lock").read_text()))
            os.kill(stopped[0], signal.SIGSTOP)

    again = played(run, stop)

    assert exits(run)["execution"] == [-9, 0]
    assert bits(again) == bits(whole)


def test_a_role_that_dies_again_and_again_takes_the_replay_down_and_is_named_with_its_last_lines(room):
    (room / "mine.py").write_text("def broken(n: int = 1):\n    raise ValueError('the reason')\n")
    panel = made_market(seed=5, bars=BARS, instruments=4)
    run = prepare(room / "run", config("mine:broken", n=1), panel, Store(room), plugins=room)

    with pytest.raises(ProcessError, match=r"strategy-cross failed(.*\n)*.*the reason"):
        replay(run)

    assert marked(run) == []


def test_each_role_is_a_platform_that_starts_when_what_it_reads_has_started(room):
    run = made_run(room, "run")

    platforms = fleet_of(run).platforms

    assert list(platforms) == ["feed", "execution", "strategy-cross", "portfolio"]
    assert {name: set(platform.needs.values()) for name, platform in platforms.items()} == {
        "feed": set(),
        "execution": {"started"},
        "strategy-cross": {"started"},
        "portfolio": {"started"},
    }
    assert [name for name, platform in platforms.items() if platform.kind == "job"] == ["portfolio"]
    assert platforms["feed"].command[1:] == ("-P", "-m", "flotilla.live.feed", str(run.folder), "")


def test_another_run_is_not_replayed_in_the_same_folder(room):
    made_run(room, "run")

    with pytest.raises(ConfigError, match="holds another run"):
        prepare(room / "run", config(), made_market(seed=6, bars=BARS, instruments=4), Store(room))

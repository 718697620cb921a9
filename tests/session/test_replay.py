"""A replay in processes of its own: the same bits again, and again after a death."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from flotilla.config import RunConfig, decode
from flotilla.errors import ConfigError, ProcessError
from flotilla.live.folder import Run, prepare
from flotilla.live.result import LiveResult
from flotilla.session.replay import commands, replay
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


def config(**portfolio: object) -> RunConfig:
    strategies = {"cross": {"kind": "ma_cross", "params": {"fast": 3, "slow": 10}}}
    return decode({"name": "made", "strategies": strategies, "portfolio": portfolio})


def made_run(room: Path, name: str, speed: float | None = None) -> Run:
    panel = made_market(seed=5, bars=BARS, instruments=4)
    return prepare(room / name, config(), panel, Store(room), speed=speed)


def bits(result: LiveResult) -> tuple[object, ...]:
    """Return what two results must have in common; not how long answers took."""
    arrays = [result.ts, result.equity, result.cash, *result.signals.values()]
    return [a.tobytes() for a in arrays], list(map(repr, result.orders)), list(map(repr, result.fills))


def test_a_replay_lives_every_bar_and_gives_the_same_bits_again_after_a_death(room):
    seen: list[tuple[int, int]] = []
    whole = replay(made_run(room, "whole"), lambda done, bars: seen.append((done, bars)))

    broken = made_run(room, "broken", speed=200.0)
    with pytest.raises(ProcessError, match="execution was killed by SIGKILL"):
        replay(broken, lambda done, _: kill(broken, "orders") if done > 40 else None)
    again = replay(broken)

    assert (len(whole.ts), seen[-1]) == (BARS, (BARS, BARS))
    assert len(whole.fills) > 50
    assert len(whole.ack_ns) > 0
    assert bits(again) == bits(whole)


STOPS = """
import sys
from pathlib import Path
from flotilla.live.folder import Run
from flotilla.session.replay import replay
result = replay(Run.read(Path(sys.argv[1])), lambda done, _: print(done, flush=True))
print("left with", len(result.ts))
"""


def test_a_replay_that_is_asked_to_stop_stops_all_and_goes_on_later(room):
    run = made_run(room, "run", speed=100.0)
    argv = [sys.executable, "-c", STOPS, str(run.folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as first:
        for line in first.stdout:
            if int(line) > 20:
                first.send_signal(signal.SIGINT)
                break
        rest = first.stdout.read().splitlines()

    assert 20 < int(rest[-1].removeprefix("left with ")) < BARS
    assert not Path(run.manifest.sockets).exists()
    assert len(replay(run).ts) == BARS


def kill(run: Run, log: str) -> None:
    """Kill the process that writes a log, if it is there still."""
    with suppress(ProcessLookupError):
        os.kill(int(Path(f"{run.log(log)}.lock").read_text()), signal.SIGKILL)


def test_what_starts_first_is_what_the_others_read(room):
    run = made_run(room, "run")

    named = {command.name: command for command in commands(run)}

    assert list(named) == ["feed", "execution", "strategy-cross", "portfolio"]
    assert named["portfolio"].ends
    assert named["strategy-cross"].beside
    assert named["feed"].argv[1:] == ("-P", "-m", "flotilla.live.feed", str(run.folder), "")


def test_another_run_is_not_replayed_in_the_same_folder(room):
    made_run(room, "run")

    with pytest.raises(ConfigError, match="holds another run"):
        prepare(room / "run", config(), made_market(seed=6, bars=BARS, instruments=4), Store(room))

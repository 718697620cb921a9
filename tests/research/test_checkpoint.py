"""A sweep that was killed goes on where it was, and ends in the same bits."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import pytest
from msgspec.json import encode

import flotilla
from flotilla.config import decode
from flotilla.research import sweep
from flotilla.stream.table import Store
from flotilla.testing import made_market

STRETCH = 16  # rows between two checkpoints, at the least
CONFIG = {
    "name": "killed",
    "strategies": {
        "cross": {"kind": "ma_cross", "weight": 2.0},
        "rsi": {"kind": "rsi_reversion", "params": {"n": 5}},
        "momentum": {"kind": "momentum", "params": {"lookback": 40, "skip": 5, "top": 2}},
        "smooth": {"kind": "mine:smooth"},
        "streak": {"kind": "mine:Streak"},
    },
    "portfolio": {"max_drawdown": 0.5, "rebalance": "change"},
    "sweep": {
        "cross.fast": [2, 3, 4, 5],
        "cross.slow": {"from": 10, "to": 40, "step": 10},
        "rsi.low": [30.0, 45.0],
        "smooth.n": [3, 7],
        "portfolio.lot": [0.0, 10.0],
    },
}
MINE = """
import numpy as np
from flotilla.stage import OnBar, close, delay, ema, rolling_max, rolling_min, std, rolling_sum

def smooth(n: int = 3):
    ratio = close / delay(close, n)  # no whole ticks
    wide = rolling_max(close, n) - rolling_min(close, n) > std(close, n)
    return (ema(ratio, n) > rolling_sum(ratio, 2 * n) / (2 * n)) & wide

class Streak(OnBar):
    def start(self, instruments):
        return {"last": np.zeros(instruments), "run": np.zeros(instruments)}

    def on_bar(self, state, bar):
        state["run"][:] = np.where(bar.close >= state["last"], state["run"] + 1, 0)
        state["last"][:] = bar.close
        return (state["run"] >= 2) * 1.0
"""
RUN = """
import sys
from pathlib import Path
from flotilla.config import decode
from flotilla.portfolio import lanes
from flotilla.research import sweep
from flotilla.stream.table import Store
from flotilla.testing import made_market
from msgspec.json import decode as plain

lanes.FEATURE_BYTES = 1
folder = Path(sys.argv[1])
config = decode(plain((folder / "config.json").read_bytes()))
panel = made_market(seed=4, bars=2000, instruments=5)

def progress(done, rows):
    print(done, flush=True)
    sys.stdin.readline()  # it goes on when it was heard: so it is killed before its end, however late

sweep(config, folder=folder, panel=panel, store=Store(folder), checkpoint_s=0.0, workers=2, progress=progress)
print("done", flush=True)
"""


class Killed(Exception):
    """The sweep stops here, as if it were killed between two checkpoints."""


@pytest.fixture(autouse=True)
def mine(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def begun(tmp_path, store, *, bars=200, until=None, fresh=False, config=CONFIG):
    """Sweep, and raise Killed when so many rows are done. Return the table and how many rows were told of."""
    told = []

    def progress(done, rows):
        told.append(done)
        if done == until:
            raise Killed

    panel = made_market(seed=4, bars=bars, instruments=5)
    with patch("flotilla.portfolio.lanes.FEATURE_BYTES", 1):
        result = sweep(
            decode(config), folder=tmp_path, panel=panel, store=store, fresh=fresh, checkpoint_s=0.0,
            progress=progress,
        )  # fmt: skip
    return bits(result.table), told


def bits(table):
    return {name: repr(table[name].to_list()) for name in table.columns}


def kept(store):
    folder = store.folder.parent / "checkpoints"
    return list(folder.iterdir()) if folder.is_dir() else []


@pytest.mark.parametrize("until", [16, 96, 176])
def test_what_was_stopped_goes_on_where_it_was_with_the_same_bits(until, tmp_path, store):
    whole, _ = begun(tmp_path, None)
    with pytest.raises(Killed):
        begun(tmp_path, store, until=until)

    table, told = begun(tmp_path, store)

    assert told[0] == until + STRETCH
    assert table == whole
    assert kept(store) == []


def test_it_may_be_stopped_again_and_again(tmp_path, store):
    whole, _ = begun(tmp_path, None)
    for until in range(STRETCH, 192, STRETCH):
        with pytest.raises(Killed):
            begun(tmp_path, store, until=until)

    table, told = begun(tmp_path, store)

    assert told == [192, 200]
    assert table == whole


def test_of_several_families_the_one_that_was_stopped_goes_on(tmp_path, store):
    config = CONFIG | {"sweep": {"cross.fast": [2, 3], "portfolio.size_at": ["decision", "fill"]}}
    whole, _ = begun(tmp_path, None, config=config)
    with pytest.raises(Killed):
        begun(tmp_path, store, until=200 + 96, config=config)

    table, told = begun(tmp_path, store, config=config)

    assert 200 + 96 not in told
    assert told[-1] == 400
    assert table == whole


@pytest.mark.parametrize(
    "damage",
    [
        lambda blob: b"",
        lambda blob: blob[:-1],
        lambda blob: blob[: len(blob) // 2] + bytes([blob[len(blob) // 2] ^ 1]) + blob[len(blob) // 2 + 1 :],
        lambda blob: b"not a state at all",
    ],
    ids=["empty", "short", "one bit", "something else"],
)
def test_a_damaged_checkpoint_counts_as_none(damage, tmp_path, store):
    whole, _ = begun(tmp_path, None)
    with pytest.raises(Killed):
        begun(tmp_path, store, until=96)
    (path,) = kept(store)
    path.write_bytes(damage(path.read_bytes()))

    table, told = begun(tmp_path, store)

    assert told[0] == STRETCH
    assert table == whole


def test_a_checkpoint_is_of_its_own_sweep_only(tmp_path, store):
    other = CONFIG | {"portfolio": {"max_drawdown": 0.4}}
    with pytest.raises(Killed):
        begun(tmp_path, store, until=96)

    _, told = begun(tmp_path, store, config=other)

    assert told[0] == STRETCH
    assert len(kept(store)) == 1


def test_a_fresh_sweep_begins_at_the_beginning(tmp_path, store):
    with pytest.raises(Killed):
        begun(tmp_path, store, until=96)

    _, told = begun(tmp_path, store, fresh=True)

    assert told[0] == STRETCH


def test_without_a_store_nothing_is_written(tmp_path):
    begun(tmp_path, None)

    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["mine.py"]


def test_a_process_killed_with_9_again_and_again_ends_in_the_same_bytes(tmp_path, store):
    (tmp_path / "run.py").write_text(RUN)
    (tmp_path / "config.json").write_bytes(encode(CONFIG))
    environment = os.environ | {"PYTHONPATH": str(Path(flotilla.__file__).parents[1])}
    reached = 0
    for after in (3, 11, 25):
        with subprocess.Popen(
            [sys.executable, "-W", "error", str(tmp_path / "run.py"), str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
        ) as process:  # fmt: skip
            lines = []
            while len(lines) < after:
                lines.append(int(process.stdout.readline()))
                process.stdin.write("\n")
                process.stdin.flush()
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert lines[0] > reached
        reached = lines[-1]

    table, told = begun(tmp_path, store, bars=2000)

    whole, _ = begun(tmp_path, None, bars=2000)
    assert told[0] > reached
    assert table == whole
    assert kept(store) == []


def test_a_result_says_whether_it_went_on_for_its_seconds_are_then_not_those_of_the_whole(tmp_path, store):
    panel = made_market(seed=4, bars=200, instruments=5)  # as `begun` has it
    with pytest.raises(Killed):
        begun(tmp_path, store, until=96)

    on = sweep(decode(CONFIG), folder=tmp_path, panel=panel, store=store)
    again = sweep(decode(CONFIG), folder=tmp_path, panel=panel, store=store)
    anew = sweep(decode(CONFIG), folder=tmp_path, panel=panel)

    assert [(r.resumed, r.reused) for r in (on, again, anew)] == [
        (True, False),
        (False, True),
        (False, False),
    ]

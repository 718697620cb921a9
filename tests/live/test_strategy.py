"""A strategy's signals: one for every bar, the same however the bars come."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import msgspec
import numpy as np
import pytest

from flotilla.errors import ConfigError, DataError, StageError
from flotilla.live import strategy
from flotilla.live.folder import Run
from flotilla.live.messages import SIGNALS, arrays
from flotilla.stream.log import LogReader


def said(run: Run, name: str) -> np.ndarray:
    log = LogReader(run.log(f"signals-{name}"), "signals")
    rows = [SIGNALS.decode(row.payload) for row in log.read(0, 10_000)]
    log.close()
    assert [row.bar for row in rows] == list(range(run.manifest.first, run.manifest.first + len(rows)))
    return arrays([row.strengths for row in rows], (run.shape[1],))


@pytest.mark.parametrize("name", ["cross", "monthly", "streak"])
@pytest.mark.parametrize("chunk", [1, 7, 512])
def test_a_strategy_says_the_same_in_chunks_of_any_size(cast, wanted, monkeypatch, name, chunk):
    monkeypatch.setattr(strategy, "CHUNK", chunk)
    cast.start("feed")
    for _ in range(10):
        cast.step("feed")
    cast.start(name)
    for _ in range(200):
        cast.step(name)

    assert said(cast.run, name).tobytes() == wanted.signals[name].tobytes()


@pytest.mark.parametrize("keep", [1, 1_000])
def test_a_strategy_that_died_says_nothing_twice_and_nothing_else(cast, wanted, monkeypatch, keep):
    monkeypatch.setattr(strategy, "KEEP_BARS", keep)
    monkeypatch.setattr(strategy, "CHUNK", 5)
    cast.start("feed")
    for _ in range(10):
        cast.step("feed")
    for _ in range(12):
        cast.start("streak")
        cast.step("streak")
        cast.step("streak")
        cast.kill("streak")

    result = said(cast.run, "streak")

    assert len(result) == (12 * (1 + 2) if keep == 1 else 1 + 2)  # it begins with one bar, then takes two
    assert result.tobytes() == wanted.signals["streak"][: len(result)].tobytes()


def test_a_plugin_that_gives_no_expression_is_refused(run, room):
    (room / "odd.py").write_text("def odd():\n    return 5\n")
    odd = msgspec.structs.replace(run.config.strategies["cross"], kind="odd:odd")
    run.config = msgspec.structs.replace(run.config, strategies={"cross": odd})

    with ExitStack() as stack, pytest.raises(ConfigError, match="strategy 'cross' gave int"):
        strategy.root_of(run, "cross", stack)


def test_a_damaged_state_is_named(cast):
    cast.start("feed")
    cast.step("feed")
    cast.start("cross")
    cast.step("cross")
    cast.roles["cross"].keep()
    cast.kill("cross")
    path = cast.run.log("signals-cross")
    content = path.read_bytes()
    at = content.rindex(b"banks")
    path.write_bytes(content[:at] + b"Banks" + content[at + 5 :])

    with pytest.raises(DataError, match="checkpoint of cross is damaged"):
        cast.start("cross")


def test_a_signal_that_is_none_is_refused_with_its_time_and_instrument(cast, monkeypatch):
    cast.start("feed")
    cast.step("feed")
    cast.start("streak")
    stage = cast.roles["streak"]._root.params[0]
    monkeypatch.setattr(
        stage, "on_bar", lambda _state, bar: np.where(bar.close > 0, 2.0, np.nan), raising=False
    )

    with pytest.raises(StageError, match=r"Streak at 2000-02-.* for M.: it says 2, and a signal is between"):
        cast.step("streak")


def asked_by_another(role):
    """Return what a role tells another thread of what it is about."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(role.about).result(20)


def test_while_it_runs_it_tells_another_thread_which_bar_it_is_at(cast, monkeypatch):
    cast.start("feed")
    for _ in range(10):
        cast.step("feed")
    cast.start("streak")
    role, told = cast.roles["streak"], []

    def on_bar(_state, bar):
        told.append(asked_by_another(role))
        return bar.close * 0.0

    monkeypatch.setattr(role._root.params[0], "on_bar", on_bar)
    for _ in range(3):
        cast.step("streak")

    first = cast.run.manifest.first  # in chunks of one bar, of two, of four
    days = np.datetime_as_string(cast.run.panel().ts_event[first:].astype("datetime64[ns]"), "s")
    assert told == [f"strategy streak, at bar {first + n} ({days[n]}Z)" for n in range(1 + 2 + 4)]


def test_of_a_stage_that_takes_many_bars_at_once_it_is_told_which_it_was_handed(cast, monkeypatch):
    cast.start("feed")
    for _ in range(10):
        cast.step("feed")
    cast.start("cross")
    role, told = cast.roles["cross"], []
    advance = role._runner.advance

    def asked(*rows):
        told.append(asked_by_another(role))
        return advance(*rows)

    monkeypatch.setattr(role._runner, "advance", asked)
    for _ in range(2):
        cast.step("cross")

    first = cast.run.manifest.first
    days = np.datetime_as_string(cast.run.panel().ts_event[first:].astype("datetime64[ns]"), "s")
    assert told == [
        f"strategy cross, at bar {first} ({days[0]}Z)",
        f"strategy cross, at bars {first + 1} to {first + 2} (from {days[1]}Z on)",
    ]


def test_a_slow_strategy_takes_no_more_bars_at_once_than_it_has_time_for(cast, monkeypatch):
    cast.start("feed")
    for _ in range(10):
        cast.step("feed")
    cast.start("streak")
    role, chunks = cast.roles["streak"], []
    advance, clock = role._runner.advance, [0]

    def slow(fields, times):
        chunks.append(len(times))
        clock[0] += len(times) * 300_000_000  # 0.3 s a bar
        return advance(fields, times)

    monkeypatch.setattr(role._runner, "advance", slow)
    monkeypatch.setattr(strategy, "monotonic_ns", lambda: clock[0])
    for _ in range(5):
        cast.step("streak")

    assert chunks == [1, 2, 3, 3, 3]

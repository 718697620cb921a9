"""The feed: every bar once, not too far ahead, not faster than it should be."""

import msgspec
import numpy as np
import pytest

from flotilla.clock import monotonic_ns
from flotilla.live import feed
from flotilla.live.folder import FILE, Run
from flotilla.live.messages import BARS, arrays
from flotilla.model.wire import Bar, Closing
from flotilla.stream.log import LogReader, LogWriter


def written(run: Run) -> list[Bar | Closing]:
    log = LogReader(run.log("bars"), "bars")
    rows = log.read(0, 10_000)
    log.close()
    return [BARS.decode(row.payload) for row in rows]


def test_the_bars_of_the_panel_are_written_from_the_first_on_and_then_that_there_are_no_more(cast, panel):
    cast.start("feed")
    for _ in range(20):
        cast.step("feed")
    *bars, closing = written(cast.run)

    first, count = cast.run.manifest.first, len(panel.ts_event)
    assert [bar.bar for bar in bars] == list(range(first, count))
    assert [bar.ts_event for bar in bars] == panel.ts_event[first:].tolist()
    values = arrays([bar.values for bar in bars], cast.run.shape)
    stacked = np.stack([panel.fields[name] for name in cast.run.manifest.fields], axis=1)
    assert values.tobytes() == stacked[first:].tobytes()
    assert closing == Closing(count)


def test_a_feed_that_died_goes_on_after_the_last_bar_that_it_wrote(cast):
    cast.start("feed")
    cast.step("feed")
    before = len(written(cast.run))
    cast.kill("feed")
    cast.start("feed")
    for _ in range(20):
        cast.step("feed")

    bars = [bar.bar for bar in written(cast.run)]
    assert 0 < before < len(bars)
    assert bars == list(range(bars[0], bars[0] + len(bars)))


def test_the_feed_waits_for_the_slowest_role(cast, monkeypatch):
    monkeypatch.setattr(feed, "WINDOW", 10)
    cast.start("feed")
    for _ in range(5):
        cast.step("feed")
    assert len(written(cast.run)) == 10

    for name in cast.run.strategies:  # all strategies are done with four bars, the portfolio with none
        log = LogWriter(cast.run.log(f"signals-{name}"), ["signals"])
        log.append("signals", [(0, b"")] * 4)
        log.close()
    cast.step("feed")
    assert len(written(cast.run)) == 10

    portfolio = LogWriter(cast.run.log("portfolio"), ["equity", "acks"])
    portfolio.append("equity", [(0, b"")] * 3)
    portfolio.close()
    for _ in range(5):
        cast.step("feed")
    assert len(written(cast.run)) == 13


@pytest.fixture
def slow(run: Run) -> Run:
    """Return the run at 200 bars a second."""
    manifest = msgspec.structs.replace(run.manifest, speed=200.0)
    (run.folder / FILE).write_bytes(msgspec.json.encode(manifest))
    return Run.read(run.folder)


def test_a_given_speed_is_kept_from_when_all_are_there(slow, cast):
    cast.run = slow
    cast.start("feed")
    for _ in range(5):
        cast.roles["feed"].step(0.01)
    assert written(slow) == []

    for name in ("execution", *slow.strategies, "portfolio"):
        cast.start(name)
    before = monotonic_ns()
    while len(written(slow)) < 21:
        cast.roles["feed"].step(0.05)

    assert monotonic_ns() - before >= 20 * 5_000_000

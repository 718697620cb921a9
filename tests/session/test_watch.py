"""What whoever waits for a run is told: what was taken away, what is waited for, and not each small thing."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from flotilla.errors import ProcessError
from flotilla.live.roles import processes
from flotilla.session import watch as module
from flotilla.session.watch import Watch


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def watch(tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Return a watch of a run of 100 bars, with one strategy."""
    run = SimpleNamespace(
        folder=tmp_path,
        log=lambda name: tmp_path / f"{name}.db",
        processes=processes(("cross",)),
        manifest=SimpleNamespace(bars=100, speed=None),
    )
    monkeypatch.setattr(module, "monotonic_ns", lambda: clock.ns)
    clock.ns = 0
    return Watch(run, told.append)


clock = SimpleNamespace(ns=0)


def ready() -> dict[str, str]:
    return {}


@pytest.mark.parametrize("name", ["run.json", "orders.db", "gateway.db", "signals-cross.db"])
@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_of_the_run_that_is_taken_away_ends_it_and_is_named(watch, tmp_path, name, replaced):
    watch.look()  # nothing is there yet
    path = tmp_path / name
    path.write_bytes(b"x")
    watch.look()
    watch.look()

    path.rename(tmp_path / "aside")  # it keeps its place on the disk: another file has another
    if replaced:
        path.write_bytes(b"x")

    with pytest.raises(ProcessError, match=f"{path} was removed, or replaced(.*\n)*.*--fresh begins anew"):
        watch.look()


def test_where_no_bar_comes_it_is_said_with_who_is_not_ready_and_then_more_seldom(watch, told):
    for second in range(300):
        clock.ns = second * 1_000_000_000
        watch.count(17, lambda: {"portfolio": "backoff (ended with exit code 1)"})

    assert told == [
        "no bar for 30 s, 17 bars of 100 done: portfolio is backoff (ended with exit code 1)",
        "no bar for 90 s, 17 bars of 100 done: portfolio is backoff (ended with exit code 1)",
        "no bar for 270 s, 17 bars of 100 done: portfolio is backoff (ended with exit code 1)",
    ]


def test_while_bars_come_nothing_is_said(watch, told):
    for second in range(0, 300, 25):
        clock.ns = second * 1_000_000_000
        watch.count(second, ready)

    assert told == []


def test_what_a_person_should_read_is_passed_on_and_not_said_twice(watch, told):
    watch.count(17, ready)
    watch.hear("status", "waiting for bars in bars.db")  # each role, as it begins
    watch.hear("restart", "feed is started again, 1 of 3 times")
    clock.ns = 25_000_000_000
    watch.hear("status", "waiting for strategy cross, at bar 18 (2021-03-01T00:00:00Z), since 10 s")
    clock.ns = 50_000_000_000
    watch.count(17, ready)
    assert told == [
        "feed is started again, 1 of 3 times",
        "waiting for strategy cross, at bar 18 (2021-03-01T00:00:00Z), since 10 s",
    ]

    clock.ns = 25_000_000_000 + 91_000_000_000
    watch.count(17, ready)
    assert told[2:] == ["no bar for 91 s, 17 bars of 100 done: all its processes are ready"]

import signal
import subprocess
import sys

import psutil
import pytest

from flotilla.live.folder import Run
from flotilla.live.progress import simulated_bars
from flotilla.live.result import read_results
from flotilla.research.runs import live_folder_of

PROGRAM = (sys.executable, "-m", "flotilla.cli.main")


def test_without_replay_it_refuses_and_says_why(call, one):
    found = call("live", one)

    assert found.code == 2
    assert "flotilla live --replay CONFIG" in found.err
    assert "Trading with a broker will ask for a word of its own" in found.err


@pytest.mark.parametrize("argv", [("--speed", 0), ("--start", "soon"), ("--portfolio", 3)])
def test_a_wrong_option_is_refused_before_anything_starts(call, one, home, argv):
    assert call("live", "--replay", one, *argv).code == 2
    assert not (home / "runs").exists()


def test_a_replay_equals_research_and_says_so(call, six):
    found = call("live", "--replay", six, "--portfolio", 4, "--start", "2021-06-01")

    assert found.code == 0
    assert "EQUAL: every order, every fill and each bar's cash and equity, to the last bit" in found.out
    assert "bars a second of 3 instruments went through" in found.out
    assert "through 4 processes" in found.err
    assert len(read_results(Run.read(live_folder_of("small-4-20210601")))["small-4-20210601"].orders) > 0


def test_its_json_says_the_same(call, one):
    found = call("live", "--replay", one, "--start", "2021-06-01", "--json")

    assert found.code == 0
    assert (found.json["whole"], found.json["equal"], found.json["differences"]) == (True, True, [])
    assert {side["equal"] for side in found.json["sides"]} == {True}
    assert found.json["bars_a_second"] > 0
    assert found.json["acknowledged_ms"] == {"p50": None, "p99": None}  # flat out it says nothing


def test_one_that_was_stopped_goes_on_where_it_was(call, one):
    argv = ["live", "--replay", str(one)]
    process = subprocess.Popen([*PROGRAM, *argv, "--speed", "100"], stderr=subprocess.PIPE, text=True)
    folder = live_folder_of("small")
    while not (folder / "run.json").exists() or not simulated_bars(Run.read(folder)):
        assert process.poll() is None

    anew = call(*argv, "--fresh")
    beside = call(*argv)
    running = process.poll() is None and simulated_bars(Run.read(folder)) > 0
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    done = simulated_bars(Run.read(folder))
    again = call(*argv, "--speed", 500)

    assert (anew.code, beside.code, running) == (1, 1, True)
    assert f"{folder} is in use by process {process.pid}: it runs already" in anew.err
    assert f"{folder} is in use by process {process.pid}: it runs already" in beside.err
    assert process.returncode == 130
    assert 0 < done < Run.read(folder).manifest.bars
    assert f"stopped after {done:,} bars of 757; the same command goes on from there" in said
    assert again.code == 0
    assert "EQUAL" in again.out
    assert "acknowledged, on disk" in again.out


def test_nothing_is_left_running(call, one):
    call("live", "--replay", one, "--start", "2021-11-01")

    folder = str(live_folder_of("small-20211101"))
    processes = psutil.process_iter(["cmdline"])
    assert [process for process in processes if folder in (process.info["cmdline"] or ())] == []


def test_several_portfolios_go_through_one_run_and_each_is_that_of_research(call, book):
    played = call("live", "--replay", book, "--start", "2021-10-01", "--json")
    shown = call("live", "--replay", book, "--start", "2021-10-01", "--fresh")

    assert (played.code, shown.code) == (0, 0), played.err
    told = played.json
    assert [each["portfolio"] for each in told["portfolios"]] == [
        "small-20211001-careful",
        "small-20211001-bold",
    ]
    assert told["equal"]
    assert [each["equal"] for each in told["portfolios"]] == [True, True]
    assert "The same bars, twice: small-20211001-bold" in shown.out
    assert "EQUAL" in shown.out


def test_an_order_of_one_of_several_is_found_where_live_recorded_it(call, book):
    call("live", "--replay", book, "--start", "2021-10-01")
    run = Run.read(live_folder_of("small-20211001"))
    order = read_results(run)["small-20211001-bold"].orders[-1]

    why = call("why", order.order_id)

    assert why.code == 0
    assert order.order_id in why.out
    assert "as live recorded it" in why.err

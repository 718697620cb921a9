"""What platforms use, beside what psutil says of the same processes; and what is done about it."""

import contextlib
import os
import signal
import subprocess
import sys
from itertools import pairwise

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.spec import Resources
from flotilla.fleet.system.resources import TIERS, Over, Sample, Sampler, Watch, follow, tier

SECOND = 1_000_000_000
LIMITS = Resources(cpu_cores=1.0, memory_mb=100.0, open_files=100, processes=10)
# A process with two threads, 30 MiB, 20 open files and a child in a session of its own, twice forked.
FAMILY = """
import os, sys, threading, time
held = bytearray(30 * 2**20)
files = [open(os.devnull) for _ in range(20)]
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(60)
    os._exit(0)
os.wait()
print("up", flush=True)
time.sleep(60)
"""


def sample(memory=0.0, cpu=0.0, files=0, processes=1):
    return Sample(cpu_percent=cpu, memory_mb=memory, open_files=files, threads=1, processes=processes)


@pytest.fixture
def started(tmp_path):
    """Return a function that starts a platform's Python program, as the supervisor would."""
    children = []

    def start(name, program):
        env = {**os.environ, "FLOTILLA_FLEET": str(tmp_path), "FLOTILLA_PLATFORM": name}
        command = [sys.executable, "-I", "-S", "-c", program]
        child = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, start_new_session=True)
        children.append(child)
        return child

    yield start
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("FLOTILLA_FLEET") == str(tmp_path):
                process.send_signal(signal.SIGKILL)
    for child in children:
        child.wait()
        child.stdout.close()


def test_a_tree_is_sampled_as_psutil_sees_it_even_what_left_its_session_and_lost_its_parent(
    started, tmp_path
):
    child = started("engine", FAMILY)
    assert child.stdout.readline() == b"up\n"
    other = started("quiet", "import time; print(1, flush=True); time.sleep(60)")
    other.stdout.readline()

    found = Sampler(str(tmp_path)).sample({"engine": child.pid, "quiet": other.pid})

    processes = [
        process
        for process in psutil.process_iter(["cmdline"])  # None of who ends meanwhile
        if process.pid == child.pid or "bytearray(30" in " ".join(process.info["cmdline"] or ())
    ]
    resident = sum(process.memory_info().rss for process in processes) / 2**20
    assert found["engine"].processes == len(processes) == 2
    assert found["engine"].memory_mb == pytest.approx(resident, rel=0.05)
    assert found["engine"].open_files == psutil.Process(child.pid).num_fds()
    assert found["engine"].threads == sum(process.num_threads() for process in processes) == 3
    assert found["quiet"].processes == 1


def test_an_orphan_that_was_seen_before_needs_no_mark(started, tmp_path):
    # env -i takes the mark away; the sampler saw it while it still had its parent
    asleep = "import os, time; os.setsid(); print(1, flush=True); time.sleep(60)"
    program = f"""
import subprocess, sys, time
subprocess.Popen([sys.executable, "-S", "-c", {asleep!r}], env={{}})
time.sleep(60)
"""
    child = started("engine", program)
    child.stdout.readline()
    sampler = Sampler(str(tmp_path))
    assert sampler.sample({"engine": child.pid})["engine"].processes == 2

    child.kill()
    child.wait()
    left = sampler.sample({"engine": child.pid})

    assert left["engine"].processes == 1
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[-1:] == [asleep]:
                process.kill()


def test_a_processor_that_is_used_up_is_100_percent(started, tmp_path):
    busy = started("busy", "print(1, flush=True)\nwhile True: pass")
    idle = started("idle", "import time; print(1, flush=True); time.sleep(60)")
    for child in (busy, idle):
        child.stdout.readline()
    roots = {"busy": busy.pid, "idle": idle.pid}
    sampler = Sampler(str(tmp_path))

    first = sampler.sample(roots)
    before = psutil.Process(busy.pid).cpu_times()
    began = monotonic_ns()
    sleep(0.5)
    second = sampler.sample(roots)
    after = psutil.Process(busy.pid).cpu_times()

    spent = (after.user + after.system - before.user - before.system) / ((monotonic_ns() - began) / SECOND)
    assert first["busy"].cpu_percent == 0.0  # of nothing before it
    assert second["busy"].cpu_percent == pytest.approx(100 * spent, abs=10)  # others may want the core too
    assert second["idle"].cpu_percent < 5


def test_what_is_gone_has_no_sample(started, tmp_path):
    child = started("engine", "pass")
    child.wait()

    assert Sampler(str(tmp_path)).sample({"engine": child.pid}) == {}


def test_sampling_twenty_platforms_costs_less_than_a_thousandth_of_a_core(started, tmp_path):
    children = [started(f"p{i}", "import time; print(1, flush=True); time.sleep(60)") for i in range(20)]
    for child in children:
        child.stdout.readline()
    roots = {f"p{i}": child.pid for i, child in enumerate(children)}
    sampler = Sampler(str(tmp_path))
    sampler.sample(roots)

    before = os.times()
    for _ in range(20):
        assert len(sampler.sample(roots)) == 20
    after = os.times()

    spent_s = (after.user + after.system - before.user - before.system) / 20
    assert (
        spent_s < 0.25 * 0.05
    )  # at every 5 s: a quarter of 1 % of a core. A busy machine has many processes


def test_each_limit_is_looked_at_and_the_worst_is_told():
    assert tier(sample(memory=79), LIMITS).tier == "ok"
    assert tier(sample(memory=80), LIMITS) == Over("warn", "memory", 80, 100.0)
    assert tier(sample(memory=85, files=95), LIMITS) == Over("shed", "open files", 95, 100)
    assert tier(sample(memory=85, processes=10), LIMITS) == Over("drain", "processes", 10, 10)
    assert tier(sample(memory=120, processes=10), LIMITS) == Over("stop", "memory", 120, 100.0)


def test_without_a_limit_nothing_is_too_much():
    assert tier(sample(10**9, 10**9, 10**9, 10**9), Resources()).tier == "ok"


def test_a_busy_processor_is_only_warned_of():
    assert tier(sample(cpu=100), LIMITS).tier == "ok"
    assert tier(sample(cpu=1000), LIMITS) == Over("warn", "cpu", 10.0, 1.0)


def test_what_holds_positions_is_drained_where_others_are_stopped():
    assert tier(sample(memory=500), LIMITS).tier == "stop"
    assert tier(sample(memory=500), LIMITS, holds_positions=True).tier == "drain"


def told(samples, holds_positions=False, every_ns=5 * SECOND):
    """Return what is acted on, sample by sample."""
    watch, said = Watch(), []
    for number, one in enumerate(samples):
        watch, over = follow(watch, one, LIMITS, holds_positions, number * every_ns)
        said.append(over.tier if over else "")
    return said


def test_a_moments_peak_stops_nobody():
    assert told([sample(memory=m) for m in (10, 500, 10, 500, 10)]) == [""] * 5


def test_it_is_told_once_as_it_rises():
    rising = [sample(memory=m) for m in (85, 85, 85, 95, 95, 105, 105, 130, 130, 130)]

    assert told(rising) == ["", "warn", "", "", "shed", "", "drain", "", "stop", ""]


def test_a_leap_is_acted_on_at_its_second_sample():
    assert told([sample(memory=500)] * 3) == ["", "stop", ""]


def test_back_and_forth_over_a_limit_is_told_once_and_its_end_too():
    around = [sample(memory=m) for m in (81, 81, 79, 81, 79, 81, 70, 70, 81, 81)]

    assert told(around) == ["", "warn", "", "", "", "", "ok", "", "", "warn"]


def test_what_holds_positions_is_asked_to_settle_half_a_minute_before_it_is_stopped():
    said = told([sample(memory=500)] * 12, holds_positions=True)

    assert said == ["", "drain", "", "", "", "", "", "", "stop", "", "", ""]


@given(st.lists(st.floats(0, 1000), max_size=60), st.integers(1, 60))
def test_what_holds_positions_is_never_stopped_unasked(memory, every_s):
    watch, drained_ns = Watch(), None
    for number, used in enumerate(memory):
        now = number * every_s * SECOND
        watch, over = follow(watch, sample(memory=used), LIMITS, True, now)
        if over and over.tier == "drain" and drained_ns is None:
            drained_ns = now
        if over and over.tier in ("ok", "warn", "shed"):
            drained_ns = None
        if over and over.tier == "stop":
            assert drained_ns is not None
            assert now - drained_ns >= 30 * SECOND


@given(st.lists(st.floats(0, 1000), max_size=60))
def test_nothing_is_told_twice_in_a_row(memory):
    said = [tier for tier in told([sample(memory=used) for used in memory]) if tier]

    assert all(one != next_ for one, next_ in pairwise(said))
    assert set(said) <= set(TIERS)

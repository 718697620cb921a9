import os
import subprocess
import sys

import pytest

from flotilla.clock import sleep
from flotilla.fleet.folder import FleetState, Kept
from flotilla.fleet.system import tree


def test_each_platform_is_a_line(call, fleet):
    found = call("fleet", "status")

    assert found.code == 0
    assert "demo: 4 ready" in found.out
    assert "feed" in found.out
    assert "1 m 5 s" in found.out


def test_what_is_failed_is_told_with_the_reason_and_by_the_exit_code(call, fleet):
    fleet.states["strategy"] = "failed"

    found = call("fleet", "status")

    assert found.code == 1
    assert "1 failed" in found.out
    assert "died 3 times in 60 s" in found.out


def test_json_has_all_of_it(call, fleet):
    found = call("fleet", "status", "--json").json

    assert (found["name"], found["generation"], len(found["platforms"])) == ("demo", 4, 4)
    assert found["platforms"][1]["needs"] == {"feed": "ready"}


def test_without_a_supervisor_it_says_what_still_runs(call, folder):
    child = subprocess.Popen(["sleep", "60"])
    platforms = {
        "feed": Kept(pid=child.pid, start_ticks=tree.read(child.pid).start_ticks, state="ready"),
        "report": Kept(pid=2**22 - 1, state="ready"),
    }
    folder.write_state(FleetState(3, 1, platforms))

    found, plain = call("fleet", "status"), call("fleet", "status", "--json").json
    child.kill()
    child.wait()
    after = call("fleet", "status")

    assert found.code == 1
    assert "demo has no supervisor: it is down, but:" in found.out
    assert str(child.pid) in found.out
    assert "its process is gone" in found.out
    assert "1 still run; this takes them over: flotilla fleet up fleet.yaml" in found.err
    assert [p["pid"] for p in plain["last_known"]["platforms"]] == [child.pid, None]
    assert "start it: flotilla fleet up fleet.yaml" in after.err


@pytest.mark.parametrize("every", ["nan", "inf", "-1", "0"])
def test_a_time_between_looks_that_is_none_is_refused(call, fleet, every):
    found = call("fleet", "status", "--watch", "--every", every)

    assert found.code == 2
    assert "--every: seconds, up to 3600" in found.err


@pytest.mark.parametrize("command", [("status",), ("up", "fleet.yaml"), ("down",), ("start",)])
def test_a_supervisor_that_does_not_listen_is_not_taken_for_none(call, folder, command):
    hold = folder.take()
    found = call("fleet", *command)
    plain = call("fleet", "status", "--json").json
    os.close(hold.lock)

    assert found.code == 1
    assert f"process {os.getpid()} supervises, and does not listen at" in found.out + found.err
    assert f"`kill {os.getpid()}` takes the fleet down in order" in found.out + found.err
    assert (plain["supervised"], plain["supervisor"], plain["answers"]) == (True, os.getpid(), False)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="a terminal is needed")
def test_watch_stays_until_it_is_stopped(fleet, file):
    looks, status = [], fleet.status
    fleet.status = lambda: looks.append(1) or status()
    program = [sys.executable, "-m", "flotilla.cli.main", "fleet", "status", "--watch", "--every", "0.1"]
    watching = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=file.parent)
    while len(looks) < 3 and watching.poll() is None:
        sleep(0.02)
    running = watching.poll()
    watching.send_signal(2)
    out, _ = watching.communicate(timeout=30)

    assert running is None
    assert watching.returncode == 130
    assert b"demo" in out

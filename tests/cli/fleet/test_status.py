import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios

import pytest

from flotilla.clock import monotonic_ns
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


WATCH = (sys.executable, "-m", "flotilla.cli.main", "fleet", "status", "--watch", "--every", "0.1")


def watch(folder, stdout):
    """Return a watcher that writes to `stdout`, in an xterm whose size is not in its environment."""
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES")}
    return subprocess.Popen(
        WATCH, stdout=stdout, stderr=subprocess.STDOUT, cwd=folder, env=env | {"TERM": "xterm"}
    )


def heard(where, words, seconds=60.0):
    """Return what is read from a descriptor until `words` are in it."""
    end_ns, said = monotonic_ns() + int(seconds * 1e9), b""
    while words not in said and monotonic_ns() < end_ns:
        if select.select([where], [], [], 0.1)[0]:
            said += os.read(where, 65536)
    assert words in said, said.decode()
    return said


def ended(watching, where):
    """Return the exit code after a Ctrl-C; meanwhile all is read, so that it is held up by nothing."""
    watching.send_signal(signal.SIGINT)
    end_ns = monotonic_ns() + 60_000_000_000
    while watching.poll() is None and monotonic_ns() < end_ns:
        if select.select([where], [], [], 0.1)[0]:
            os.read(where, 65536)
    return watching.wait(1)


def test_watch_into_a_pipe_writes_a_table_for_each_change_until_it_is_stopped(fleet, file):
    watching = watch(file.parent, subprocess.PIPE)
    out = watching.stdout.fileno()

    first = heard(out, b"report")
    fleet.states["feed"] = "failed"
    then = heard(out, b"died 3 times in 60 s")
    code = ended(watching, out)
    watching.stdout.close()

    assert b"demo: 4 ready" in first
    assert then.count(b"demo: ") < 3  # that the seconds pass is no change
    assert code == 130


def test_watch_on_a_narrow_terminal_leaves_out_columns_and_names_them(fleet, file):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
    fleet.states["strategy"] = "failed"
    watching = watch(file.parent, theirs)

    said = heard(ours, b"no room for").decode(errors="replace")
    code = ended(watching, ours)
    os.close(ours)
    os.close(theirs)

    assert "…" not in said
    assert "portfolio" in said
    assert "died 3 times in 60 s" in said
    assert code == 130


def test_watch_is_for_people(call, fleet):
    found = call("fleet", "status", "--watch", "--json")

    assert found.code == 2
    assert "flotilla fleet events -f --json" in found.err

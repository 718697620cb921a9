"""A fleet that is bound to a command: it comes, works, and goes with it."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ProcessError
from flotilla.fleet.foreground import Foreground
from flotilla.fleet.spec import Backoff, FleetSpec, Platform

SAYS = "import os, signal, sys, time\nfrom flotilla.notify import ready\n"
WAITS = "ready()\nwhile True: signal.pause()\n"
QUICK = Backoff(first=0.01, most=0.02)


def python(script: str, **more: object) -> Platform:
    return Platform((sys.executable, "-c", SAYS + script), backoff=QUICK, **more)


def fleet_of(**platforms: Platform) -> FleetSpec:
    return FleetSpec("made", platforms, mode="bound", shutdown_timeout=20.0)


def waited(fleet: Foreground, seconds: float = 20.0) -> None:
    """Watch until it is over."""
    end = monotonic_ns() + int(seconds * 1e9)
    while not fleet.poll(0.1):
        assert monotonic_ns() < end, "it does not end"


def there(pid: int) -> bool:
    """Return whether a process runs."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def gone(pid: int, seconds: float = 10.0) -> bool:
    """Return whether a process is gone within some time."""
    end = monotonic_ns() + int(seconds * 1e9)
    while there(pid):
        if monotonic_ns() >= end:
            return False
        sleep(0.01)
    return True


def test_it_is_over_when_its_jobs_are_done_and_then_all_go_down(tmp_path):
    service = python(WAITS)
    job = python("ready()\ntime.sleep(0.1)\nprint('done')", kind="job", needs={"service": "ready"})

    with Foreground(fleet_of(service=service, job=job), tmp_path / "fleet") as fleet:
        pid = fleet.pids["service"]
        waited(fleet)
        assert not fleet.stop_asked

    assert gone(pid, 0.0)
    log = tmp_path / "fleet" / "logs" / "job.log"
    assert "done" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


def test_one_that_dies_is_started_again(tmp_path):
    died = tmp_path / "died"
    dies_once = f"""
there = {str(died)!r}
if not os.path.exists(there):
    open(there, 'w').close()
    os._exit(3)
"""

    with Foreground(fleet_of(job=python(dies_once, kind="job")), tmp_path / "fleet") as fleet:
        waited(fleet)

    assert died.exists()


def test_one_that_dies_too_often_is_named_with_its_last_lines(tmp_path):
    faulty = python("ready()\nprint('the reason')\nsys.exit(3)", max_restart_attempts=2)

    with Foreground(fleet_of(feed=python(WAITS), faulty=faulty), tmp_path / "fleet") as fleet:
        pid = fleet.pids["feed"]
        with pytest.raises(ProcessError, match=r"faulty failed: (.*\n)* *the reason"):
            waited(fleet)

    assert gone(pid, 0.0)


def test_that_it_failed_before_is_forgotten(tmp_path):
    for _ in range(2):
        faulty = python("print('the reason')\nsys.exit(3)", max_restart_attempts=0)
        with (
            pytest.raises(ProcessError, match="faulty failed"),
            Foreground(fleet_of(faulty=faulty), tmp_path / "fleet") as fleet,
        ):
            waited(fleet)
    mended = python("pass", kind="job")

    with Foreground(fleet_of(faulty=mended), tmp_path / "fleet") as fleet:
        waited(fleet)


def test_two_at_once_in_one_folder_are_refused(tmp_path):
    spec = fleet_of(feed=python(WAITS))

    with (
        Foreground(spec, tmp_path / "fleet"),
        pytest.raises(ProcessError, match="runs already"),
        Foreground(spec, tmp_path / "fleet"),
    ):
        pass


RUNS = """
import sys
from pathlib import Path
from flotilla.fleet.foreground import Foreground
from flotilla.fleet.spec import FleetSpec, Platform
platforms = {name: Platform((sys.executable, "-c", sys.argv[1])) for name in ("one", "two")}
with Foreground(FleetSpec("made", platforms, mode="bound"), Path(sys.argv[2])) as fleet:
    while len(fleet.pids) < 2:
        fleet.poll(0.01)
    print(*fleet.pids.values(), flush=True)
    while not fleet.poll(0.1):
        pass
print("left in order", flush=True)
"""


def running(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    """Return a command that runs a fleet, and the processes of the fleet."""
    argv = [sys.executable, "-c", RUNS, SAYS + WAITS, str(tmp_path / "fleet")]
    command = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
    assert command.stdout is not None
    return command, [int(pid) for pid in command.stdout.readline().split()]


@pytest.mark.parametrize("what", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_asked_to_stop_takes_its_fleet_down(tmp_path, what):
    command, pids = running(tmp_path)

    command.send_signal(what)
    out, _ = command.communicate(timeout=20)

    assert len(pids) == 2
    assert out == "left in order\n"
    assert all(gone(pid, 0.0) for pid in pids)
    assert command.returncode == 0


def test_a_command_that_is_killed_takes_its_fleet_along(tmp_path):
    command, pids = running(tmp_path)

    command.kill()
    command.communicate(timeout=20)

    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_a_supervisor_that_is_killed_takes_its_fleet_along_and_is_missed(tmp_path):
    with Foreground(fleet_of(feed=python(WAITS)), tmp_path / "fleet") as fleet:
        pid, supervisor = fleet.pids["feed"], int((tmp_path / "fleet" / "lock").read_text())
        os.kill(supervisor, signal.SIGKILL)
        with pytest.raises(ProcessError, match="supervisor is gone"):
            waited(fleet)

    assert gone(pid)


def test_signal_handlers_are_given_back(tmp_path):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)

    with Foreground(fleet_of(job=python("pass", kind="job")), tmp_path / "fleet") as fleet:
        waited(fleet)

    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_only_the_main_thread_may_start_one(tmp_path):
    errors = []

    def enter() -> None:
        try:
            with Foreground(fleet_of(feed=python(WAITS)), tmp_path / "fleet"):
                pass
        except ProcessError as error:
            errors.append(str(error))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert "main thread" in errors[0]

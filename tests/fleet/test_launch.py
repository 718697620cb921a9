"""Processes start in order, are watched, and stop in reverse; none is left behind."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.launch import Command, Launcher, Send, Watched, next_signal

SECOND = 1_000_000_000
TERM, KILL = signal.SIGTERM, signal.SIGKILL


def test_the_last_started_is_asked_first_and_waited_for():
    feed, strategy = Watched("feed", alive=True), Watched("strategy", alive=True)

    assert next_signal([feed, strategy], 0, SECOND) == Send("strategy", TERM)
    assert next_signal([feed, strategy._replace(asked_ns=0)], SECOND - 1, SECOND) is None
    assert next_signal([feed, strategy._replace(alive=False)], SECOND, SECOND) == Send("feed", TERM)


def test_one_that_does_not_stop_in_time_is_killed_once():
    feed, strategy = Watched("feed", alive=True), Watched("strategy", alive=True, asked_ns=5)

    assert next_signal([feed, strategy], 5 + SECOND, SECOND) == Send("strategy", KILL)
    assert next_signal([feed, strategy._replace(killed=True)], 9 * SECOND, SECOND) is None


def test_nothing_is_due_where_nothing_lives():
    assert next_signal([], 0, SECOND) is None
    assert next_signal([Watched("feed", alive=False, asked_ns=0)], 9 * SECOND, SECOND) is None


def python(name: str, script: str, **options: object) -> Command:
    return Command(name, (sys.executable, "-c", script), **options)  # type: ignore[arg-type]


READY = "import os, signal, subprocess, sys, time\nfrom flotilla.notify import ready\n"
WAITS = "ready()\nsignal.pause()"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def gone(pid: int) -> bool:
    """Return whether `pid` is gone, or goes within two seconds."""
    for _ in range(200):
        if not alive(pid):
            return True
        sleep(0.01)
    return False


def test_each_starts_once_the_one_before_it_is_ready_and_stops_in_reverse(tmp_path):
    notes = tmp_path / "notes"
    script = (
        READY
        + f"""
def note(what):
    with open({str(notes)!r}, "a") as file:
        file.write(what + "\\n")
def stop(*_):
    note("stop " + sys.argv[1])
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
note("start " + sys.argv[1])
time.sleep(0.05)
note("ready " + sys.argv[1])
ready()
while True:
    signal.pause()
"""
    )
    commands = [python(name, script) for name in "abc"]
    commands = [command._replace(argv=(*command.argv, command.name)) for command in commands]

    with Launcher(commands, tmp_path / "logs") as fleet:
        fleet.start()
        assert list(fleet.pids) == ["a", "b", "c"]
        assert not fleet.poll(0.0)
        codes = fleet.stop()

    assert codes == {"a": 0, "b": 0, "c": 0}
    assert notes.read_text().split("\n") == [
        "start a",
        "ready a",
        "start b",
        "ready b",
        "start c",
        "ready c",
        "stop c",
        "stop b",
        "stop a",
        "",
    ]


def test_one_beside_another_does_not_wait_for_it(tmp_path):
    there = tmp_path / "there"
    waits = READY + f"while not os.path.exists({str(there)!r}): time.sleep(0.01)\n" + WAITS
    one = python("one", waits)
    two = python("two", READY + f"open({str(there)!r}, 'w').close()\n" + WAITS, beside=True)

    with Launcher([one, two], tmp_path) as fleet:
        fleet.start()

        assert list(fleet.pids) == ["one", "two"]


def test_what_each_prints_is_in_its_log_and_nobody_elses_to_read(tmp_path):
    command = python("feed", READY + "print('hello')\nprint('trouble', file=sys.stderr)", ends=True)

    with Launcher([command], tmp_path / "logs") as fleet:
        fleet.start()
        codes = fleet.wait()

    log = tmp_path / "logs" / "feed.log"
    assert codes == {"feed": 0}
    assert sorted(log.read_text().split()) == ["hello", "trouble"]
    assert log.stat().st_mode & 0o777 == 0o600


def test_a_death_takes_the_rest_down_and_is_named_with_its_last_lines(tmp_path):
    feed = python("feed", READY + WAITS)
    faulty = python("faulty", READY + "ready()\ntime.sleep(0.05)\nprint('the reason')\nsys.exit(3)")

    with Launcher([feed, faulty], tmp_path) as fleet:
        fleet.start()
        pid = fleet.pids["feed"]
        with pytest.raises(ProcessError, match=r"faulty ended with exit code 3; .*\n(.*\n)*the reason"):
            fleet.wait()

        assert not alive(pid)
        assert fleet.exit_codes == {"feed": -TERM, "faulty": 3}


def test_one_that_is_killed_is_known_at_once(tmp_path):
    with Launcher([python("feed", READY + WAITS)], tmp_path) as fleet:
        fleet.start()
        os.kill(fleet.pids["feed"], KILL)
        killed = monotonic_ns()

        with pytest.raises(ProcessError, match="feed was killed by SIGKILL"):
            fleet.wait()

        assert monotonic_ns() - killed < SECOND


def test_one_that_dies_before_it_is_ready_is_not_waited_for(tmp_path):
    with (
        Launcher([python("feed", "raise SystemExit('no data')"), python("never", WAITS)], tmp_path) as fleet,
        pytest.raises(ProcessError, match=r"feed ended with exit code 1 before it was ready(.*\n)*no data"),
    ):
        fleet.start()

    assert not (tmp_path / "never.log").exists()


def test_one_that_is_not_ready_in_time_is_stopped(tmp_path):
    with (
        Launcher([python("feed", "import signal; signal.pause()", ready_s=0.1)], tmp_path) as fleet,
        pytest.raises(ProcessError, match=r"feed was not ready within 0\.1 s"),
    ):
        fleet.start()

    assert fleet.exit_codes == {"feed": -TERM}


def test_a_command_that_is_not_there_is_named(tmp_path):
    with (
        Launcher([Command("feed", ("/no/such/command",))], tmp_path) as fleet,
        pytest.raises(ProcessError, match="/no/such/command cannot be run: No such file"),
    ):
        fleet.start()


def test_one_that_ignores_the_request_is_killed_with_its_group(tmp_path):
    script = (
        READY
        + """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"])
print(child.pid, flush=True)
ready()
while True:
    signal.pause()
"""
    )
    with Launcher([python("deaf", script)], tmp_path, stop_s=0.1) as fleet:
        fleet.start()
        grandchild = int((tmp_path / "deaf.log").read_text())
        assert alive(grandchild)
        codes = fleet.stop()

    assert codes == {"deaf": -KILL}
    assert gone(grandchild)


def test_what_a_command_leaves_in_its_group_goes_with_it(tmp_path):
    script = READY + "child = subprocess.Popen(['sleep', '60'])\nprint(child.pid, flush=True)\nready()"

    with Launcher([python("careless", script, ends=True)], tmp_path) as fleet:
        fleet.start()
        assert fleet.wait() == {"careless": 0}

    assert gone(int((tmp_path / "careless.log").read_text()))


def test_readiness_counts_only_from_the_process_itself(tmp_path):
    script = READY + "subprocess.run([sys.executable, '-c', sys.argv[1]])\ntime.sleep(60)"
    command = python("feed", script, ready_s=0.5)
    command = command._replace(argv=(*command.argv, "from flotilla.notify import ready; ready()"))

    with Launcher([command], tmp_path) as fleet, pytest.raises(ProcessError, match="not ready within"):
        fleet.start()


LAUNCHES = """
import sys
from pathlib import Path
from flotilla.fleet.launch import Command, Launcher
script, folder = sys.argv[1], Path(sys.argv[2])
with Launcher([Command(n, (sys.executable, "-c", script)) for n in ("one", "two")], folder) as fleet:
    fleet.start()
    print(*fleet.pids.values(), flush=True)
    print(fleet.wait(), flush=True)
"""


def launched(tmp_path: Path) -> tuple[subprocess.Popen[str], list[int]]:
    launcher = subprocess.Popen(
        [sys.executable, "-c", LAUNCHES, READY + WAITS, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    return launcher, [int(pid) for pid in launcher.stdout.readline().split()]


def test_a_launcher_asked_to_stop_stops_all(tmp_path):
    launcher, pids = launched(tmp_path)

    launcher.terminate()
    out, _ = launcher.communicate(timeout=10)

    assert len(pids) == 2
    assert out == "{'one': -15, 'two': -15}\n"
    assert not any(alive(pid) for pid in pids)
    assert launcher.returncode == 0


def test_a_launcher_that_is_killed_takes_its_commands_along(tmp_path):
    launcher, pids = launched(tmp_path)

    launcher.kill()
    launcher.communicate(timeout=10)

    assert len(pids) == 2
    assert all(gone(pid) for pid in pids)


def test_signal_handlers_are_given_back(tmp_path):
    before = signal.getsignal(TERM), signal.getsignal(signal.SIGINT)

    with Launcher([], tmp_path) as fleet:
        assert fleet.wait() == {}

    assert (signal.getsignal(TERM), signal.getsignal(signal.SIGINT)) == before


def test_only_the_main_thread_may_start_processes(tmp_path):
    errors = []

    def enter() -> None:
        try:
            with Launcher([], tmp_path):
                pass
        except ProcessError as error:
            errors.append(str(error))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()

    assert "main thread" in errors[0]


@pytest.mark.parametrize("names", [["../x"], ["a", "a"], ["Feed"], [""]])
def test_commands_have_plain_names_of_their_own(tmp_path, names):
    with pytest.raises(ConfigError, match="names of their own"):
        Launcher([Command(name, ("true",)) for name in names], tmp_path)

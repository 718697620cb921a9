import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.cli.fleet.conftest import FILE

from flotilla.cli.fleet import up
from flotilla.cli.fleet.up import longest_start_s
from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import ConfigError
from flotilla.fleet.folder import FleetState, Folder, Kept, run_folder_of
from flotilla.fleet.spec import decode_fleet, read_fleet
from flotilla.fleet.system import tree

PROGRAM = (sys.executable, "-m", "flotilla.cli.main", "fleet")
REAL = """
name: real
mode: bound
platforms:
  prepare: {kind: job, command: [sh, -c, "echo prepared"]}
  feed: {command: [sh, -c, "echo open; exec sleep 100"], ready: "line:open", needs: {prepare: completed}}
  portfolio: {command: [sh, -c, "echo here; exec sleep 100"], ready: "line:here", needs: [feed]}
"""
BROKEN = """
name: real
mode: bound
platforms:
  feed: {command: [sh, -c, "echo no gateway; exit 3"], ready: started, max_restart_attempts: 0}
  report: {command: [sleep, "100"], ready: started}
"""

STUCK = """
name: real
mode: bound
platforms:
  crash: {command: [sh, -c, "echo no gateway; exit 3"], ready: "line:open", max_restart_attempts: 1}
  later: {command: [sleep, "100"], ready: started, needs: [crash]}
  last: {command: [sleep, "100"], ready: started, needs: [later]}
  report: {command: [sleep, "100"], ready: started}
sequences: {slowly: [[crash], [report]]}
"""
SLOW = """
name: real
mode: bound
platforms:
  slow: {command: [sh, -c, "echo still at it; exec sleep 100"], ready: "line:open"}
"""


def eventually(asked, seconds=20.0):
    end_ns = monotonic_ns() + int(seconds * 1e9)
    while not (found := asked()) and monotonic_ns() < end_ns:
        sleep(0.05)
    return found


@pytest.fixture
def real(tmp_path, monkeypatch):
    """Return the file of a fleet of real processes, which are down when the test ends."""
    monkeypatch.chdir(tmp_path)
    for name in ("FLOTILLA_FLEET", "NOTIFY_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    path = tmp_path / "fleet.yaml"
    path.write_text(REAL)
    yield path
    subprocess.run([*PROGRAM, "down", "--yes"], capture_output=True, check=False, timeout=60)
    folder = Folder(run_folder_of(path, "real"))
    assert eventually(lambda: folder.holder() is None)


def test_the_longest_start_adds_up_over_levels():
    def of(seconds, *needs):
        more = {"startup_timeout": seconds, "max_restart_attempts": 1, "backoff": {"most": 1}}
        return {"command": ["x"], "needs": list(needs)} | more

    spec = decode_fleet({"name": "demo", "platforms": {"a": of(10), "b": of(20), "c": of(5, "a", "b")}})

    assert longest_start_s(spec) == 2 * 21 + 2 * 6


def test_a_mistake_in_the_file_starts_nothing(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "fleet.yaml").write_text(FILE.replace("needs: [feed]", "needs: [strategy]"))

    found = call("fleet", "up")

    assert (found.code, found.out) == (2, "")
    assert "$.platforms.strategy.needs: strategy -> strategy" in found.err
    assert not (tmp_path / ".flotilla").exists()


def test_no_file_beside_the_fleets_own_is_run(call, real, tmp_path):
    names = ("types", "asyncio", "signal", "queue", "calendar", "sitecustomize", "flotilla", "msgspec")
    files = [tmp_path / f"{name}.py" for name in names]
    for file in files:
        file.write_text(f"open({str(tmp_path / 'ran')!r}, 'a').write({file.name!r})\n")

    found = call("fleet", "up", "--detach")
    for file in files:
        file.unlink()  # what takes it down is started by the test's own hand

    assert found.code == 0, found.err
    assert not (tmp_path / "ran").exists()


def test_a_fleet_that_is_up_is_not_started_twice(call, folder, fleet, file):
    hold = folder.take()
    found = call("fleet", "up", file)
    os.close(hold.lock)

    assert found.code == 1
    assert f"demo is up already: process {os.getpid()} supervises it" in found.err
    assert "flotilla fleet reload" in found.err


def test_the_loser_of_two_at_once_changes_nothing(call, folder, file):
    accepted = folder.fleet_file.read_bytes()
    file.write_text(file.read_text().replace("60", "61"))

    with folder.coming_up():
        found = call("fleet", "up", file)

    assert found.code == 1
    assert "another process brings demo up just now" in found.err
    assert folder.fleet_file.read_bytes() == accepted


def test_of_two_at_once_the_one_that_wins_has_its_file_run(call, real, tmp_path):
    files = [tmp_path / f"{name}.yaml" for name in "ab"]
    for n, path in enumerate(files):
        path.write_text(REAL.replace("exec sleep 100", f"exec sleep 10{n}"))
    both = [subprocess.Popen([*PROGRAM, "up", path, "--detach"], stderr=subprocess.DEVNULL) for path in files]

    codes = [one.wait(60) for one in both]

    assert sorted(codes) == [0, 1]
    won = codes.index(0)
    folder = Folder(run_folder_of(real, "real"))
    assert folder.origin.read_text() == str(files[won])
    assert f"exec sleep 10{won}" in folder.fleet_file.read_text()
    feed = call("fleet", "status", "--json").json["platforms"][1]["pid"]
    assert Path(f"/proc/{feed}/cmdline").read_bytes() == f"sleep\x0010{won}\x00".encode()


def test_detached_it_returns_when_all_are_ready_and_down_ends_it(call, real):
    began = call("fleet", "up", real, "--detach")
    status = call("fleet", "status", "--json").json
    second = call("fleet", "up", real)
    down = call("fleet", "down", "--yes")

    assert (began.code, second.code, down.code) == (0, 1, 0)
    assert "flt_" in began.err
    assert {p["name"]: p["state"] for p in status["platforms"]} == {
        "prepare": "completed",
        "feed": "ready",
        "portfolio": "ready",
    }
    assert call("fleet", "logs", "feed").out.count("open") == 1
    assert call("fleet", "audit", "verify").code == 0
    assert all(not Path(f"/proc/{p['pid']}").exists() for p in status["platforms"] if p["pid"])


def test_a_control_socket_that_somebody_removed_is_put_back(call, real):
    real.write_text(REAL + "monitoring: {sample_every: 2}\n")
    call("fleet", "up", real, "--detach")
    folder = Folder(run_folder_of(real, "real"))
    control = folder.socket("control")
    control.unlink()
    assert eventually(control.exists)
    control.unlink()  # now there are two seconds until it is put back

    status = call("fleet", "status")
    stopped = call("fleet", "stop", "portfolio")

    assert (status.code, stopped.code) == (1, 1)
    assert f"process {folder.holder()} supervises, and does not listen" in status.out
    assert eventually(lambda: call("fleet", "status").code == 0)
    assert call("fleet", "stop", "portfolio").out == "portfolio stopped\n"


def test_the_first_token_is_in_the_json_once_and_in_the_audit(call, real):
    first = call("fleet", "up", real, "--detach", "--json").json
    call("fleet", "down", "--yes")
    second = call("fleet", "up", real, "--detach", "--json").json

    assert first["first_token"].startswith("flt_")
    assert "first_token" not in second
    made = call("fleet", "audit", "--json").json[0]
    assert (made["action"], made["target"]) == ("token create", "admin")
    assert made["who"].startswith("cli:")
    assert call("fleet", "audit", "verify").code == 0


def test_damaged_events_hold_up_no_command(call, real):
    events = Folder(run_folder_of(real, "real")).make().events
    events.write_bytes(b"no database" * 100)
    began = call("fleet", "up", real, "--detach")
    with events.open("r+b") as file:
        file.write(b"no database" * 100)

    stopped = call("fleet", "stop", "portfolio")
    down = call("fleet", "down", "--yes")

    assert [found.code for found in (began, stopped, down)] == [0, 0, 0], down.err
    assert stopped.out == "portfolio stopped\n"


def test_what_still_runs_is_taken_over_and_not_started_again(call, real):
    real.write_text(REAL.replace("mode: bound", "mode: adopt"))
    call("fleet", "up", real, "--detach")
    before = {p["name"]: p["pid"] for p in call("fleet", "status", "--json").json["platforms"]}
    supervisor = call("fleet", "status", "--json").json["pid"]
    guard = int(Path(f"/proc/{supervisor}/stat").read_text().rpartition(")")[2].split()[1])
    for pid in (guard, supervisor):
        os.kill(pid, signal.SIGKILL)
    folder = Folder(run_folder_of(real, "real"))
    assert eventually(lambda: folder.holder() is None)

    alone = call("fleet", "status")
    again = call("fleet", "up", real, "--detach")
    after = {p["name"]: p["pid"] for p in call("fleet", "status", "--json").json["platforms"]}

    assert "2 still run; this takes them over" in alone.err
    assert again.code == 0
    assert after == before
    assert call("fleet", "down", "--yes").code == 0


def test_who_waits_for_word_gets_it_and_up_becomes_the_guard(real, tmp_path):
    ears = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ears.bind(str(tmp_path / "notify"))
    ears.settimeout(30)
    env = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
    log = tmp_path / "journal"
    with log.open("wb") as journal:
        guard = subprocess.Popen([*PROGRAM, "up", real], env=env, stdout=journal, stderr=journal)
    said = b""
    while b"READY=1" not in said:
        said = ears.recv(4096)
    command = Path(f"/proc/{guard.pid}/cmdline").read_bytes().split(b"\0")
    guard.send_signal(signal.SIGTERM)
    code = guard.wait(60)
    ears.close()

    assert command[3].endswith(b"bare.py")
    assert command[4] == b"guard"
    assert "flotilla fleet token create admin --role admin --fleet" in log.read_text()
    assert "flt_" not in log.read_text()
    assert code == 0


def test_detached_it_returns_though_somebody_waits_for_word_who_hears_none(real, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ears:
        ears.bind(str(tmp_path / "notify"))
        ears.setblocking(False)
        env = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        up = subprocess.run(
            [*PROGRAM, "up", real, "--detach", "--json"], env=env, capture_output=True, check=True, timeout=30
        )

        assert json.loads(up.stdout)["ok"]
        with pytest.raises(BlockingIOError):
            ears.recv(4096)


def test_who_is_not_up_is_told_with_its_last_words(call, real):
    real.write_text(BROKEN)

    found = call("fleet", "up", real, "--detach")

    assert found.code == 1
    assert "feed is failed" in found.err
    assert "no gateway" in found.err
    assert "flotilla fleet logs feed" in found.err


def test_who_waits_for_what_failed_is_told_at_once_and_so_is_the_other(call, real):
    real.write_text(STUCK)
    began_ns = monotonic_ns()

    plain = call("fleet", "up", real, "--detach", "--json")
    status = call("fleet", "status")
    started = call("fleet", "start", "later")
    call("fleet", "down", "--yes")
    told = call("fleet", "up", real, "--detach")

    assert monotonic_ns() - began_ns < 120_000_000_000  # by its deadlines a start takes 600 s
    assert (plain.code, plain.json["ok"], plain.json["not_up"]) == (1, False, ["crash", "later", "last"])
    assert "needs crash, which has failed" in status.out
    assert (started.code, started.out.splitlines()[0]) == (1, "crash is failed: ended with exit code 3")
    assert told.code == 1
    assert "no gateway" in told.err
    assert "later is waiting: needs crash, which has failed\nlast is waiting: needs later" in told.err


def test_the_next_stage_of_a_sequence_is_not_waited_for_in_vain(call, real):
    real.write_text(STUCK)
    call("fleet", "up", real, "--detach")
    call("fleet", "stop", "report")

    found = call("fleet", "start", "slowly")

    assert found.code == 1
    assert "report is waiting: waits for crash, of a stage before, which has failed" in found.out


def test_what_is_not_up_in_time_is_told_and_the_json_is_kept(call, real):
    real.write_text(SLOW)

    def in_time(*more):
        for seconds in ("1", "4", "16", "40"):  # until there is anything to tell
            found = call("fleet", "up", real, "--detach", "--timeout", seconds, *more)
            call("fleet", "down", "--yes")
            if "the supervisor does not listen" not in found.err:
                break
        return found

    plain, told = in_time("--json"), in_time()

    assert (plain.code, plain.json["ok"], plain.json["not_up"]) == (1, False, ["slow"])
    assert told.code == 1
    assert "slow is starting" in told.err
    assert "still at it" in told.err
    assert "s, and goes on by itself" in told.err


@pytest.mark.parametrize("seconds", ["nan", "inf", "-1"])
def test_a_time_to_wait_that_is_none_is_refused_before_anything_starts(call, file, seconds):
    found = call("fleet", "up", file, "--detach", "--timeout", seconds)

    assert found.code == 2
    assert "--timeout: seconds" in found.err
    assert not (file.parent / ".flotilla").exists()


@pytest.mark.parametrize("runs", [False, True])
def test_ctrl_c_before_the_guard_can_hear_it_is_what_was_asked_for(call, folder, file, monkeypatch, runs):
    monkeypatch.setattr(
        up, "guard_command", lambda *_: ["/bin/sleep", "100"]
    )  # as deaf as a guard that begins
    left = subprocess.Popen(["sleep", "100"])
    ticks = tree.read(left.pid).start_ticks if runs else 1  # of another process, that had its number
    folder.write_state(FleetState(3, 1, {"feed": Kept(pid=left.pid, start_ticks=ticks, state="ready")}))
    deaf = signal.getsignal(signal.SIGINT)

    def press():
        if eventually(lambda: signal.getsignal(signal.SIGINT) is not deaf):
            os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    found = call("fleet", "up", file)
    pressing.join()
    left.kill()
    left.wait()

    assert found.code == (1 if runs else 0)
    assert "taking demo down" in found.err
    assert ("did not stay up" in found.err) is runs


def test_in_the_foreground_it_tells_what_happens_and_ctrl_c_takes_it_down(real):
    attended = subprocess.Popen([*PROGRAM, "up", real, "--json"], stdout=subprocess.PIPE, text=True)
    folder = Folder(run_folder_of(real, "real"))
    assert attended.stdout is not None
    assert json.loads(attended.stdout.readline())["first_token"].startswith("flt_")
    told = []
    for line in attended.stdout:
        told.append(json.loads(line))
        if (told[-1].get("platform"), told[-1].get("data", {}).get("new")) == ("portfolio", "ready"):
            break
    attended.send_signal(signal.SIGINT)
    rest, _ = attended.communicate(timeout=60)

    ends = [json.loads(line) for line in rest.splitlines()]
    assert attended.returncode == 0
    assert folder.holder() is None
    stopped = [event["platform"] for event in ends if event.get("data", {}).get("new") == "stopped"]
    assert [name for name in stopped if name != "prepare"] == ["portfolio", "feed"]


def test_the_example_that_ships_can_be_read():
    from tests.docs.reader import REPOSITORY

    try:
        spec = read_fleet(REPOSITORY / "examples" / "fleet.yaml")
    except ConfigError as error:
        pytest.fail(str(error))
    assert list(spec.platforms) == ["prepare", "ticker", "consumer", "report"]

"""When a supervisor dies its guard ends all, or starts another; and it dies with nothing left."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from flotilla.clock import monotonic_ns, sleep
from flotilla.fleet.system import bare, guard, tree
from flotilla.fleet.system.cgroup import Cgroups, Limits

SECOND = 1_000_000_000
# Stands for a supervisor: it leaves a child that hides from every search, says what it was told to
# say, notes that it has started, and ends at SIGTERM with 0.
STANDS_IN = """
import os, signal, socket, subprocess, sys
folder, says, ends = sys.argv[1:]
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
subprocess.run(["sh", "-c", "(env -i setsid setsid sleep 60 &)"])
if says:
    speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    speaker.sendto(says.encode().decode("unicode_escape").encode(), os.environ["NOTIFY_SOCKET"])
with open(folder + "/starts", "a") as file:
    file.write("%d %s\\n" % (os.getpid(), os.environ["FLOTILLA_GUARD"]))
if ends:
    os._exit(int(ends))
while True:
    signal.pause()
"""
# A guard that takes two seconds of silence for a hang.
IMPATIENT = """
import sys
from flotilla.fleet.system import guard
guard._SILENT_S = 2
sys.exit(guard.main(*sys.argv[1:]))
"""


class Guarded:
    """A guard with a stand-in to guard."""

    def __init__(self, folder, mode, says="", ends="", guard=None, **env):
        self.folder = folder
        command = [sys.executable, "-S", "-c", STANDS_IN, str(folder), says, ends]
        words = (str(folder), mode, "--", *command)
        self.process = subprocess.Popen(
            [sys.executable, "-c", guard, *words] if guard else bare.command("guard", *words),
            env={key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"} | env,
        )

    def starts(self, count=1):
        """Return the supervisors' process ids, once there were so many."""
        for _ in range(3000):
            file = self.folder / "starts"
            if file.exists() and len(lines := file.read_text().splitlines()) >= count:
                return [int(line.split()[0]) for line in lines]
            sleep(0.01)
        raise AssertionError(f"fewer than {count} starts")

    def below(self):
        """Return who lives below it, once that stays the same: who hides forks twice, and changes parents."""
        before = None
        while True:
            known = tree.table()
            there = {pid for pid in tree.below([self.process.pid], known) if not known[pid].ended}
            if there == before:
                return there
            before = there
            sleep(0.02)

    def hidden(self):
        """Return who hides, once it has become what it will be."""
        for _ in range(1000):
            if found := {pid for pid in self.below() if tree.content(f"/proc/{pid}/comm") == b"sleep\n"}:
                return found
            sleep(0.01)
        raise AssertionError("nobody hides")


@pytest.fixture
def guarded(tmp_path):
    """Return a function that starts a guard in a mode."""
    made = []

    def start(mode, **options):
        made.append(one := Guarded(tmp_path, mode, **options))
        return one

    yield start
    for one in made:
        for pid in (one.process.pid, *one.below()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        one.process.wait()


def gone_within(pids, seconds):
    """Return whether all of `pids` have ended before `seconds` have passed."""
    end_ns = monotonic_ns() + int(seconds * SECOND)
    while monotonic_ns() < end_ns:
        if all((found := tree.read(pid)) is None or found.ended for pid in pids):
            return True
        sleep(0.002)
    return False


def test_the_first_death_in_a_minute_is_answered_at_once_and_more_of_them_later_and_later():
    now = 100 * SECOND

    assert guard.pause_s([now], now) == 0.0
    assert guard.pause_s([now - SECOND, now], now) == 0.1
    assert guard.pause_s([now - SECOND] * 4 + [now], now) == 0.8
    assert guard.pause_s([now] * 50, now) == 30.0
    assert guard.pause_s([now - 61 * SECOND] * 50 + [now], now) == 0.0


def test_bound_to_it_all_ends_with_the_supervisor_even_what_hides(guarded):
    one = guarded("bound")
    (pid,) = one.starts()
    below = one.below()

    os.kill(pid, signal.SIGKILL)

    assert gone_within(below, 10.0)
    assert one.process.wait(20) == 1
    assert len(below) >= 3  # the twin, the supervisor and what hides
    assert one.starts() == [pid]


@pytest.mark.parametrize("which", ["guard", "twin"])
def test_bound_to_it_all_ends_with_either_guard(guarded, which):
    one = guarded("bound")
    one.starts()
    below = one.below()
    (twin,) = tree.children(one.process.pid)

    os.kill(one.process.pid if which == "guard" else twin, signal.SIGKILL)

    assert gone_within(below, 10.0)
    one.process.wait(20)


def test_a_supervisor_that_lives_is_killed_last_and_never_stopped(guarded, tmp_path):
    one = guarded("bound")
    (pid,) = one.starts()
    (tmp_path / "lock").write_text(str(pid))
    (twin,) = tree.children(one.process.pid)
    ticks = tree.read(pid).start_ticks
    seen = set()

    os.kill(one.process.pid, signal.SIGKILL)
    with suppress(FileNotFoundError, ProcessLookupError):
        while tree.alive(pid, ticks):
            seen.add(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])

    assert "T" not in seen
    assert gone_within({twin}, 10.0)


def test_adopting_what_runs_goes_on_and_another_supervisor_comes(guarded):
    one = guarded("adopt", says="READY=1")
    (pid,) = one.starts()
    hidden = one.hidden()

    os.kill(pid, signal.SIGKILL)

    assert one.starts(2)[0] == pid
    assert hidden <= one.below()


def test_it_takes_the_empty_control_groups_away(guarded, tmp_path):
    group, used = tmp_path / "groups-of-fleet", tmp_path / "used"
    for folder in (group / "feed", used):
        folder.mkdir(parents=True)
    (used / "process").touch()
    (tmp_path / "groups").write_text(f"{group}\n{used}\n{tmp_path / 'none'}\n")
    one = guarded("bound")

    os.kill(one.starts()[0], signal.SIGKILL)

    assert one.process.wait(20) == 1
    assert not group.exists()
    assert used.exists()


def test_asked_to_stop_it_has_the_supervisor_stop_in_order_and_leaves_nothing(guarded):
    one = guarded("adopt", says="READY=1")
    one.starts()
    below = one.below()

    one.process.terminate()

    assert one.process.wait(20) == 0
    assert gone_within(below, 10.0)


def test_asked_before_the_supervisor_is_ready_it_waits_until_someone_insists(guarded):
    one = guarded("adopt")
    one.starts()

    one.process.terminate()
    with pytest.raises(subprocess.TimeoutExpired):
        one.process.wait(0.3)
    one.process.terminate()

    assert one.process.wait(20) == 0


def test_a_supervisor_that_refuses_to_begin_is_not_started_again(guarded):
    one = guarded("adopt", ends="7")

    assert one.process.wait(20) == 7
    assert len(one.starts()) == 1


def test_one_that_was_ready_and_fails_is_started_again(guarded):
    one = guarded("adopt", says="READY=1", ends="7")

    assert len(one.starts(3)) == 3


def test_where_there_can_be_no_process_it_tries_until_there_can(guarded, tmp_path):
    """A fork bomb, a full machine: what runs is looked after again as soon as that may be."""
    groups = Cgroups(tmp_path)
    if "pids" not in groups.limits:
        pytest.skip("no limit on processes by group can be set here")
    one = guarded("adopt", says="READY=1")
    (pid,) = one.starts()
    full = groups.make("full", Limits(pids=1)).folders["pids"]
    (full / "cgroup.procs").write_text(str(one.process.pid))

    os.kill(pid, signal.SIGKILL)
    assert gone_within([pid], 20)
    sleep(0.5)  # some tries
    assert one.starts() == [pid]
    (full / "pids.max").write_text("max")

    assert len(one.starts(2)) == 2
    one.process.kill()
    one.process.wait()
    for left in map(int, (full / "cgroup.procs").read_text().split()):
        os.kill(left, signal.SIGKILL)
    while (full / "cgroup.procs").read_text():
        sleep(0.01)
    groups.remove()


def test_a_supervisor_that_hangs_is_found_whoever_else_makes_a_noise(guarded, tmp_path):
    one = guarded("adopt", says=r"READY=1\nWATCHDOG=1", guard=IMPATIENT)
    (pid,) = one.starts()
    ears = tmp_path / f"guard-{one.process.pid}.sock"

    with suppress(ProcessLookupError):  # it beats once: on a slow machine its second is over already
        os.kill(pid, signal.SIGSTOP)
    end_ns = monotonic_ns() + 20 * SECOND
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stranger:
        while len((tmp_path / "starts").read_text().splitlines()) < 2 and monotonic_ns() < end_ns:
            with suppress(OSError):
                stranger.sendto(b"WATCHDOG=1", str(ears))
            os.kill(one.process.pid, signal.SIGCHLD)
            sleep(0.2)

    assert monotonic_ns() < end_ns
    assert one.starts(2)[0] == pid


def test_its_socket_is_put_back_where_somebody_removed_it(guarded, tmp_path):
    one = guarded("adopt", says=r"READY=1\nWATCHDOG=1", guard=IMPATIENT)
    ears = tmp_path / f"guard-{one.process.pid}.sock"
    one.starts()

    for _ in range(2):
        ears.unlink()
        end_ns = monotonic_ns() + 20 * SECOND
        while not ears.exists():
            assert monotonic_ns() < end_ns
            sleep(0.01)

    seen = len(one.starts())
    assert len(one.starts(seen + 2)) > seen  # one is heard, falls silent, and is followed by another


def test_nobody_but_its_user_reaches_its_socket_and_no_guard_leaves_one(guarded, tmp_path):
    (tmp_path / "guard-4194999.sock").touch()  # of one that was killed: no process has such a number
    one = guarded("bound", says="READY=1")
    one.starts()
    (twin,) = tree.children(one.process.pid)

    there = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.glob("guard-*")}
    one.process.terminate()
    one.process.wait(20)

    assert there == {f"guard-{pid}.sock": 0o600 for pid in (one.process.pid, twin)}
    assert [*tmp_path.glob("guard-*")] == []


def test_what_the_supervisor_says_goes_on_to_systemd_as_from_the_guard(guarded, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        systemd.bind(str(tmp_path / "s"))
        systemd.settimeout(10)

        one = guarded("bound", says=r"READY=1\nSTATUS=ten run\nFDSTORE=1", NOTIFY_SOCKET=str(tmp_path / "s"))

        said, notes, _, _ = systemd.recvmsg(1000, 100)
    assert set(said.decode().split("\n")) == {"READY=1", "STATUS=ten run", f"MAINPID={one.process.pid}"}
    assert int.from_bytes(notes[0][2][:4], sys.byteorder) == one.process.pid


def test_tied_to_a_process_it_stops_when_that_ends(tmp_path):
    script = f"""
import os, subprocess, sys
env = os.environ | {{"FLOTILLA_TIED": str(os.getpid())}}
command = [sys.executable, "-S", "-c", {STANDS_IN!r}, {str(tmp_path)!r}, "READY=1", ""]
guard = {bare.command("guard", str(tmp_path), "adopt", "--")}
print(subprocess.Popen([*guard, *command], env=env, stdout=subprocess.DEVNULL).pid, flush=True)
sys.stdin.read()
"""
    starter = subprocess.Popen([sys.executable, "-c", script], stdin=-1, stdout=-1)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    while not (tmp_path / "starts").exists():
        sleep(0.01)
    sleep(0.1)
    below = tree.below([pid], tree.table())

    starter.kill()
    starter.communicate()

    assert gone_within({pid, *below}, 5.0)


def test_tied_to_one_that_is_gone_it_starts_nothing(guarded):
    one = guarded("adopt", FLOTILLA_TIED="1")

    assert one.process.wait(20) == 1
    assert not (one.folder / "starts").exists()


def test_it_says_how_it_is_called():
    command = bare.command("guard", "x", "y", "z")

    said = subprocess.run(command, capture_output=True, check=False, text=True)

    assert said.returncode == 1
    assert "usage: guard" in said.stderr

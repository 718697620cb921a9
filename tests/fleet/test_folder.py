"""A run folder is private, has one supervisor at a time, and keeps what it is given whole."""

import errno
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.campaign import trials

from flotilla.errors import ProcessError
from flotilla.fleet.folder import FleetState, Folder, Kept, run_folder_of
from flotilla.stream.files import write_whole

BEGINNINGS = trials(5, 50)
TAKES = """
import os, sys
from pathlib import Path
from flotilla.fleet.folder import Folder
hold = Folder(Path(sys.argv[1])).take()
print(hold.generation, flush=True)
if len(sys.argv) > 2 and os.fork() == 0:  # as a child that has not become its command yet
    os.close(1)
    sys.stdin.read()
    os._exit(0)
if len(sys.argv) <= 2:
    sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "fleet").make()


def taken(folder, *more):
    """Start a process that takes the fence, and lets go when its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", TAKES, str(folder.path), *more],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_it_lies_beside_the_fleets_file(tmp_path):
    assert run_folder_of(tmp_path / "a.yaml", "pair") == tmp_path / ".flotilla" / "fleet" / "pair"


def test_nobody_else_may_look_into_it(folder):
    assert [path.stat().st_mode & 0o777 for path in (folder.path, folder.logs)] == [0o700, 0o700]


def test_a_folder_that_was_open_to_others_is_closed(tmp_path):
    (tmp_path / "fleet").mkdir(mode=0o755)

    Folder(tmp_path / "fleet").make()

    assert (tmp_path / "fleet").stat().st_mode & 0o777 == 0o700


def test_a_link_instead_of_the_folder_of_logs_is_refused(folder, tmp_path):
    folder.logs.rmdir()
    folder.logs.symlink_to(tmp_path)

    with pytest.raises(ProcessError, match="is not a folder of user"):
        folder.make()


def test_sockets_move_where_their_path_is_short_enough(tmp_path, monkeypatch):
    near, far = Folder(tmp_path), Folder(tmp_path / ("long" * 30))
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # of who asks; another's may be another

    assert near.socket("control") == near.path / "control.sock"
    assert len(os.fsencode(far.socket("control"))) < 100
    assert far.sockets == Folder(far.path).sockets != Folder(tmp_path / ("lang" * 30)).sockets
    assert far.sockets.parent == Path("/tmp")


def test_the_folder_of_sockets_goes_when_they_are_done_with(tmp_path):
    near, far = Folder(tmp_path / "run").make(), Folder(tmp_path / ("long" * 30)).make()
    for folder in (near, far):
        folder.socket("control").touch()
        folder.leave()

    assert not far.sockets.exists()
    assert near.socket("control").exists()


def test_the_folder_of_sockets_of_one_that_was_taken_away_goes_when_another_is_made(tmp_path):
    killed, lives = (Folder(tmp_path / (name * 30) / "run").make() for name in ("dead", "life"))
    killed.socket("control").touch()
    shutil.rmtree(killed.path)
    odd = killed.sockets.with_name(f"flotilla-{os.getuid()}-of-nobody")
    odd.mkdir(exist_ok=True)
    (odd / "whose").write_text("x" * 5_000)  # a path that nobody can look at

    os.utime(killed.sockets, (0, 0))
    other = Folder(tmp_path / ("next" * 30)).make()

    assert not killed.sockets.exists()
    assert lives.sockets.exists()
    assert odd.exists()
    shutil.rmtree(odd)
    for one in (lives, other):
        one.leave()


def test_the_folder_of_sockets_stays_while_somebody_listens_though_the_run_folder_is_out_of_sight(tmp_path):
    far = Folder(tmp_path / ("far" * 40)).make()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.fsencode(far.socket("control")))
        listening.listen()
        shutil.rmtree(far.path)
        os.utime(far.sockets, (0, 0))

        Folder(tmp_path / ("next" * 30)).make().leave()

        assert far.socket("control").exists()
    os.utime(far.sockets, (0, 0))
    Folder(tmp_path / ("last" * 30)).make().leave()
    assert not far.sockets.exists()


def test_sockets_elsewhere_are_found_whatever_ones_folder_of_temporary_files(tmp_path):
    program = "import sys; from flotilla.fleet.folder import Folder; print(Folder(sys.argv[1]).sockets)"
    asked = [sys.executable, "-c", program, str(tmp_path / ("long" * 30))]

    found = {
        subprocess.check_output(asked, env=os.environ | {"TMPDIR": str(at)}) for at in (tmp_path, "/tmp")
    }

    assert len(found) == 1


def test_who_writes_without_a_supervisor_is_alone_and_no_generation(folder):
    with folder.unsupervised(), pytest.raises(ProcessError, match=f"supervised by {os.getpid()} already"):
        folder.take(wait_s=0.01)

    assert folder.holder() is None
    assert folder.generation() == 0


def test_one_brings_it_up_at_a_time(folder):
    with folder.coming_up():
        with pytest.raises(ProcessError, match="another process brings"), folder.coming_up():
            pytest.fail("both may")
        assert folder.holder() is None

    with folder.coming_up():
        pass


def test_each_supervisor_is_of_the_next_generation(folder):
    first = folder.take()
    os.close(first.lock)
    second = folder.take()
    os.close(second.lock)

    assert (first.generation, second.generation, folder.generation()) == (1, 2, 2)


def test_while_one_supervises_another_is_refused_and_told_who(folder):
    process, _ = taken(folder)

    assert folder.holder() == process.pid
    with pytest.raises(ProcessError, match=f"supervised by {process.pid} already"):
        folder.take(wait_s=0.02)
    process.communicate("")
    assert folder.holder() is None


def test_a_fork_that_is_no_command_yet_holds_the_fence_when_its_parent_is_dead(folder):
    process, _ = taken(folder, "fork")
    process.wait()

    with pytest.raises(ProcessError):
        folder.take(wait_s=0.05)
    process.communicate("")
    os.close(folder.take().lock)


@pytest.mark.campaign(BEGINNINGS)
def test_two_that_begin_at_once_never_have_the_same_generation(folder):
    seen = []

    for _ in range(BEGINNINGS):
        both = [
            subprocess.Popen(
                [sys.executable, "-c", TAKES, str(folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
            )
            for _ in "ab"
        ]
        seen += [int(process.communicate()[0]) for process in both]

    assert sorted(seen) == list(range(1, 2 * BEGINNINGS + 1))


def test_what_is_kept_is_read_again(folder):
    state = FleetState(3, 77, {"feed": Kept(12, 345, 3, "ab", "READY", 2, {"log_at": 5})})

    folder.write_state(state)

    assert folder.state() == state
    assert folder.state_file.stat().st_mode & 0o777 == 0o600


def test_a_folder_where_nothing_was_kept_has_an_empty_state(folder):
    assert folder.state() == FleetState()


def test_a_state_that_cannot_be_read_is_named(folder):
    folder.state_file.write_text("{")

    with pytest.raises(ProcessError, match=r"state\.json"):
        folder.state()


@pytest.mark.parametrize("found", [b"x", b"", b"\xff", "\N{SUPERSCRIPT TWO}".encode()])
def test_a_generation_that_is_no_number_is_not_counted_from_the_start_again(folder, found):
    (folder.path / "generation").write_bytes(found)

    with pytest.raises(ProcessError, match="should hold a number"):
        folder.take()


def test_a_whole_file_takes_the_place_of_the_old_one_and_leaves_nothing_beside_it(tmp_path: Path):
    file = tmp_path / "file"

    for text in (b"old and long", b"new"):
        write_whole(file, text)

    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_named_with_how_little_room_there_is(tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("flotilla.fleet.folder.os.write", full)
    monkeypatch.setattr(
        "flotilla.stream.files.os.statvfs",
        lambda _: SimpleNamespace(f_blocks=9, f_bavail=1, f_frsize=1_500_000),
    )

    with pytest.raises(OSError, match=r"there is no room on the disk of .*: 1\.5 MB free") as found:
        write_whole(tmp_path / "state.json", b"x")

    assert (found.value.errno, found.value.filename) == (errno.ENOSPC, str(tmp_path / "state.json"))

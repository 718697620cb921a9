import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from flotilla.stream.files import private_folder, stands_at, sync_folder, without_room, write_atomically


def test_a_file_is_written_and_its_folder_is_made(tmp_path):
    path = tmp_path / "a" / "b" / "report.json"

    write_atomically(path, b"one")

    assert path.read_bytes() == b"one"


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "report.json"

    write_atomically(path, b"one")
    write_atomically(path, b"two")

    assert path.read_bytes() == b"two"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "report.json"
    write_atomically(path, b"one")

    def full(_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"two")

    assert path.read_bytes() == b"one"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_a_reader_of_the_old_file_keeps_it_whole(tmp_path):
    path = tmp_path / "report.json"
    write_atomically(path, b"one")

    with path.open("rb") as reader:
        write_atomically(path, b"two, which is longer")

        assert reader.read() == b"one"


def test_a_folder_can_be_synced(tmp_path):
    sync_folder(tmp_path)


def test_what_cannot_be_written_is_named_with_how_little_room_there_is(tmp_path, monkeypatch):
    free = SimpleNamespace(f_blocks=1, f_bavail=1_500, f_frsize=1_000)
    monkeypatch.setattr("flotilla.stream.files.os.statvfs", lambda _: free)

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("flotilla.stream.files.os.fsync", full)
    path = tmp_path / "new" / "run.json"

    with pytest.raises(OSError, match=r"there is no room on the disk of .*: 1\.5 MB free") as found:
        write_atomically(path, b"x")

    assert (found.value.errno, found.value.filename) == (errno.ENOSPC, str(path))


def test_of_a_disk_that_may_only_be_read_no_room_is_spoken_of(tmp_path, monkeypatch):
    free = SimpleNamespace(f_blocks=1, f_bavail=0, f_frsize=1_000)
    monkeypatch.setattr("flotilla.stream.files.os.statvfs", lambda _: free)

    def closed(_: int) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("flotilla.stream.files.os.fsync", closed)

    with pytest.raises(OSError, match="Read-only file system") as found:
        write_atomically(tmp_path / "run.json", b"x")

    assert "room" not in str(found.value)


def test_where_there_is_room_nothing_is_said_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "flotilla.stream.files.os.statvfs",
        lambda _: SimpleNamespace(f_blocks=1, f_bavail=1, f_frsize=1_000_000_000),
    )

    assert without_room(tmp_path / "not" / "there" / "yet") == ""


def test_of_the_kernels_own_folders_no_room_is_spoken_of():
    assert without_room(Path("/proc/nowhere/run.json")) == ""


def test_a_private_folder_is_closed_and_the_one_that_it_lies_in_is_left(tmp_path):
    home = tmp_path / "home"
    (home / "runs").mkdir(parents=True)
    for folder in (home, home / "runs"):
        folder.chmod(0o755)

    private_folder(home / "runs")

    assert [folder.stat().st_mode & 0o777 for folder in (home, home / "runs")] == [0o755, 0o700]


@pytest.mark.parametrize("inside", ["", "runs", "runs/small"])
def test_a_file_in_the_place_of_a_private_folder_is_named(tmp_path, inside):
    home = tmp_path / "home"
    home.write_text("")

    with pytest.raises(OSError, match="home is there, and is no folder") as found:
        private_folder(home / inside)

    assert found.value.filename == str(home / inside)


def test_an_open_file_that_is_moved_replaced_or_removed_does_not_stand_at_its_path(tmp_path):
    path = tmp_path / "fleet.lock"
    with path.open("w") as file:
        there = [stands_at(file.fileno(), path)]
        path.rename(tmp_path / "elsewhere")
        there.append(stands_at(file.fileno(), path))
        path.write_text("another")
        there.append(stands_at(file.fileno(), path))

        assert there == [True, False, False]
        assert not stands_at(file.fileno(), path / "below a file")

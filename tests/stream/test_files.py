import os

import pytest

from flotilla.stream.files import sync_folder, write_atomically


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

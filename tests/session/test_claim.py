"""A run's folder is one command's at a time, and is not removed while anybody uses it."""

import os
from pathlib import Path

import pytest

from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.folder import Folder
from flotilla.session.claim import claimed, forget


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a run's folder with something in it."""
    made = tmp_path / "small" / "live"
    made.mkdir(parents=True)
    (made / "orders.db").write_bytes(b"orders")
    return made


def test_a_second_one_is_refused_and_the_first_named(folder):
    with (
        claimed(folder),
        pytest.raises(ProcessError, match=f"in use by process {os.getpid()}: it runs already"),
        claimed(folder),
    ):
        pass

    with claimed(folder):  # it is free again
        pass


def test_it_stays_the_first_ones_while_it_is_removed_and_begun_anew(folder):
    with claimed(folder):
        forget(folder)
        with pytest.raises(ProcessError, match="runs already"), claimed(folder):
            pass
        folder.mkdir()
        with pytest.raises(ProcessError, match="runs already"), claimed(folder):
            pass


def test_one_whose_command_was_killed_is_in_use_until_its_processes_are_down(folder):
    hold = Folder(folder / "fleet").make().take()

    with pytest.raises(ProcessError, match=f"in use by process {os.getpid()}"), claimed(folder):
        pass
    os.close(hold.lock)

    with claimed(folder):
        forget(folder)
    assert not folder.exists()


def test_what_a_removal_that_was_killed_has_left_goes_with_the_next(folder):
    left = folder.with_name(".live.removed-0")
    left.mkdir()

    with claimed(folder):
        forget(folder)

    assert [path.name for path in folder.parent.iterdir()] == ["live.lock"]


def test_nothing_is_removed_through_a_link(folder, tmp_path):
    link = tmp_path / "linked" / "live"
    link.parent.mkdir()
    link.symlink_to(folder)

    with claimed(link), pytest.raises(ConfigError, match=f"is a link to {folder}"):
        forget(link)

    assert (folder / "orders.db").read_bytes() == b"orders"


def test_two_names_of_one_folder_are_one_run(folder, tmp_path):
    link = tmp_path / "linked" / "live"
    link.parent.mkdir()
    link.symlink_to(folder)
    hold = Folder(folder / "fleet").make().take()

    with pytest.raises(ProcessError, match="runs already"), claimed(link):
        pass
    os.close(hold.lock)

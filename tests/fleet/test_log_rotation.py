import asyncio
import errno

import pytest

from flotilla.fleet.log_rotation import LogRotation
from flotilla.fleet.spec import Log
from flotilla.fleet.system import logs

RULE = Log(rotate_mb=0.01, keep=2)


@pytest.fixture
def folder(tmp_path):
    for name in ("long", "short"):
        (tmp_path / f"{name}.log").write_text("a line\n" * (10_000 if name == "long" else 1))
    return tmp_path


def looked(folder, *, times=1):
    """Look, `times` times over; return what was noted."""
    notes = []

    async def run():
        rotation = LogRotation(lambda name: folder / f"{name}.log", notes.append)
        for _ in range(times):
            rotation.look({"long": RULE, "short": RULE, "none": RULE})
            for _ in range(1000):
                await asyncio.sleep(0)

    asyncio.run(run())
    return notes


def test_what_is_too_long_is_rotated_and_nothing_else(folder):
    assert looked(folder) == []

    assert logs.segments_of(folder / "long.log") != []
    assert logs.segments_of(folder / "short.log") == []


def test_a_disk_that_stays_full_is_told_of_once(folder, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(logs, "rotation", full)

    (note,) = looked(folder, times=3)

    assert (note.kind, note.name) == ("log_not_rotated", "long")


def test_where_logs_cannot_be_rotated_it_is_not_tried_again(folder, monkeypatch):
    tries = []

    def unable(path, *args):
        tries.append(path)
        raise logs.NotSupported("no holes here")

    monkeypatch.setattr(logs, "rotation", unable)

    assert [note.text for note in looked(folder, times=3)] == ["no holes here"]
    assert len(tries) == 1

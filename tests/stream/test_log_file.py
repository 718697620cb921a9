"""A log's file: who holds it, and whether it is still the one that was opened."""

import os
from contextlib import closing

import pytest

from flotilla.errors import StreamError
from flotilla.stream.log_file import THERE, claim, connect, files, made


def test_a_file_is_one_writers_who_is_named(folder):
    path = folder / "bars.db"

    with claim(path, False), pytest.raises(StreamError, match=f"has a writer already: process {os.getpid()}"):
        claim(path, False)


def test_one_that_was_there_and_is_gone_is_refused_to_who_needs_it(folder):
    path = folder / "bars.db"
    with claim(path, True) as lock:  # the writer dies before it has made the log
        pass
    with claim(path, True) as lock:
        lock.write(THERE)

    with pytest.raises(StreamError, match="is gone, which was there before"):
        claim(path, True)
    claim(path, False).close()


def test_another_file_under_the_same_name_is_another(folder):
    path = folder / "bars.db"
    made(path).close()
    before = files(path)
    assert path.stat().st_mode & 0o777 == 0o600

    path.rename(folder / "aside")
    gone = files(path)
    made(path).close()

    assert gone[0] == (0, 0)
    assert files(path) != before
    with closing(connect(path, "ro")) as db:
        assert db.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,)

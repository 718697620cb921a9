import os

import pytest

from flotilla.errors import ConfigError, DataError
from flotilla.stream.bars.sizes import available, check_fits, size_of


def test_the_size_of_a_file_is_looked_at(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")

    assert size_of(tmp_path / "a") == 5


def test_what_is_no_regular_file_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", tmp_path.joinpath("/dev/zero"), tmp_path.joinpath("/dev/urandom")):
        with pytest.raises(ConfigError, match="cannot be read: it is no regular file"):
            size_of(path)
    with pytest.raises(ConfigError, match="it is a folder"):
        size_of(tmp_path)
    with pytest.raises(ConfigError, match="No such file"):
        size_of(tmp_path / "none")
    with pytest.raises(ConfigError, match="is no path: it has a NUL in it"):
        size_of(tmp_path / "a\0b")


def test_what_does_not_fit_is_refused_before_it_is_taken():
    check_fits("a", available() // 2, "its bars")
    with pytest.raises(DataError, match=r"a cannot be used: its bars would take 1,000,000.0 GB of memory"):
        check_fits("a", 10**15, "its bars")

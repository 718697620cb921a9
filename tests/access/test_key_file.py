import os

import pytest

from flotilla.access.key_file import private
from flotilla.errors import ConfigError


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "a.key"
    path.write_text("secret")
    path.chmod(0o600)
    return path


def test_a_key_that_is_its_owners_alone_is_good(key):
    private(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o777])
def test_a_key_that_others_can_read_is_refused(key, mode):
    key.chmod(mode)

    with pytest.raises(ConfigError, match="can be read by others: chmod 600"):
        private(key)


def test_a_key_that_is_not_there_is_asked_for_with_what_helps(key):
    key.unlink()

    with pytest.raises(ConfigError, match=r"a\.key cannot be read: No such file or directory$"):
        private(key)
    with pytest.raises(ConfigError, match=r"No such file or directory\. make one$"):
        private(key, "make one")


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="is no file of user"):
        private(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_key_of_somebody_else_is_refused(key):
    os.chown(key, 12345, -1)

    with pytest.raises(ConfigError, match="is no file of user"):
        private(key)

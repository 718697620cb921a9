"""The key of the audit log: its owner's alone."""

import pytest

from flotilla.access.audit_key import key_at
from flotilla.errors import ConfigError


def test_a_key_is_made_once_and_is_private(tmp_path):
    made = key_at(tmp_path / "audit.key", make=True)

    assert key_at(tmp_path / "audit.key", make=True) == key_at(tmp_path / "audit.key", make=False) == made
    assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
    assert len(made) == 64


def test_a_key_that_is_not_there_is_not_made_unasked(tmp_path):
    with pytest.raises(ConfigError, match=r"audit\.key: the key of the audit log is not there"):
        key_at(tmp_path / "audit.key", make=False)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_that_others_may_read_is_refused(tmp_path, mode):
    key_at(tmp_path / "audit.key", make=True)
    (tmp_path / "audit.key").chmod(mode)

    with pytest.raises(ConfigError, match="can be read by others"):
        key_at(tmp_path / "audit.key", make=True)


def test_a_key_that_is_a_link_or_no_key_is_refused(tmp_path):
    key = tmp_path / "audit.key"
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="cannot be the key"):
        key_at(key, make=True)

    key.unlink()
    key.write_bytes(b"short")
    key.chmod(0o600)
    with pytest.raises(ConfigError, match="holds no key"):
        key_at(key, make=True)

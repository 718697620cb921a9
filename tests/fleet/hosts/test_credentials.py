import shutil
import ssl

import pytest
from tests.fleet.made_keys import keys

from flotilla.errors import ConfigError
from flotilla.fleet.hosts import credentials


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(keys(), tmp_path / "keys")


def test_both_sides_show_a_certificate_and_speak_nothing_old(folder):
    head, agent = credentials.head(folder), credentials.agent(folder, "b")

    for context in (head, agent):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.minimum_version is ssl.TLSVersion.TLSv1_3
    assert head.check_hostname


def test_a_key_that_others_can_read_is_refused(folder):
    (folder / "b.key").chmod(0o640)

    with pytest.raises(ConfigError, match="chmod 600"):
        credentials.agent(folder, "b")


def test_a_key_that_is_not_there_is_asked_for_by_name(folder):
    with pytest.raises(ConfigError, match=r"c\.key cannot be read.*flotilla fleet keys"):
        credentials.agent(folder, "c")


def test_a_certificate_that_is_none_or_anothers_is_refused(folder):
    shutil.copy(folder / "a.pem", folder / "b.pem")
    with pytest.raises(ConfigError, match="cannot be used"):
        credentials.agent(folder, "b")

    (folder / "b.pem").write_text("no certificate")
    with pytest.raises(ConfigError, match="cannot be used"):
        credentials.agent(folder, "b")


def test_a_key_behind_a_folder_is_none(folder):
    (folder / "head.key").unlink()
    (folder / "head.key").mkdir()

    with pytest.raises(ConfigError, match="is no file"):
        credentials.head(folder)

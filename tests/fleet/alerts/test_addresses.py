"""Addresses are secrets: where they may be kept, and that no error shows them."""

import os

import pytest

from flotilla.errors import ConfigError
from flotilla.fleet.alerts.addresses import addresses

SECRET = "slack://T0KEN/of/mine"


def kept(folder, text=SECRET, mode=0o600, name="urls"):
    path = folder / name
    path.write_text(text)
    path.chmod(mode)
    return f"file:{name}"


def test_a_name_of_the_environment_or_a_private_file_stands_for_addresses(tmp_path, monkeypatch):
    monkeypatch.setenv("SLACK", SECRET)
    target = kept(tmp_path, f"# ours\n{SECRET}\n\n  json://localhost  \n")

    assert addresses("env:SLACK", tmp_path) == (SECRET,)
    assert addresses(target, tmp_path) == (SECRET, "json://localhost")
    assert addresses(f"file:{tmp_path}/urls", tmp_path.parent) == (SECRET, "json://localhost")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644, 0o777])
def test_a_file_that_others_can_reach_is_refused(mode, tmp_path):
    target = kept(tmp_path, mode=mode)

    with pytest.raises(ConfigError, match="chmod 600") as raised:
        addresses(target, tmp_path)
    assert "T0KEN" not in str(raised.value)


def test_a_link_a_pipe_and_a_folder_are_refused(tmp_path):
    kept(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "urls")
    os.mkfifo(tmp_path / "pipe", 0o600)

    for name in ("link", "pipe", ".", "nothing"):
        with pytest.raises(ConfigError):
            addresses(f"file:{name}", tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away takes root")
def test_a_file_of_another_user_is_refused(tmp_path):
    target = kept(tmp_path)
    os.chown(tmp_path / "urls", 12345, 12345)

    with pytest.raises(ConfigError, match="user 12345"):
        addresses(target, tmp_path)


def test_nothing_is_no_address(tmp_path, monkeypatch):
    monkeypatch.delenv("NOT_SET", raising=False)

    for target in ("env:NOT_SET", kept(tmp_path, "# only words\n"), f"slack:{SECRET}"):
        with pytest.raises(ConfigError) as raised:
            addresses(target, tmp_path)
        assert "T0KEN" not in str(raised.value)


def test_what_is_no_text_is_refused(tmp_path):
    target = kept(tmp_path)
    (tmp_path / "urls").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="UTF-8"):
        addresses(target, tmp_path)

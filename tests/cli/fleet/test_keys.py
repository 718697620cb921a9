import shutil
import ssl
import stat

import pytest

from flotilla.cli.fleet.keys import make
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.hosts import credentials


@pytest.fixture(autouse=True)
def _openssl():
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not here")


def test_keys_are_made_for_a_head_and_its_hosts_and_are_their_owners_alone(call, tmp_path):
    folder = tmp_path / "keys"

    made = call("fleet", "keys", "b", "c_1", "--folder", str(folder), "--json").json

    assert made["made"] == ["ca", "head", "b", "c_1"]
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        f"{name}.{kind}" for name in ("ca", "head", "b", "c_1") for kind in ("key", "pem")
    )
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.glob("*.key")} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert credentials.agent(folder, "c_1").verify_mode is ssl.CERT_REQUIRED


def test_another_host_later_leaves_the_others_as_they_are(call, tmp_path):
    folder = tmp_path / "keys"
    make(folder, ("b",))
    before = (folder / "b.pem").read_bytes()

    said = call("fleet", "keys", "b", "c", "--folder", str(folder)).err

    assert "made c\n" in said
    assert "to c, as" in said
    assert (folder / "b.pem").read_bytes() == before


def test_renewed_keys_are_other_keys_of_the_same_authority(tmp_path):
    make(tmp_path, ("b",))
    before = {name: (tmp_path / name).read_bytes() for name in ("ca.pem", "b.key", "head.key")}

    assert make(tmp_path, ("b",), renew=True) == ["head", "b"]

    assert [name for name, text in before.items() if (tmp_path / name).read_bytes() == text] == ["ca.pem"]


@pytest.mark.parametrize("name", ["head", "ca", "../b", "B", ""])
def test_names_that_are_no_hosts_are_refused(call, tmp_path, name):
    assert call("fleet", "keys", name, "--folder", str(tmp_path / "keys")).code == 2
    assert not (tmp_path / "keys").exists()


def test_without_the_authoritys_key_nobody_is_vouched_for(tmp_path):
    make(tmp_path, ("b",))
    (tmp_path / "ca.key").unlink()

    assert make(tmp_path, ("b",)) == []
    with pytest.raises(ConfigError, match=r"ca\.key cannot be read"):
        make(tmp_path, ("c",))


def test_what_openssl_says_is_told_and_nothing_half_made_is_left(tmp_path):
    make(tmp_path, ("b",))
    (tmp_path / "ca.key").write_text("no key")

    with pytest.raises(ProcessError, match="openssl failed"):
        make(tmp_path, ("c",))

    assert not list(tmp_path.glob("c.*"))
    assert not list(tmp_path.glob(".making-*"))


def test_without_openssl_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match="install it"):
        make(tmp_path, ("b",))


def test_a_number_of_days_that_is_none_is_refused_before_anything_is_made(call, tmp_path):
    found = call("fleet", "keys", "b", "--folder", tmp_path / "keys", "--days", "0")

    assert found.code == 2
    assert "--days" in found.err
    assert not (tmp_path / "keys").exists()

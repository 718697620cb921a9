"""The socket: private, or loopback, or TLS; nothing else is opened."""

import shutil
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from flotilla.errors import ConfigError
from flotilla.fleet import listen
from flotilla.fleet.folder import Folder
from flotilla.fleet.spec import Api


@pytest.fixture
def folder():
    """Return a run folder with a short path: a unix socket's may have 107 bytes."""
    made = Path(tempfile.mkdtemp(prefix="fl-"))
    yield Folder(made).make()
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return the paths of a certificate and its key, made by openssl where there is one."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {key} -out {certificate} -days 1 -subj /CN=desk"
    )
    try:
        subprocess.run(command.split(), check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not here")
    key.chmod(0o600)
    return str(certificate), str(key)


def test_the_unix_socket_is_for_its_owner_alone(folder):
    path = folder.socket("api")
    for _ in range(2):  # in place of one that was left there
        with closing(listen.opened(Api(), path)) as listener:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert not listener.get_inheritable()
            with closing(socket.socket(socket.AF_UNIX)) as client:
                client.connect(str(path))


def six():
    try:
        with closing(socket.socket(socket.AF_INET6)) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("where", ["127.0.0.1:0", "localhost:0", "127.9.9.9:0", "[::1]:0"])
def test_loopback_is_opened(folder, where):
    if where == "[::1]:0" and not six():
        pytest.skip("no IPv6 here")
    with closing(listen.opened(Api(where), folder.socket("api"))) as listener:
        port = listener.getsockname()[1]
        found = listen.hosts(Api(where), listener)

    assert {f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}"} <= found
    assert "flotilla" not in found


@pytest.mark.parametrize(
    "where",
    [
        "0.0.0.0:8700",
        "[::]:8700",
        "192.168.1.5:8700",
        "10.0.0.1:80",
        "8.8.8.8:1",
        "[fe80::1]:80",
        "[::ffff:8.8.8.8]:80",
        "*:8700",
        ":8700",
        "8700",
        "example.com:8700",
        "127.0.0.1",
        "127.0.0.1:65536",
        "127.0.0.1:x",
        "127.0.0.256:80",
        "1.2.3:80",
        "",
        "tcp:127.0.0.1:80",
        "unix:/tmp/x",
    ],
)
def test_what_others_could_reach_or_is_no_place_is_refused(folder, where):
    with pytest.raises(ConfigError, match=r"^api\.listen"):
        listen.opened(Api(where), folder.socket("api"))


def test_with_tls_others_may_reach_it_by_name(folder, pair):
    certificate, key = pair
    api = Api("0.0.0.0:0", certificate=certificate, key=key, names=("desk.example",))
    with closing(listen.opened(api, folder.socket("api"))) as listener:
        port = listener.getsockname()[1]
        found = listen.hosts(api, listener)

    assert found == {"desk.example", f"desk.example:{port}"}
    assert listen.tls(api).minimum_version == ssl.TLSVersion.TLSv1_2
    assert listen.tls(Api()) is None


def test_with_an_authority_who_asks_shows_a_certificate(pair):
    certificate, key = pair

    assert listen.tls(Api(certificate=certificate, key=key, ca=certificate)).verify_mode == ssl.CERT_REQUIRED


def test_tls_that_cannot_be_is_refused(folder, pair, tmp_path):
    certificate, _ = pair
    loose = tmp_path / "loose.pem"
    loose.write_text("x")
    loose.chmod(0o644)
    bad = tmp_path / "bad.pem"
    bad.write_text("x")
    bad.chmod(0o600)

    for api, why in (
        (Api(certificate=certificate), "belong together"),
        (Api(certificate=certificate, key=str(loose)), "can be read by others"),
        (Api(certificate=certificate, key=str(bad)), "cannot be used"),
        (Api(certificate=certificate, key=str(tmp_path / "none.pem")), "cannot be read"),
    ):
        with pytest.raises(ConfigError, match=why):
            listen.tls(api)
        with pytest.raises(ConfigError, match=why):
            listen.opened(api, folder.socket("api"))


def test_a_port_that_is_taken_is_told(folder):
    with closing(listen.opened(Api("127.0.0.1:0"), folder.socket("api"))) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConfigError, match=f"cannot listen at 127.0.0.1:{port}"):
            listen.opened(Api(f"127.0.0.1:{port}"), folder.socket("api"))


def test_the_supervisor_may_load_it():
    script = (
        "import sys, flotilla.fleet.listen\n"
        "heavy = ('fastapi', 'pydantic', 'argon2', 'uvicorn', 'numpy')\n"
        "print([name for name in heavy if name in sys.modules])"
    )

    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout

    assert said == "[]\n"

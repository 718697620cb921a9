"""An address is one, or is refused with what would be."""

import pytest

from flotilla.errors import ConfigError
from flotilla.fleet.spec import Api
from flotilla.fleet.spec.addresses import api_place, host_and_port, place


@pytest.mark.parametrize(
    "address",
    [
        "http://10.0.0.1/",
        "http://flotilla.example/",
        "https://127.0.0.1/",
        "http://",
        "unix:",
        "ftp://127.0.0.1",
        "http://a:b@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "http://127.0.0.1/\r\nX: y",
        "http://127.0.0.1.example.com/",
    ],
)
def test_a_control_endpoint_is_on_this_machine(address):
    with pytest.raises(ConfigError):
        place(address, local=True)


@pytest.mark.parametrize("address", ["", "localhost", ":80", "a:0", "a:65536", "a:b", "a:-1", "a:²"])
def test_what_is_no_host_and_port_is_refused(address):
    with pytest.raises(ConfigError):
        host_and_port(address)


def test_hosts_of_all_kinds_have_ports():
    assert host_and_port("[::1]:80") == ("::1", 80)
    assert host_and_port("localhost:8700") == ("127.0.0.1", 8700)


def test_names_are_refused_since_looking_one_up_takes_a_thread():
    for address in ("http://db.example/", "http://127.0.0.1.example.com/"):
        with pytest.raises(ConfigError, match="as a number"):
            place(address)


def test_who_is_reached_from_elsewhere_says_by_which_names():
    with pytest.raises(ConfigError, match=r"api\.names"):
        api_place(Api("0.0.0.0:0", certificate="/a.pem", key="/a.key"))


def test_files_are_named_from_the_root():
    with pytest.raises(ConfigError, match=r"api\.key: should be an absolute path"):
        api_place(Api(certificate="/a.pem", key="a.pem"))

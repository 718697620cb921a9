"""What a host's own file says of a platform, and what an order does."""

import json

import pytest

from flotilla.errors import ConfigError
from flotilla.fleet import spec
from flotilla.fleet.folder import Folder
from flotilla.fleet.hosts.charges import Charges
from flotilla.fleet.hosts.wire import Do, digest
from flotilla.stream.files import write_whole


@pytest.fixture
def written(tmp_path):
    """Return what writes the host's file, and returns what a head with the same one orders."""
    file = tmp_path / "fleet.yaml"

    def write(**more):
        feed = {"command": ["run"], "folder": "app", "host": "b"} | more
        hosts = {"b": {"address": "127.0.0.1:9"}}
        file.write_text(json.dumps({"name": "two", "hosts": hosts, "platforms": {"feed": feed}}))
        return Do(1, 1, "spawn", "feed", "1.1", digest(spec.read_fleet(file).platforms["feed"]))

    return write


@pytest.fixture
def folder(tmp_path, written):
    written()
    made = Folder(tmp_path / "run").make()
    write_whole(made.origin, str(tmp_path / "fleet.yaml").encode())
    write_whole(made.fleet_file, spec.fleet_to_yaml(spec.read_fleet(tmp_path / "fleet.yaml")).encode())
    return made


def test_what_runs_is_counted_from_this_hosts_file_and_runs_here(folder, tmp_path):
    platform = Charges(folder, "b").platform("feed")

    assert (platform.folder, platform.host) == (str(tmp_path / "app"), None)


def test_a_file_that_has_changed_is_read_again_and_kept_if_it_says_what_the_head_says(folder, written):
    charges = Charges(folder, "b")
    do = written(env={"A": "1"})
    written(env={"A": "2"})
    with pytest.raises(ConfigError, match="something else"):
        charges.accept(do)
    assert charges.platform("feed").env == {}

    written(env={"A": "1"})
    charges.accept(do)

    assert charges.platform("feed").env == {"A": "1"}
    assert Charges(folder, "b").platform("feed").env == {"A": "1"}


def test_another_hosts_platform_is_none_of_this_one(folder, written):
    with pytest.raises(ConfigError, match="on host a"):
        Charges(folder, "a").accept(written())


def test_an_order_says_how_much_is_logged_and_how_often_it_is_probed_until_the_next(folder, written):
    charges, do = Charges(folder, "b"), written(log={"level": "ERROR", "keep": 3}, health_check_interval=60.0)

    charges.accept(Do(do.n, 1, "spawn", "feed", "1.1", do.digest, "DEBUG", 0.5))
    tuned = charges.platform("feed")
    charges.accept(do)
    plain = charges.platform("feed")

    assert (tuned.log.level, tuned.log.keep, tuned.health_check_interval) == ("DEBUG", 3, 0.5)
    assert (plain.log.level, plain.log.keep, plain.health_check_interval) == ("ERROR", 3, 60.0)

import json
import shutil
from pathlib import Path

import pytest
from tests.fleet.made_keys import free_port, keys

from flotilla.cli.fleet import agent as module
from flotilla.cli.fleet.agent import placed
from flotilla.errors import ConfigError, ProcessError
from flotilla.fleet.spec import read_fleet


@pytest.fixture
def file(tmp_path):
    host = {"address": f"127.0.0.1:{free_port()}"}
    feed = {"command": ["sleep", "60"], "ready": "started", "host": "b"}
    raw = {"name": "two", "hosts": {"b": host}, "platforms": {"feed": feed}}
    path = tmp_path / "fleet.yaml"
    path.write_text(json.dumps(raw))
    return path


@pytest.fixture
def keyed(file):
    shutil.copytree(keys(), file.parent / "keys")
    return file


def test_an_agent_comes_up_tells_how_it_is_and_goes_down(call, keyed, monkeypatch):
    monkeypatch.chdir(keyed.parent)
    for name in ("types", "signal", "calendar"):  # none of them is what the agent imports
        (keyed.parent / f"{name}.py").write_text("raise SystemExit('ran what nobody named')")

    up = call("fleet", "agent", str(keyed), "--host", "b", "--detach", "--json").json
    again = call("fleet", "agent", str(keyed), "--host", "b", "--detach")
    status = call("fleet", "status", "--fleet", "two@b", "--json").json
    down = call("fleet", "down", "--fleet", "two@b", "--yes")

    assert up["fleet"] == status["name"] == "two@b"
    assert "up already" in again.err
    assert down.code == 0, down.err


def test_without_keys_nothing_is_started(call, file):
    refused = call("fleet", "agent", str(file), "--host", "b")

    assert refused.code == 2
    assert "flotilla fleet keys" in refused.err
    assert not (file.parent / ".flotilla").exists()


def test_a_host_that_the_file_does_not_know_is_refused(keyed):
    with pytest.raises(ConfigError, match="'c'"):
        placed(keyed, read_fleet(keyed), "c")


class Became(Exception):
    """This process is another one now."""


def test_in_the_foreground_it_becomes_the_guard(keyed, monkeypatch):
    def execv(_path, argv):
        raise Became(argv)

    monkeypatch.setattr(module.os, "execv", execv)
    with pytest.raises(Became) as became:
        module.agent(keyed, host="b")

    (argv,) = became.value.args
    assert (Path(argv[3]).name, argv[4]) == ("bare.py", "guard")
    assert argv[-2:] == ["flotilla.fleet.hosts.agent", str(keyed.parent / ".flotilla" / "fleet" / "two@b")]


def test_two_that_are_started_at_once_are_one(keyed):
    folder = placed(keyed, read_fleet(keyed), "b").folder

    with folder.coming_up(), pytest.raises(ProcessError, match="brings two@b up just now"):
        module.agent(keyed, host="b")

    assert not folder.fleet_file.exists()

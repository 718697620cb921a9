"""A head and an agent in network namespaces of their own, joined by a cable that is pulled out.

Behind a cable that is out, nothing is killed, nothing is doubled, and what was declared happens; when it is
in again, the same processes go on. Nobody's death, of agent, head or both, changes that.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path

import pytest
from tests.fleet.made_keys import keys

from flotilla.clock import monotonic_ns, sleep
from flotilla.errors import FlotillaError
from flotilla.fleet import spec
from flotilla.fleet.control.client import Client
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.events import EventReader
from flotilla.fleet.system import bare
from flotilla.stream.files import write_whole

LOST_AFTER = 0.8
CHILD = """
import time
from flotilla import notify
print("begun", flush=True)
notify.ready()
while True:
    time.sleep(0.05)
    notify.alive()
"""
PLATFORMS = {  # a chain that crosses to b and back
    "base": {},
    "feed": {"host": "b", "needs": ["base"], "health": {"heartbeat_s": 0.3}},
    "app": {"needs": ["feed"]},
}


def ran(*words):
    return subprocess.run([str(word) for word in words], check=True, capture_output=True, text=True)


class Net:
    """Two namespaces, head and b, and a cable between them. Nothing of the machine's own net is touched."""

    def __init__(self):
        self.names = {side: f"fl{os.getpid()}{side}" for side in ("head", "b")}
        self.made = []

    def make(self):
        for name in self.names.values():
            ran("ip", "netns", "add", name)
            self.made.append(name)
            ran(*self.inside(name), "ip", "link", "set", "lo", "up")
        head, b = self.names["head"], self.names["b"]
        ran(
            *self.inside(head),
            "ip",
            "link",
            "add",
            "cable",
            "type",
            "veth",
            "peer",
            "name",
            "cable",
            "netns",
            b,
        )
        for name, address in ((head, "10.77.0.1/30"), (b, "10.77.0.2/30")):
            ran(*self.inside(name), "ip", "addr", "add", address, "dev", "cable")
            ran(*self.inside(name), "ip", "link", "set", "cable", "up")

    @staticmethod
    def inside(name):
        return ["nsenter", f"--net=/run/netns/{name}"]

    def cable(self, state):
        """Pull the cable out at b ("down"), or put it in ("up")."""
        ran(*self.inside(self.names["b"]), "ip", "link", "set", "cable", state)

    def remove(self):
        for name in self.made:
            ran("ip", "netns", "del", name)


@pytest.fixture
def net():
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nsenter"):
        pytest.skip("network namespaces are made by root, with ip and nsenter")
    made = Net()
    try:
        made.make()
    except subprocess.CalledProcessError as error:
        made.remove()
        pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
    yield made
    made.remove()


class Site:
    """One side: its folder, its copy of the file, its guard."""

    def __init__(self, net, side, path, text):
        self.namespace, self.module = net.names[side], {"head": "supervisor", "b": "hosts.agent"}[side]
        path.mkdir()
        (path / "child.py").write_text(CHILD)
        shutil.copytree(keys(), path / "keys")
        file = path / "fleet.yaml"
        file.write_text(text)
        self.folder = Folder(path / ".flotilla" / "fleet" / side).make()
        write_whole(self.folder.fleet_file, spec.fleet_to_yaml(spec.read_fleet(file)).encode())
        write_whole(self.folder.origin, str(file).encode())
        write_whole(self.folder.path / "host", b"b")
        self.client = Client(self.folder.socket("control"), "test", 20.0)
        self.guard = None

    def up(self):
        command = [sys.executable, "-P", "-m", f"flotilla.fleet.{self.module}", str(self.folder.path)]
        guard = bare.command("guard", str(self.folder.path), "adopt", "--", *command)
        with (self.folder.path / "supervisor.log").open("ab") as log:
            env = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
            self.guard = subprocess.Popen(
                [*Net.inside(self.namespace), *guard], stdout=log, stderr=log, env=env, start_new_session=True
            )
        wait(self.answers, "it answers")

    def answers(self):
        with suppress(FlotillaError):
            return self.client.status()

    def kill(self):
        """Kill who supervises, as nothing can be caught."""
        os.kill(self.folder.holder(), signal.SIGKILL)

    def begun(self, name):
        """Return how often a platform began here."""
        log = self.folder.log(name)
        return log.read_text().count("begun") if log.exists() else 0

    def clean(self):
        mark = f"FLOTILLA_FLEET={self.folder.path}".encode()
        if self.guard is not None:
            self.guard.kill()
            self.guard.wait()
        for _ in range(3):
            for place in Path("/proc").glob("[0-9]*"):
                with suppress(OSError):
                    ours = mark in (place / "environ").read_bytes().split(b"\0")
                    if ours or os.fsencode(self.folder.path) in (place / "cmdline").read_bytes().split(b"\0"):
                        os.kill(int(place.name), signal.SIGKILL)
            sleep(0.02)


class Fleet:
    """Both sides, up."""

    def __init__(self, net, path, on_lost="degrade", **app):
        self.net = net
        child = [sys.executable, "-P", "child.py"]
        platforms = {name: {"command": child, **more} for name, more in PLATFORMS.items()}
        platforms["app"] |= app
        host = {"address": "10.77.0.2:8701", "lost_after": LOST_AFTER, "on_lost": on_lost}
        raw = {
            "name": "two",
            "hosts": {"b": host},
            "platforms": platforms,
            "monitoring": {"sample_every": 1.0},
        }
        self.head, self.b = (Site(net, side, path / side, json.dumps(raw)) for side in ("head", "b"))

    def up(self):
        self.b.up()
        self.head.up()
        self.until(feed="ready", app="ready")
        return self

    def states(self):
        found = self.head.answers()
        return {} if found is None else {one.name: one.state for one in found.platforms}

    def pids(self):
        return {one.name: one.pid for one in self.head.client.status().platforms}

    def sight(self):
        return self.head.client.status().hosts[0].sight

    def until(self, sight="seen", **states):
        def is_so():
            found = self.states()
            return all(found.get(name) == state for name, state in states.items()) and self.sight() == sight

        try:
            wait(is_so, f"{sight} {states}")
        except AssertionError as error:
            said = [(site.folder.path / "supervisor.log").read_text()[-1500:] for site in (self.head, self.b)]
            raise AssertionError(
                f"{error}: {self.states()} {self.head.client.status().hosts} {said}"
            ) from error

    def begun(self):
        return [(self.head if name != "feed" else self.b).begun(name) for name in PLATFORMS]

    def order(self, new):
        """Return in which order platforms came into a state."""
        with closing(EventReader(self.head.folder.events)) as events:
            found = events.read(1, 1000)
        return [one.platform for one in found if one.kind == "state" and one.data["new"] == new]

    def clean(self):
        self.head.clean()
        self.b.clean()


def wait(is_so, what, limit_s=20.0):
    end_ns = monotonic_ns() + int(limit_s * 1e9)
    while not (found := is_so()):
        assert monotonic_ns() < end_ns, f"not within {limit_s:g} s: {what}"
        sleep(0.02)
    return found


@pytest.fixture
def made(net, tmp_path):
    fleets = []

    def make(**more):
        fleets.append(Fleet(net, tmp_path / str(len(fleets)), **more))
        return fleets[-1].up()

    (tmp_path / "0").mkdir()
    yield make
    for fleet in fleets:
        fleet.clean()


def test_a_dependency_over_hosts_starts_and_stops_in_order(made):
    fleet = made()
    with suppress(FlotillaError):
        fleet.head.client.ask("down")
    assert fleet.head.guard.wait(20) == 0

    assert fleet.order("starting") == ["base", "feed", "app"]
    assert fleet.order("ready") == ["base", "feed", "app"]
    assert fleet.order("stopping") == fleet.order("stopped") == ["app", "feed", "base"]
    assert fleet.begun() == [1, 1, 1]


@pytest.mark.parametrize(
    ("policy", "behind"),
    [("hold", ("ready", "ready")), ("degrade", ("degraded", "degraded")), ("stop", ("degraded", "waiting"))],
)
def test_a_partition_kills_and_doubles_nothing_and_what_was_declared_happens(made, policy, behind):
    fleet = made(on_lost=policy, on_need_lost="stop" if policy == "stop" else "degrade")
    before = fleet.pids()

    fleet.net.cable("down")
    pulled = monotonic_ns()
    fleet.until(sight="lost", feed=behind[0], app=behind[1])
    took = (monotonic_ns() - pulled) / 1e9
    sleep(0.3)
    Path(f"/proc/{before['feed']}/environ").read_bytes()  # it is there
    fleet.net.cable("up")
    fleet.until(feed="ready", app="ready")

    after = fleet.pids()
    assert LOST_AFTER / 2 < took < LOST_AFTER + 2.0
    assert (after["base"], after["feed"]) == (before["base"], before["feed"])
    assert (after["app"] == before["app"]) is (policy != "stop")
    assert fleet.begun() == [1, 1, 2 if policy == "stop" else 1]


def test_a_cable_that_is_out_for_less_than_declared_changes_nothing(made):
    fleet = made()
    before = fleet.pids()

    fleet.net.cable("down")
    sleep(LOST_AFTER / 4)
    fleet.net.cable("up")
    sleep(LOST_AFTER * 2)

    fleet.until(feed="ready", app="ready")
    assert fleet.pids() == before


def test_what_dies_behind_a_partition_is_started_again_once_and_only_when_the_head_is_back(made):
    fleet = made()
    before = fleet.pids()

    fleet.net.cable("down")
    fleet.until(sight="lost", feed="degraded")
    os.kill(before["feed"], signal.SIGKILL)
    sleep(0.5)
    assert fleet.b.begun("feed") == 1
    fleet.net.cable("up")
    fleet.until(feed="ready", app="ready")

    assert fleet.begun() == [1, 2, 1]
    assert fleet.pids()["feed"] != before["feed"]


def test_a_stop_that_was_asked_for_behind_a_partition_is_done_when_it_is_over(made):
    fleet = made()
    pid = fleet.pids()["feed"]

    fleet.net.cable("down")
    fleet.until(sight="lost")
    fleet.head.client.ask("stop", ["feed"])
    fleet.until(sight="lost", app="stopped", feed="stopping")
    assert Path(f"/proc/{pid}").exists()
    fleet.net.cable("up")

    fleet.until(feed="stopped", app="stopped")
    assert fleet.begun() == [1, 1, 1]


def test_nobodys_death_ends_or_doubles_what_runs(made):
    fleet = made()
    before = fleet.pids()

    for sites in ([fleet.b], [fleet.head], [fleet.head, fleet.b]):
        for site in sites:
            site.kill()
        sleep(0.1)
        fleet.until(feed="ready", app="ready")
    wait(lambda: fleet.head.folder.state().platforms["feed"].state == "ready", "the next head may know it")
    fleet.net.cable("down")
    fleet.head.kill()  # the next head has never seen the host
    fleet.until(sight="lost", feed="degraded", app="degraded")
    fleet.b.kill()
    fleet.net.cable("up")
    fleet.until(feed="ready", app="ready")

    assert fleet.pids() == before
    assert fleet.begun() == [1, 1, 1]


def test_the_machine_of_an_agent_goes_down_in_order_and_its_platforms_come_back_with_it(made):
    fleet = made()

    fleet.b.client.ask("down")
    assert fleet.b.guard.wait(20) == 0
    fleet.until(sight="lost")
    fleet.b.up()

    fleet.until(feed="ready", app="ready")
    assert fleet.begun() == [1, 2, 1]


def test_what_a_restart_sets_anew_is_so_on_the_other_host(made):
    fleet = made()
    before = fleet.pids()["feed"]

    fleet.head.client.ask("restart", ["feed"], overrides={"log_level": "DEBUG", "health_check_interval": 7.0})
    wait(lambda: fleet.pids()["feed"] not in (None, before), "it starts again")
    fleet.until(feed="ready", app="ready")

    environ = Path(f"/proc/{fleet.pids()['feed']}/environ").read_bytes().split(b"\0")
    assert b"FLOTILLA_LOG_LEVEL=DEBUG" in environ
    assert fleet.begun()[1] == 2
    book = json.loads((fleet.b.folder.path / "agent.json").read_text())
    assert book["runs"]["feed"]["health_check_interval"] == 7.0

import asyncio
import os

import pytest
from tests.fleet.made_world import World, fleet_of

from flotilla.access import audit
from flotilla.errors import ConfigError, UnknownName
from flotilla.fleet import spec
from flotilla.fleet.control.request_handler import RequestHandler
from flotilla.fleet.control.server import Peer
from flotilla.fleet.control.status import Request
from flotilla.fleet.folder import Folder
from flotilla.fleet.history.records import Records
from flotilla.fleet.rules.coordinate import coordinate
from flotilla.fleet.rules.states import Alert, Ask

ME = Peer(os.getpid(), os.getuid())


class Office:
    """A handler of requests, and a made supervisor behind it."""

    def __init__(self, folder, records):
        self.world = World(fleet_of({"feed": [], "app": ["feed"]}))
        self.folder, self.records = folder, records
        self.samples, self.renewals, self.hosts = {}, [], {}
        self.written = []  # by the supervisor's own way, which tells who follows the events
        self.handler = RequestHandler(self, folder, records, self.write, since_ns=1)

    @property
    def fleet(self):
        return self.world.fleet

    def ask(self, event):
        coordinate(self.fleet, event, self.world.now)
        self.world.tell(event)
        self.world.rest()

    def write(self, what):
        self.written.append(what)
        self.records.write(what)

    def renewed(self, fleet):
        self.renewals.append(fleet)

    def request(self, command, *platforms, **more):
        return asyncio.run(self.handler.answer(Request(1, command, platforms, **more), ME))


@pytest.fixture
def office(tmp_path):
    folder = Folder(tmp_path / "run").make()
    records = Records(folder, tmp_path / "anchor")
    yield Office(folder, records)
    records.close()


def test_a_command_is_done_and_says_whom_it_concerned(office):
    assert office.request("start")["names"] == ["feed", "app"]
    assert office.world.states() == {"feed": "ready", "app": "ready"}

    answer = office.request("stop", "feed", who="ann", why="lunch")

    assert answer["order"] == (("app",), ("feed",))
    assert office.world.states() == {"feed": "stopped", "app": "stopped"}


@pytest.mark.parametrize("command", ["start", "ack"])
def test_what_is_refused_is_audited(office, command):
    with pytest.raises(UnknownName, match="did you mean feed"):
        office.request(command, "fed", who="ann")

    (line,) = audit.read_audit(office.folder.audit)
    assert (line.action, line.target) == (command, "fed")
    assert office.records.read(1, 10) == []
    assert line.who.startswith("ann (")
    assert line.outcome.startswith("refused: no platform is called 'fed'")


def test_questions_are_answered(office):
    office.request("start")

    assert office.request("status").find("app").state == "ready"
    assert office.request("plan", "feed", data={"of": "stop"}) == {"order": (("app",), ("feed",))}
    assert office.request("events") == []


def test_overrides_are_few_typed_and_for_one_platform(office):
    office.request("start", "feed", overrides={"max_restart_attempts": 7})
    assert office.fleet.lives["feed"].platform.max_restart_attempts == 7
    assert office.fleet.spec.platforms["feed"].max_restart_attempts == 3
    assert office.request("status").find("feed").overrides == {"max_restart_attempts": 7}

    for wrong in ({"command": "sh"}, {"max_restart_attempts": 10**6}):
        with pytest.raises(ConfigError):
            office.request("start", "feed", overrides=wrong)
    with pytest.raises(ConfigError, match="for one platform"):
        office.request("start", overrides={"startup_timeout": 1})
    with pytest.raises(ConfigError, match="stop takes no overrides"):
        office.request("stop", "feed", overrides={"startup_timeout": 1})


def test_overrides_are_forgotten_where_the_command_is_refused(office):
    office.request("start")
    office.world.tell(Ask("down"))

    with pytest.raises(ConfigError, match="the fleet is going down"):
        office.request("start", "feed", overrides={"max_restart_attempts": 7})

    assert office.request("status").find("feed").overrides == {}


def test_a_reload_takes_up_a_file_and_keeps_it(office, tmp_path):
    office.request("start")
    new = spec.decode_fleet({"name": "made", "platforms": {"feed": {"command": ["x"]}}})
    (tmp_path / "new.yaml").write_text(spec.fleet_to_yaml(new))

    office.request("reload", data={"file": str(tmp_path / "new.yaml")})

    assert set(office.world.states()) == {"feed"}
    assert set(spec.read_fleet(office.folder.fleet_file).platforms) == {"feed"}
    assert len(office.renewals) == 1


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("name: other\nplatforms: {a: {command: [x]}}", "this is the fleet 'made'"),
        ("name: made\nmode: bound\nplatforms: {a: {command: [x]}}", "not by a reload"),
        ("name: made\nplatforms: {a: {command: [x], needs: [a]}}", "a -> a"),
    ],
)
def test_a_file_that_cannot_be_taken_up_changes_nothing(office, tmp_path, text, mistake):
    (tmp_path / "new.yaml").write_text(text)

    with pytest.raises(ConfigError, match=mistake):
        office.request("reload", data={"file": str(tmp_path / "new.yaml")})

    assert set(office.fleet.lives) == {"feed", "app"}


def test_a_file_must_be_named_wholly(office):
    with pytest.raises(ConfigError, match="should be the absolute path"):
        office.request("reload", data={"file": "fleet.yaml"})


def test_what_others_did_is_recorded_for_them(office):
    office.request("record", who="api:ann", data={"action": "login", "target": "api", "outcome": "denied"})
    office.request("ack", "feed", who="ann", why="seen")

    logged, seen = audit.read_audit(office.folder.audit)
    assert (logged.action, logged.outcome) == ("login", "denied")
    assert (seen.action, seen.target) == ("ack", "feed")
    (event,) = office.records.read(1, 10)
    assert (event.kind, event.platform, event.text) == ("alert_acknowledged", "feed", "seen")


def test_who_follows_hears_of_an_acknowledgement_and_of_an_alarm_at_once(office):
    office.request("ack", "feed", who="ann", data={"about": "failed"})
    office.request("record", who="api", data={"action": "tokens", "outcome": "unsafe", "alarm": True})

    acknowledged, alarm = office.written
    assert (acknowledged.kind, acknowledged.name) == ("alert_acknowledged", "feed")
    assert acknowledged.data["about"] == "failed"
    assert alarm == Alert("critical", "", "unsafe")


def test_a_reload_that_is_refused_is_audited_too(office, tmp_path):
    (tmp_path / "fleet.yaml").write_text("name: desk\nplatforms: {a: {command: [x], needs: [b]}}\n")

    with pytest.raises(ConfigError):
        office.request("reload", who="ann", data={"file": str(tmp_path / "fleet.yaml")})

    (line,) = audit.read_audit(office.folder.audit)
    assert line.action == "reload"
    assert line.outcome.startswith("refused: ")


def test_what_a_person_should_know_of_is_recorded_as_an_alert(office):
    data = {"action": "tokens", "outcome": "no token can be checked", "alarm": True}

    office.request("record", who="api", data=data)

    (event,) = office.records.read(1, 10)
    assert (event.kind, event.text) == ("alert", "no token can be checked")
    assert [line.action for line in audit.read_audit(office.folder.audit)] == ["tokens", "alert"]

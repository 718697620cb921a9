import msgspec
import pytest

from flotilla.errors import ConfigError
from flotilla.fleet import spec
from flotilla.fleet.spec import (
    FleetSpec,
    Log,
    Platform,
    accepted,
    decode_fleet,
    fleet_to_yaml,
    overrides,
    read_fleet,
)

FLEET = """
name: desk
platforms:
  feed: {command: [python, -m, feed], env: {CITY: NO}, health: {heartbeat_s: 0.2}}
  app: {command: [app], needs: [feed], folder: work}
  job: {command: [tidy], kind: job, needs: {feed: started}}
  end: {command: [end], needs: {job: completed, app: ready}}
"""


def wrong(**platforms):
    with pytest.raises(ConfigError) as caught:
        decode_fleet({"name": "desk", "platforms": platforms}, "fleet.yaml")
    return str(caught.value).removeprefix("fleet.yaml:").strip()


def test_a_file_is_read_and_its_folders_are_whole(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET + "audit: {anchor: heads/anchor}\n")

    fleet = read_fleet(tmp_path / "fleet.yaml")

    assert fleet.platforms["app"].needs == {"feed": "ready"}
    assert fleet.platforms["job"].needs == {"feed": "started"}
    assert fleet.platforms["app"].folder == str(tmp_path / "work")
    assert fleet.platforms["feed"].folder == str(tmp_path)
    assert fleet.audit.anchor == str(tmp_path / "heads" / "anchor")
    assert fleet.needs == {"feed": (), "app": ("feed",), "job": ("feed",), "end": ("job", "app")}


def test_what_is_written_is_read_back_equal(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "fleet.yaml").write_text(FLEET)
    fleet = read_fleet(tmp_path / "fleet.yaml")

    (tmp_path / "again.yaml").write_text(fleet_to_yaml(fleet))

    assert read_fleet(tmp_path / "again.yaml") == fleet


def test_every_mistake_is_told_at_once_before_anything_starts():
    text = wrong(
        a={"command": ["x"], "needs": ["b"]},
        b={"command": ["x"], "needs": ["a", "fede"]},
        feed={"command": ["x"], "needs": ["feed"], "max_restarts": 3},
        twice={"command": [], "needs": ["a", "a"]},
    )

    assert text.splitlines() == [
        "$.platforms.twice.needs: 'a' comes twice",
        "  $.platforms.feed has no key 'max_restarts'; did you mean max_restart_attempts?",
        "  $.platforms.twice.command: expected `array` of length >= 1, it is []",
        "  $.platforms.b.needs: no platform is called 'fede'; did you mean feed?",
        "  $.platforms.a.needs: a -> b -> a",
        "  $.platforms.feed.needs: feed -> feed",
    ]


def test_a_folder_is_looked_at_when_a_file_is_accepted_and_not_again(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "a.yaml").write_text("name: d\nplatforms: {a: {command: [x], folder: work}}\n")
    taken = read_fleet(tmp_path / "a.yaml")
    (tmp_path / "run.yaml").write_text(fleet_to_yaml(taken))

    (tmp_path / "work").rmdir()

    assert accepted(tmp_path / "run.yaml") == taken
    with pytest.raises(ConfigError, match=r"\$.platforms.a.folder: .*/work is no folder"):
        read_fleet(tmp_path / "run.yaml")


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path):
    platforms = {"a": {"command": ["x"], "folder": "nowhere"}}

    with pytest.raises(ConfigError, match=r"\$.platforms.a.folder: .*/nowhere is no folder"):
        decode_fleet({"name": "d", "platforms": platforms}, "f", tmp_path)


@pytest.mark.parametrize(
    "raw", [None, [], {}, {"name": "a"}, {"name": "a", "platforms": []}, {"platforms": {"a": 1}}]
)
def test_what_is_no_fleet_is_refused(raw):
    with pytest.raises(ConfigError):
        decode_fleet(raw)


def test_how_it_gets_ready_follows_from_its_kind():
    assert Platform(("x",)).readiness == ("notify", "")
    assert Platform(("x",), kind="job").readiness == ("started", "")
    assert Platform(("x",), ready="line:up: yes").readiness == ("line", "up: yes")
    assert Platform(("x",), ready="tcp:127.0.0.1:80").readiness == ("tcp", "127.0.0.1:80")
    assert Platform(("x",), ready="http://127.0.0.1/h").readiness == ("http", "http://127.0.0.1/h")


def test_a_command_may_set_few_things_and_those_within_bounds():
    platform = Platform(("x",))

    assert overrides({"max_restart_attempts": 5, "log_level": "DEBUG"}).on(
        platform
    ) == msgspec.structs.replace(platform, max_restart_attempts=5, log=spec.Log(level="DEBUG"))
    with pytest.raises(ConfigError, match=r"\$.overrides has no key 'command'"):
        overrides({"command": ["sh"]})
    with pytest.raises(ConfigError, match=r"\$.overrides.startup_timeout: expected `float` <= 3600"):
        overrides({"startup_timeout": 1e6})


def test_every_default_is_one_that_the_door_lets_in():
    fleet = FleetSpec("a", {"p": Platform(("x",), log=Log("INFO"))})

    assert decode_fleet(spec.fleet_as_dict(fleet)) == fleet


def test_where_a_platform_says_no_level_for_its_log_the_fleets_counts():
    raw = {"a": {"command": ["x"]}, "b": {"command": ["x"], "log": {"level": "ERROR"}}}

    fleet = decode_fleet({"name": "a", "platforms": raw, "monitoring": {"log_level": "DEBUG"}})

    assert {name: platform.log.level for name, platform in fleet.platforms.items()} == {
        "a": "DEBUG",
        "b": "ERROR",
    }


def test_a_plain_list_of_needs_means_ready_and_of_a_job_completed():
    platforms = {
        "feed": {"command": ["x"]},
        "job": {"command": ["x"], "kind": "job"},
        "app": {"command": ["x"], "needs": ["feed", "job"]},
    }

    fleet = decode_fleet({"name": "desk", "platforms": platforms})

    assert fleet.platforms["app"].needs == {"feed": "ready", "job": "completed"}

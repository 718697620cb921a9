import os

import pytest

from flotilla.cli.fleet.find import FoundFleet, find_fleet, platforms_here, some, who
from flotilla.errors import ConfigError, UnknownName
from flotilla.fleet.folder import Folder


def test_the_fleet_of_the_present_folder_is_found(folder):
    assert find_fleet(None).folder.path == folder.path
    assert find_fleet(None).name == "demo"


@pytest.mark.parametrize("place", [".", "sub", "sub/deeper"])
def test_it_is_found_from_below_and_from_above(folder, tmp_path, monkeypatch, place):
    (tmp_path / "sub" / "deeper").mkdir(parents=True)

    monkeypatch.chdir(tmp_path / place)
    below = find_fleet(None).folder.path
    monkeypatch.chdir(tmp_path.parent)
    above = [find_fleet(str(tmp_path / "fleet.yaml")).folder.path, find_fleet(str(folder.path)).folder.path]

    assert [below, *above] == [folder.path] * 3


def test_where_there_is_none_it_says_how_to_start_one(tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.delenv("FLOTILLA_FLEET", raising=False)

    with pytest.raises(ConfigError, match="flotilla fleet up FILE"):
        find_fleet(None)


def test_of_several_the_one_that_runs_is_meant(folder, tmp_path):
    other = Folder(folder.path.with_name("other")).make()
    other.fleet_file.write_text("name: other")

    with pytest.raises(ConfigError, match="there are several fleets here: demo, other"):
        find_fleet(None)
    hold = other.take()

    assert find_fleet(None).name == "other"
    assert find_fleet("demo").name == "demo"
    os.close(hold.lock)


def test_a_process_of_a_fleet_finds_its_own(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("FLOTILLA_FLEET", str(folder.path))
    monkeypatch.chdir("/")

    assert find_fleet(None).folder.path == folder.path


def test_an_unknown_name_answers_with_the_nearest(folder):
    with pytest.raises(UnknownName, match="did you mean demo"):
        find_fleet("dmo")


def test_a_file_with_a_mistake_does_not_hide_the_fleet_that_runs(folder, file):
    file.write_text("name: demo\nplatforms: {feed: {comand: [x]}}\n")

    assert find_fleet(str(file)).name == "demo"


@pytest.mark.parametrize(
    ("text", "said"),
    [("platforms: {}", "a fleet has a name"), ("name: new\nplatforms: {}", "was never up")],
)
def test_a_file_that_was_never_up_says_so(file, text, said):
    file.write_text(text)

    with pytest.raises(ConfigError, match=said):
        find_fleet(str(file))


def test_names_are_known_or_answered():
    assert some((), ["a", "b"]) == ("a", "b")
    assert some(["b", "b"], ["a", "b"]) == ("b",)
    with pytest.raises(UnknownName):
        some(["c"], ["a", "b"])


def test_who_asks_has_a_name():
    assert who().startswith("cli:")


def test_a_run_folder_that_does_not_say_where_it_came_from_is_told(folder):
    folder.origin.unlink()

    with pytest.raises(ConfigError, match="from which file"):
        _ = FoundFleet(folder).origin


def test_the_tab_key_offers_the_platforms_of_the_fleet_that_is_here(
    folder, file, call, tmp_path, monkeypatch
):
    offered = call("__complete", "fleet", "stop", "")

    assert platforms_here() == ["feed", "portfolio", "report", "strategy"]
    assert all(name in offered.out for name in platforms_here())
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("flotilla.cli.fleet.find._RUNS", tmp_path / "nowhere")
    assert platforms_here() == []


@pytest.mark.parametrize("command", ["logs", "events", "audit"])
def test_fewer_lines_than_none_are_refused(call, fleet, command):
    found = call("fleet", command, "-n", "-3")

    assert (found.code, found.out) == (2, "")
    assert "-3" in found.err

import pytest
from tests.cli.fleet.conftest import playing, terminal


def edit(file):
    text = file.read_text().replace('report: {command: [sleep, "60"]', 'report: {command: [sleep, "61"]')
    file.write_text(
        text.replace("  feed: {", "  feed: {max_restart_attempts: 9, ") + '  clock: {command: [sleep, "9"]}\n'
    )


def test_plan_of_the_same_file_changes_nothing(call, folder):
    assert call("fleet", "plan").out == "nothing changes: 4 platforms are as the file says\n"


def test_plan_says_what_would_start_stop_and_keep_running(call, folder, file):
    edit(file)

    found = call("fleet", "plan", file)

    assert found.out.splitlines() == [
        "+ clock  starts",
        "~ feed  keeps running: max_restart_attempts",
        "~ report  starts again: command",
        "2 unchanged",
    ]
    assert call("fleet", "plan", "--json").json["restarts"] == ["report"]


@pytest.mark.parametrize("key", ["mode: bound", "api: {idle_stop: 9}"])
def test_what_no_reload_takes_up_is_refused_by_both(call, fleet, file, key):
    edit(file)
    file.write_text(f"{file.read_text()}{key}\n")

    planned, reloaded = call("fleet", "plan"), call("fleet", "reload", "--yes")
    plain = call("fleet", "plan", "--json")

    name = key.partition(":")[0]
    words = "taken up by `flotilla fleet down`, then `flotilla fleet up FILE`, not by a reload"
    assert f"~ the fleet  {name}" in planned.out
    assert (reloaded.out, fleet.asked) == ("", [])
    for found in (planned, reloaded):
        assert found.code == 2
        assert found.err.startswith(f"error: {name}")
        assert words in found.err
    assert (plain.code, len(plain.json["refused"])) == (2, 1)


def test_who_does_not_come_up_by_a_reload_is_told_with_why(call, folder, file):
    with playing(folder) as fleet:
        file.write_text(f"{file.read_text()}  clock: {{command: [sleep, '9'], needs: [feed]}}\n")
        fleet.states["feed"] = "failed"
        fleet.begins = "waiting"
        found = call("fleet", "reload")

    assert found.code == 1
    assert "clock is waiting: needs feed, which has failed" in found.out


def test_ctrl_d_is_a_no(call, fleet, file, monkeypatch):
    edit(file)
    terminal(monkeypatch, "")

    found = call("fleet", "reload")

    assert (found.code, fleet.asked) == (2, [])
    assert "0 would stop and 1 start again" in found.err
    assert "nothing was done" in found.err


def test_reload_asks_before_it_stops_anything(call, fleet, file):
    edit(file)

    refused = call("fleet", "reload")
    done = call("fleet", "reload", "--yes", "--why", "more")

    assert refused.code == 2
    assert "0 would stop and 1 start again. Nothing was done." in refused.err
    assert done.code == 0
    (request,) = fleet.asked
    assert request.data == {"file": str(file)}
    assert call("fleet", "plan").out.startswith("nothing changes")


def test_reload_of_the_same_file_asks_nobody(call, fleet):
    assert call("fleet", "reload", "--json").json["reloaded"] is False
    assert fleet.asked == []


def test_a_mistake_in_the_new_file_is_told_with_its_path(call, fleet, file):
    file.write_text(file.read_text().replace("needs: [feed]", "needs: [fed]"))

    found = call("fleet", "reload")

    assert found.code == 2
    assert "$.platforms.strategy.needs: no platform is called 'fed'; did you mean feed?" in found.err


def test_the_file_of_another_fleet_is_refused(call, fleet, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_text("name: other\nplatforms: {}\n")

    assert call("fleet", "plan", other, "--fleet", "demo").code == 2


def test_of_a_fleet_that_was_never_up_it_shows_what_would_start_in_order(call, file):
    schedule = 'schedule: {calendar: XNYS, start: "09:00", stop: "15:35"}, command'
    file.write_text(file.read_text().replace("report: {command", f"report: {{{schedule}"))

    found = call("fleet", "plan", file)

    assert found.out.splitlines() == [
        "demo was never up; `up` starts: feed, report → strategy → portfolio",
        "in their hours alone: report",
    ]
    assert call("fleet", "plan", file, "--json").json == {
        "starts": [["feed", "report"], ["strategy"], ["portfolio"]],
        "in_their_hours": ["report"],
    }
    assert not (file.parent / ".flotilla").exists()


def test_a_mistake_in_a_file_that_was_never_up_is_told_with_its_path(call, file):
    file.write_text(file.read_text().replace("needs: [feed]", "needs: [fed]"))

    found = call("fleet", "plan", file)

    assert found.code == 2
    assert "$.platforms.strategy.needs: no platform is called 'fed'; did you mean feed?" in found.err

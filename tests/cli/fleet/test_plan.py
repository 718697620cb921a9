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

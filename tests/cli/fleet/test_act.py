import pytest
from tests.cli.fleet.conftest import playing, terminal

from flotilla.cli.fleet import act
from flotilla.fleet.spec import fleet_to_yaml, read_fleet
from flotilla.stream.files import write_whole


def test_stop_says_which_others_will_stop_in_order_and_does_nothing_unasked(call, fleet):
    found = call("fleet", "stop", "feed")

    assert found.code == 2
    assert "stop feed: portfolio, strategy will stop as well" in found.err
    assert "in this order: portfolio → strategy → feed" in found.err
    assert "Nothing was done. Say --yes" in found.err
    assert fleet.asked == []


def test_stop_with_a_yes_stops_them_and_says_what_happened(call, fleet):
    found = call("fleet", "stop", "feed", "--yes", "--why", "holiday")

    assert (found.code, found.out) == (0, "feed stopped, strategy stopped, portfolio stopped\n")
    assert "portfolio     ready → stopped" in found.err
    (request,) = fleet.asked
    assert (request.command, request.platforms, request.why) == ("stop", ("feed",), "holiday")
    assert request.who.startswith("cli:")


def test_what_nobody_needs_is_stopped_without_a_question(call, fleet):
    found = call("fleet", "stop", "report")

    assert (found.code, found.out) == (0, "report stopped\n")
    assert "nothing else stops" in found.err
    assert "in this order" not in found.err


@pytest.mark.parametrize(("answer", "code", "count"), [("y\n", 0, 1), ("n\n", 2, 0), ("\n", 2, 0)])
def test_a_person_is_asked(call, fleet, monkeypatch, answer, code, count):
    terminal(monkeypatch, answer)

    found = call("fleet", "stop", "strategy")

    assert (found.code, len(fleet.asked)) == (code, count)
    assert "Go on? [y/N] " in found.err


@pytest.mark.parametrize("command", ["stop", "restart", "drain"])
def test_who_holds_positions_is_not_stopped_unasked(call, folder, file, command):
    file.write_text(file.read_text().replace("report: {", "report: {holds_positions: true, "))
    write_whole(folder.fleet_file, fleet_to_yaml(read_fleet(file)).encode())
    with playing(folder) as fleet:
        refused = call("fleet", command, "report")
        done = call("fleet", command, "report", "--yes")

    assert (refused.code, done.code, len(fleet.asked)) == (2, 0, 1)
    assert "report holds positions, and has no drain: they stay as they are" in refused.err


def test_an_unknown_platform_answers_with_the_nearest(call, fleet):
    found = call("fleet", "stop", "fed")

    assert (found.code, found.out) == (2, "")
    assert "no platform is called 'fed'; did you mean feed?" in found.err


def test_start_starts_what_is_needed_first(call, fleet):
    call("fleet", "stop", "feed", "--yes")

    found = call("fleet", "start", "portfolio")

    assert "starting feed → strategy → portfolio" in found.err
    assert (found.code, found.out) == (0, "feed ready, strategy ready, portfolio ready\n")


def test_a_job_that_is_done_is_done_again_only_if_it_is_named(call, fleet):
    fleet.states |= {"feed": "completed", "report": "stopped"}

    call("fleet", "start")
    call("fleet", "start", "feed")

    assert [request.platforms for request in fleet.asked] == [("report",), ("feed",)]


def test_a_sequence_is_said_stage_by_stage_before_it_is_started(call, folder, file):
    file.write_text(file.read_text() + "sequences: {slowly: [[report], [feed], [strategy]]}\n")
    write_whole(folder.fleet_file, fleet_to_yaml(read_fleet(file)).encode())
    with playing(folder) as fleet:
        call("fleet", "stop", "report", "strategy", "feed", "--yes")
        found = call("fleet", "start", "slowly")
        again = call("fleet", "start", "slowly")

    assert "starting report → feed → strategy" in found.err
    assert (found.code, found.out) == (0, "feed ready, strategy ready, report ready\n")
    assert (again.code, again.out) == (0, "feed ready, strategy ready, report ready\n")
    assert [request.platforms for request in fleet.asked[1:]] == [("slowly",)]


def test_start_of_what_runs_is_no_mistake(call, fleet):
    found = call("fleet", "start")

    assert found.code == 0
    assert "feed ready" in found.out


def test_a_platform_that_fails_is_named_with_where_to_look(call, folder):
    with playing(folder, fails={"strategy": "failed"}):
        call("fleet", "stop", "strategy", "--yes")
        found = call("fleet", "start", "strategy")

    assert (found.code, found.out) == (1, "strategy is failed: died 3 times in 60 s\n")
    assert "flotilla fleet logs strategy" in found.err


def test_what_waits_for_one_that_failed_is_not_waited_for(call, folder):
    fails = {"feed": "failed", "strategy": "waiting", "portfolio": "waiting"}
    with playing(folder, fails=fails) as fleet:
        fleet.states |= dict.fromkeys(fails, "stopped")
        told = call("fleet", "start", "portfolio")
        plain = call("fleet", "start", "portfolio", "--json")

    assert (told.code, plain.code) == (1, 1)
    assert told.out.splitlines() == [
        "feed is failed: died 3 times in 60 s",
        "strategy is waiting: needs feed, which has failed",
        "portfolio is waiting: needs strategy, which is waiting",
    ]
    assert told.err.count("see: flotilla fleet logs feed") == 1
    assert (plain.json["ok"], plain.json["platforms"][2]["blocked_by"]) == (False, ["feed"])


def test_what_is_not_there_in_time_is_told_and_the_json_is_kept(call, folder, monkeypatch):
    monkeypatch.setattr(act, "WAIT_S", 0.5)
    with playing(folder, fails={"report": "starting"}) as fleet:
        fleet.states["report"] = "stopped"
        told = call("fleet", "start", "report")
        plain = call("fleet", "start", "report", "--json")

    assert (told.code, told.out) == (1, "report is starting\n")
    assert "that was waited for 0.5 s, and goes on by itself" in told.err
    assert (plain.code, plain.json["ok"]) == (1, False)


def test_a_fleet_that_does_not_go_down_in_time_is_told(call, fleet, monkeypatch):
    monkeypatch.setattr(act, "WAIT_S", 0.5)
    monkeypatch.setattr(fleet, "down", lambda request: fleet.become("feed", "stopping"))

    found = call("fleet", "down", "--yes")

    assert found.code == 1
    assert "after 0.5 s feed is stopping" in found.err


def test_restart_and_drain_go_the_same_way(call, fleet):
    restarted = call("fleet", "restart", "strategy", "--yes", "--json")
    drained = call("fleet", "drain", "portfolio", "--json")

    assert [p["name"] for p in restarted.json["platforms"]] == ["strategy", "portfolio"]
    assert all(p["state"] == "ready" for p in restarted.json["platforms"])
    assert [(p["name"], p["state"]) for p in drained.json["platforms"]] == [("portfolio", "stopped")]
    assert [request.command for request in fleet.asked] == ["restart", "drain"]


def test_restart_says_who_runs_on_without_it(call, fleet):
    found = call("fleet", "restart", "feed")

    assert found.code == 0
    assert "degraded until it is back: portfolio, strategy" in found.err


def test_who_needs_one_just_started_does_not_mind_that_it_is_degraded(call, folder, file):
    text = file.read_text().replace("needs: [feed]", "needs: {feed: started}")
    file.write_text(text.replace("needs: [strategy]", "needs: {strategy: started}"))
    write_whole(folder.fleet_file, fleet_to_yaml(read_fleet(file)).encode())
    with playing(folder):
        found = call("fleet", "restart", "feed")

    assert "degraded until it is back: strategy\n" in found.err


def test_a_job_that_is_done_again_degrades_nobody(call, folder, file):
    file.write_text(file.read_text().replace("feed: {", "feed: {kind: job, "))
    write_whole(folder.fleet_file, fleet_to_yaml(read_fleet(file)).encode())
    with playing(folder) as fleet:
        fleet.states["feed"] = "completed"
        found = call("fleet", "restart", "feed")

    assert found.code == 0
    assert "degraded" not in found.err


@pytest.mark.parametrize("command", ["start", "restart"])
@pytest.mark.parametrize("state", ["stopped", "degraded"])
def test_what_is_not_up_after_a_start_is_told_by_the_exit_code(call, folder, command, state):
    with playing(folder, fails={"report": state}) as fleet:
        fleet.states["report"] = "stopped"
        found = call("fleet", command, "report")

    assert (found.code, found.out) == (1, f"report is {state}\n")


def test_restart_asks_before_its_group_goes_along(call, folder, file):
    text = file.read_text().replace("ready: started", "ready: started, group: all")
    file.write_text(f"{text}groups: {{all: {{policy: one_for_all}}}}\n")
    write_whole(folder.fleet_file, fleet_to_yaml(read_fleet(file)).encode())
    with playing(folder) as fleet:
        found = call("fleet", "restart", "report")

    assert (found.code, fleet.asked) == (2, [])
    assert "feed" in found.err
    assert "of its group will start again as well" in found.err


def test_down_takes_all_of_it_down_in_order(call, fleet):
    refused = call("fleet", "down")
    found = call("fleet", "down", "--yes", "--json")

    assert refused.code == 2
    assert "portfolio, report → strategy → feed" in refused.err
    assert found.json == {"down": True, "stopped": [["portfolio", "report"], ["strategy"], ["feed"]]}
    assert call("fleet", "status").code == 1


def test_no_wait_returns_at_once(call, fleet):
    found = call("fleet", "stop", "report", "--no-wait", "--json")

    assert found.json["accepted"]


def test_alerts_are_acknowledged(call, fleet):
    assert call("fleet", "ack").out == "acknowledged: all alerts\n"
    assert call("fleet", "ack", "feed", "--json").json["acknowledged"] == ["feed"]


@pytest.mark.parametrize("command", [("stop", "feed"), ("start",), ("down",), ("ack",)])
def test_without_a_supervisor_it_says_so(call, folder, command):
    found = call("fleet", *command)

    assert (found.code, found.out) == (1, "")
    assert "no supervisor" in found.err


@pytest.mark.parametrize(
    ("command", "wrong"),
    [
        (("stop", "report", "--why", "x" * 1001), "$.why"),
        (("ack", "x" * 65), "$.platforms[0]"),
        (("ack", *["report"] * 1001), "$.platforms"),
    ],
    ids=["why", "name", "names"],
)
def test_what_is_too_long_is_refused_with_its_place(call, fleet, command, wrong):
    found = call("fleet", *command)

    assert (found.code, fleet.asked) == (2, [])
    assert found.err.strip().endswith(f"at `{wrong}`")

import pytest


def verdicts(found):
    return {finding["what"]: finding["verdict"] for finding in found.json}


def test_a_file_is_checked_before_it_is_up(call, file):
    found = call("fleet", "doctor", file)

    assert found.code == 0
    assert "4 platforms" in found.out
    assert "log rotation" in found.out


def test_a_fleet_that_is_here_is_checked_without_a_word(call, fleet):
    found = verdicts(call("fleet", "doctor", "--json"))

    assert (found["file"], found["permissions"]) == ("fine", "fine")


def test_the_machine_alone_is_checked_where_no_fleet_is(call, tmp_path, monkeypatch):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    monkeypatch.delenv("FLOTILLA_FLEET", raising=False)

    assert verdicts(call("fleet", "doctor", "--json"))["fleet"] == "warn"


def test_a_mistake_in_the_file_is_bad(call, file):
    file.write_text(file.read_text().replace("needs: [feed]", "needs: [fed]"))

    found = call("fleet", "doctor", file)

    assert found.code == 1
    assert "did you mean feed?" in found.out


def test_a_run_folder_that_others_can_read_is_bad(call, folder, file):
    folder.path.chmod(0o755)

    found = call("fleet", "doctor", file)

    assert found.code == 1
    assert "chmod go=" in found.out


def test_a_program_that_is_not_there_is_bad(call, file):
    file.write_text(file.read_text().replace('report: {command: [sleep, "60"]', "report: {command: [slep]"))

    found = call("fleet", "doctor", file)

    assert found.code == 1
    assert "$.platforms.report.command: there is no program 'slep'" in found.out


def test_a_test_alert_needs_somebody_to_tell(call, file):
    found = call("fleet", "doctor", file, "--test-alert")

    assert "the file names nobody to tell" in found.out


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_a_test_alert_goes_to_every_address_and_says_how_it_went(call, file, monkeypatch):
    monkeypatch.setenv("PAGER", "json://127.0.0.1:9/")  # nobody listens there
    alerts = "monitoring: {alerts: {lists: [{to: ['env:PAGER', 'env:NOT_SET']}]}}\n"
    file.write_text(file.read_text() + alerts)

    found = call("fleet", "doctor", file, "--test-alert", "--json")

    (alert,) = (finding for finding in found.json if finding["what"] == "test alert")
    assert (found.code, alert["verdict"]) == (1, "bad")
    assert "env:NOT_SET holds no address" in " ".join(alert["seen"].split(": ", 2))
    assert "127.0.0.1" not in found.out

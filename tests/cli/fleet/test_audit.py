import subprocess

from tests.cli.conftest import PROGRAM


def test_every_command_stands_there_with_who_and_why(call, fleet):
    call("fleet", "stop", "report", "--why", "lunch")

    found, plain = call("fleet", "audit"), call("fleet", "audit", "--json").json

    assert "lunch" in found.out
    assert (plain[-1]["action"], plain[-1]["target"], plain[-1]["outcome"]) == ("stop", "report", "accepted")


def test_a_record_as_it_was_written_verifies(call, fleet):
    call("fleet", "stop", "report")

    found = call("fleet", "audit", "verify")

    assert (found.code, found.out) == (0, "WHOLE: 1 record, as they were written\n")
    assert call("fleet", "audit", "verify", "--json").json["ok"] is True


def test_a_byte_that_was_changed_is_found(call, fleet, folder):
    call("fleet", "stop", "report", "--why", "lunch")
    folder.audit.write_bytes(folder.audit.read_bytes().replace(b"lunch", b"lynch"))

    found = call("fleet", "audit", "verify")

    assert found.code == 1
    assert found.out.startswith("BROKEN after 0 records")
    assert call("fleet", "audit", "verify", "--json").json["ok"] is False


def test_only_the_last_are_told(call, fleet):
    for name in ("report", "portfolio"):
        call("fleet", "stop", name)

    assert [record["target"] for record in call("fleet", "audit", "-n", "1", "--json").json] == ["portfolio"]


def test_a_log_that_somebody_wrote_into_is_shown_to_its_end(call, fleet, folder):
    for name in ("report", "portfolio"):
        call("fleet", "stop", name)
    first = folder.audit.read_bytes().splitlines(keepends=True)[0]
    folder.audit.write_bytes(first + folder.audit.read_bytes() + first)

    shown = subprocess.check_output([*PROGRAM, "fleet", "audit"], text=True, timeout=20)

    assert shown.count("report") == 3


def test_in_a_narrow_terminal_the_outcome_stays(call, fleet, monkeypatch):
    call("fleet", "stop", "report", "--why", "a holiday that is long")
    monkeypatch.setenv("COLUMNS", "60")

    found = call("fleet", "audit")

    assert "accepted" in found.out
    assert "no room for number" in found.out

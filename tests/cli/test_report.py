import json

import pytest


def test_a_report_of_one_portfolio_is_two_files_in_its_runs_folder(call, one, home):
    found = call("report", one)

    folder = home / "runs" / "small" / "report"
    assert found.code == 0
    assert found.out.splitlines()[-2:] == [str(folder / "report.html"), str(folder / "report.json")]
    assert "Buy and hold would have made it" in found.out
    assert json.loads((folder / "report.json").read_text())


def test_of_a_sweep_it_is_of_the_best_among_the_others(call, six, tmp_path):
    best = call("sweep", six, "--json").json["best"][0]["portfolio"]

    found = call("report", six, "-o", tmp_path / "out", "--json").json

    assert found["portfolio"] == best
    page = (tmp_path / "out" / "report.html").read_text()
    assert "The best of 6 is luck until shown otherwise." in page
    assert f"flotilla report {six}" in page


def test_any_portfolio_of_a_sweep_can_be_named(call, six, tmp_path):
    found = call("report", six, "--portfolio", 4, "-o", tmp_path / "out", "--json").json

    assert found["portfolio"] == 4
    assert f"flotilla report {six} --portfolio 4" in (tmp_path / "out" / "report.html").read_text()


def test_it_opens_in_a_browser_only_when_asked(call, one, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)

    call("report", one)
    before = list(opened)
    call("report", one, "--open")

    assert before == []
    assert [address.rpartition("/")[2] for address in opened] == ["report.html"]
    assert opened[0].startswith("file:///")


@pytest.mark.parametrize("argv", [("--portfolio", 6)])
def test_a_portfolio_that_is_not_there_is_refused(call, six, argv):
    assert call("report", six, *argv).code == 2

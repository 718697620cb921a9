import pytest
from tests.cli.fleet.conftest import terminal

from flotilla.cli.fleet.agree import agree
from flotilla.errors import ConfigError


@pytest.mark.parametrize("typed", ["y\n", "yes\n", " Y \n"])
def test_a_yes_is_a_yes(monkeypatch, capsys, typed):
    terminal(monkeypatch, typed)

    agree("stop all", yes=False, json=False)

    assert capsys.readouterr() == ("", "Go on? [y/N] ")


@pytest.mark.parametrize("typed", ["", "n\n", "\n", "why?\n"], ids=["Ctrl-D", "n", "nothing", "other"])
def test_all_else_is_a_no(monkeypatch, typed):
    terminal(monkeypatch, typed)

    with pytest.raises(ConfigError, match="nothing was done"):
        agree("stop all", yes=False, json=False)


def test_after_ctrl_d_the_terminal_is_at_a_line_of_its_own(monkeypatch, capsys):
    terminal(monkeypatch, "")

    with pytest.raises(ConfigError):
        agree("stop all", yes=False, json=False)

    assert capsys.readouterr().err.endswith("[y/N] \n")


@pytest.mark.parametrize("json", [True, False])
def test_where_nobody_can_be_asked_yes_is_to_be_said_before(monkeypatch, json):
    terminal(monkeypatch, "y\n")
    if not json:
        monkeypatch.undo()

    with pytest.raises(ConfigError, match=r"stop all\. Nothing was done\. Say --yes"):
        agree("stop all", yes=False, json=json)
    agree("stop all", yes=True, json=json)

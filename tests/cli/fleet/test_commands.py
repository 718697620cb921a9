from importlib import import_module
from itertools import pairwise

import pytest

from flotilla.cli.fleet.commands import COMMANDS

WIDE = 80


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_is_where_the_table_says(command):
    module, _, attribute = command.target.partition(":")

    assert callable(getattr(import_module(f"flotilla.cli.fleet.{module}"), attribute))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_its_help_is_one_line_then_words_then_examples_that_fit_a_terminal(command):
    head, *_, examples = command.help.split("\n\n")

    assert len(head) <= 72
    assert all(len(line) <= WIDE for line in command.help.splitlines())
    lines = examples.splitlines()
    assert lines[0] == "Try:"
    assert any(line.startswith(f"  flotilla fleet {command.name}") for line in lines[1:])
    assert all(line.startswith("  flotilla fleet ") for line in lines[1:])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_it_explains_itself_and_offers_json(call, command):
    found = call("fleet", command.name, "--help")

    assert (found.code, found.err) == (0, "")
    assert f"Usage: flotilla fleet {command.name}" in found.out
    assert "--json" in found.out


@pytest.mark.parametrize("width", [60, 120])
@pytest.mark.parametrize("command", ["", "up", "reload"])
def test_its_help_breaks_its_lines_where_the_terminal_ends(call, monkeypatch, command, width):
    monkeypatch.setenv("COLUMNS", str(width))

    lines = call("fleet", *command.split(), "--help").out.splitlines()

    prose = lines[: lines.index("Try:")]
    for line, following in pairwise(prose):
        if line and following:  # its first word has no room in the line before
            assert len(line.rstrip()) + 1 + len(following.split()[0]) > width


def test_a_mistyped_command_answers_with_the_nearest(call):
    found = call("fleet", "stats")

    assert (found.code, found.out) == (2, "")
    assert "no command is called 'stats'; did you mean" in found.err

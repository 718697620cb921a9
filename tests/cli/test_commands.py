from importlib import import_module

import pytest

from flotilla.cli.commands import COMMANDS, Command, overview

WIDE = 80


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_is_where_the_table_says(command):
    module, _, attribute = command.target.partition(":")

    assert callable(getattr(import_module(f"flotilla.cli.{module}"), attribute))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_its_help_is_one_line_then_words_then_examples_that_fit_a_terminal(command):
    head, *_, examples = command.help.split("\n\n")

    assert len(head) <= 64
    assert all(len(line) <= WIDE for line in command.help.splitlines())
    assert all(line.startswith(f"  flotilla {command.name}") for line in examples.splitlines()[1:])


def test_a_paragraph_of_a_help_flows_and_examples_do_not():
    command = Command(
        "x", "x:x", "X", "Do it.\n\nFirst this,\nthen that.\n\nTry:\n  flotilla x\n  flotilla x y"
    )

    assert command.flowing == "Do it.\n\nFirst this, then that.\n\nTry:\n  flotilla x\n  flotilla x y"


def test_names_are_there_once():
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)


def test_the_overview_has_every_command_in_a_line_that_fits_a_terminal():
    lines = overview().splitlines()

    assert all(len(line) <= WIDE for line in lines)
    for command in COMMANDS:
        (line,) = (line for line in lines if line.startswith(f"  {command.name} "))
        assert line.endswith(command.help.partition("\n")[0])

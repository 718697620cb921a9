"""A command in the manual is run by a test, or stands in a list with the reason; and none is made up."""

import re

import pytest
from tests.docs.exceptions import NOT_RUN
from tests.docs.reader import REPOSITORY, blocks_of, pages

from flotilla.cli.commands import COMMANDS
from flotilla.cli.fleet.commands import COMMANDS as OF_FLEET
from flotilla.cli.main import main

INLINE = re.compile(r"`(flotilla(?: [^`]*)?)`")


def in_boxes():
    return [command for page in pages() for block in blocks_of(page) for command in block.commands]


def told():
    """Return every `flotilla ...` that a page mentions, in a box or in a line."""
    texts = [page.read_text(encoding="utf-8") for page in pages()]
    return sorted({found for text in texts for found in INLINE.findall(text)} | {*in_boxes()})


def test_every_exception_is_a_command_of_a_page():
    assert sorted(set(NOT_RUN) - set(in_boxes())) == []


def test_what_make_does_is_run_where_ci_begins():
    made = [command for command in NOT_RUN if command.startswith("make ")]
    ci = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")

    assert [command for command in made if command not in ci] == []


def test_every_command_has_its_line_in_the_readme():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")

    assert [command.name for command in COMMANDS if f"`flotilla {command.name}" not in readme] == []


@pytest.fixture(scope="module")
def helps():
    return {}


@pytest.mark.parametrize("line", [line for line in told() if line.startswith("flotilla")])
def test_a_command_that_is_mentioned_exists_with_its_options(line, helps, capsys):
    words = line.split()[1:]
    if not words or words[0].startswith("-") or words[0].isupper():
        return
    assert words[0] in [command.name for command in COMMANDS]

    command, commands = words[0], [fleets.name for fleets in OF_FLEET]
    if command == "fleet" and len(words) > 1 and not words[1].startswith("-") and not words[1].isupper():
        assert words[1] in commands
        command = f"fleet {words[1]}"
    if words[:2] == ["data", "check"]:
        command = "data check"
    if command not in helps:
        assert main([*command.split(), "--help"]) == 0
        helps[command] = capsys.readouterr().out
    options = [word for word in words[1:] if word.startswith("--") and word != "--help"]

    assert [option for option in options if option not in helps[command]] == []

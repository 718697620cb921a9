"""The tables of the fleet's page are held to the code."""

import re

import msgspec
from tests.docs.reader import REPOSITORY

from flotilla.cli.fleet.commands import COMMANDS
from flotilla.fleet.rules.states import State
from flotilla.fleet.spec import FleetSpec, Group, Overrides, Platform

PAGE = (REPOSITORY / "docs" / "fleet.md").read_text(encoding="utf-8")


def column(heading):
    """Return the words in the first cells of the table whose first header is `heading`."""
    table = PAGE.partition(f"| {heading} |")[2].partition("\n\n")[0]
    return [found[1] for line in table.splitlines()[2:] if (found := re.match(r"\| `([^`]+)`", line))]


def test_every_state_says_what_it_means_and_what_to_do():
    assert sorted(column("state")) == sorted(State)


def test_every_command_is_there():
    assert sorted(column("command")) == sorted(f"flotilla fleet {command.name}" for command in COMMANDS)


def test_every_key_of_a_platform_is_there():
    assert column("key of a platform") == [field.encode_name for field in msgspec.structs.fields(Platform)]


def test_every_key_of_the_fleet_is_named():
    section = PAGE.partition("Of the fleet:")[2].partition("\n\n")[0]

    named = re.findall(r"`(\w+)`", section)
    assert {field.name for field in msgspec.structs.fields(FleetSpec)} - {"name", "platforms"} <= set(named)


def test_every_policy_and_every_override_is_named():
    policies = msgspec.json.schema(Group)["$defs"]["Group"]["properties"]["policy"]["enum"]

    assert sorted(column("policy of a group")) == sorted(policies)
    assert [field.name for field in msgspec.structs.fields(Overrides) if f"`{field.name}`" not in PAGE] == []

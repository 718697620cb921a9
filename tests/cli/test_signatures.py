"""What a command takes is written in one place, what it does in another: the two agree."""

import inspect
from importlib import import_module

import pytest

from flotilla.cli import signatures
from flotilla.plugins import GROUPS

DOINGS = {
    "show_data": ("data", "data"),
    "check_data": ("data_check", "check"),
    "list_stages": ("stages", "stages"),
    "remove_stages": ("stages", "rm"),
    "verify_stages": ("stages", "verify"),
}
NAMES = [
    name
    for name, function in vars(signatures).items()
    if inspect.isfunction(function)
    and function.__module__ == signatures.__name__
    and not name.startswith("_")
]


def doing_of(name):
    module, function = DOINGS.get(name, (name, name))
    return getattr(import_module(f"flotilla.cli.{module}"), function)


@pytest.mark.parametrize("name", NAMES)
def test_a_command_does_with_what_it_takes(name):
    taken = inspect.signature(getattr(signatures, name)).parameters.values()
    used = inspect.signature(doing_of(name)).parameters.values()

    assert [(p.name, p.kind, p.default) for p in taken] == [(p.name, p.kind, p.default) for p in used]


@pytest.mark.parametrize("name", NAMES)
def test_a_command_hands_on_all_that_it_took(name, monkeypatch):
    given = {}
    monkeypatch.setattr(signatures, "_do", lambda *args, **options: given.update(args=args[1:], **options))
    function = getattr(signatures, name)
    parameters = inspect.signature(function).parameters.values()
    positional = [object() for p in parameters if p.kind is p.POSITIONAL_ONLY]
    options = {p.name: object() for p in parameters if p.kind is p.KEYWORD_ONLY}

    function(*positional, **options)

    assert given == {"args": tuple(positional), **options}


def test_the_kinds_of_plugins_are_those_that_there_are():
    help_ = inspect.signature(signatures.plugins, eval_str=True).parameters["kind"].annotation.__metadata__[0]

    assert all(kind in help_.help for kind in GROUPS)

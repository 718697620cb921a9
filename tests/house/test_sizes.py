"""A file fits in a head, and a function on a screen."""

import ast

FILE = 400  # lines
FUNCTION = 50  # lines, its docstring included and its decorators not

# What may be longer, and why. An entry that is no longer needed is taken out: the last test says so.
LONGER: dict[str, str] = {}


def test_files_are_short(sources):
    found = [name for name in long_files(sources) if name not in LONGER]

    assert not found, "\n".join(found)


def test_functions_are_short(sources):
    found = [name for name in long_functions(sources) if name not in LONGER]

    assert not found, "\n".join(found)


def test_every_exception_is_still_one(sources):
    assert sorted(LONGER.keys() - {*long_files(sources), *long_functions(sources)}) == []


def long_files(sources):
    return [source.name for source in sources if len(source.text.splitlines()) > FILE]


def long_functions(sources):
    return [
        f"{source.name}::{node.name}"
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > FUNCTION
    ]

"""What tests a module is found without searching: `stream/log.py` is tested by `tests/stream/test_log.py`.

A package of small modules that are tested together may have one file beside its folder instead:
`tests/builtin/test_strategies.py` for all of `builtin/strategies/`.
"""

import ast

from tests.house.mirror import places

# Modules with no test of their own, and why. An entry whose module has one is taken out: the test says so.
ELSEWHERE: dict[str, str] = {}


def test_every_module_with_code_has_its_test(sources):
    found = [name for name in untested(sources) if name not in ELSEWHERE]

    assert not found, "\n".join(found)


def test_every_exception_is_still_one(sources):
    assert sorted(ELSEWHERE.keys() - set(untested(sources))) == []


def untested(sources):
    """Return the modules of ours that hold code, and have a test at neither place."""
    tests = {source.name for source in sources if source.name.startswith("tests/")}
    return [
        source.name
        for source in sources
        if source.name.startswith("src/flotilla/") and holds_code(source) and not places(source.name) & tests
    ]


def holds_code(source):
    return any(isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) for n in source.tree.body)

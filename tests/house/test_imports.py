"""Imports go down, are written at the top, and come in by the doors that pyproject.toml names."""

import ast
import tomllib

from importlinter import cli


def test_the_layers_and_the_other_contracts_hold(repository, monkeypatch):
    monkeypatch.chdir(repository)

    monkeypatch.setattr("logging.config.dictConfig", lambda _: None)  # it would silence our loggers for good

    status = cli.lint_imports(no_cache=True)

    assert status == cli.EXIT_STATUS_SUCCESS, "the import is named in the output above, or by lint-imports"


def test_every_room_has_its_place_in_the_layers(repository):
    settings = tomllib.loads((repository / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (c["layers"] for c in settings["contracts"] if c["id"] == "layers")
    placed = {name.strip("() ") for layer in layers for name in layer.split("|")}

    package = repository / "src" / "flotilla"
    rooms = {f"flotilla.{path.stem}" for path in package.glob("*.py") if path.stem != "__init__"}
    rooms |= {f"flotilla.{path.parent.name}" for path in package.glob("*/__init__.py")}

    assert rooms <= placed, f"{sorted(rooms - placed)} stand in no layer"


def test_our_own_modules_are_imported_at_the_top_of_the_file(product):
    lazy = []
    for source in product:
        for function in functions(source.tree):
            lazy += [f"{source.name}:{node.lineno}" for node in ast.walk(function) if imports_ours(node)]

    # An import inside a function hides a cycle. Heavy libraries of others may wait; ours are light.
    assert not lazy, "\n".join(sorted(set(lazy)))


def functions(tree):
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)]


def imports_ours(node):
    if isinstance(node, ast.Import):
        return any(alias.name.split(".")[0] == "flotilla" for alias in node.names)
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").split(".")[0] == "flotilla"
    return False

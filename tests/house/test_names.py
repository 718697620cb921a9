"""A name at top level has one meaning: whoever imports it from one module finds no other in a second."""

import ast
from collections import defaultdict


def test_no_name_that_is_imported_stands_for_two_things(sources):
    defined, imported = defaultdict(set), set()
    for source in sources:
        module = module_of(source.name)
        if module is None:
            continue
        for name in top_level(source.tree):
            defined[name].add(module)
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                imported |= {(node.module, alias.name) for alias in node.names}

    twice = {
        name: meant
        for name, modules in defined.items()
        if len(meant := sorted(module for module in modules if (module, name) in imported)) > 1
    }

    assert not twice, "\n".join(f"{name}: {', '.join(modules)}" for name, modules in sorted(twice.items()))


def module_of(name):
    """Return the module that a file of the product is, by its path from the root; None for any other."""
    if not name.startswith("src/"):
        return None
    return name.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def top_level(tree):
    """Yield the public names that a module defines at its top level."""
    for node in tree.body:
        names = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        yield from (name for name in names if not name.startswith("_"))

"""What the name of a plugin may reach: strategies, sources and gateways, and no other code.

A configuration may be somebody else's file, so a name in it is looked at before anything runs:

1. It is written as a module, or the path of a file, and a name in it (`split`).
2. The module is a file of the user's own, beside the configuration or below the current folder; or an
   installed one whose text imports flotilla, for what was not written for us is no plugin. Python's own
   modules never are. This is decided before a line of it has run (`check_file`, `check_module`).
3. What it holds is a function or a class of such a module, and not something that it imported from
   elsewhere; a class has the methods of its kind (`check_target`).
"""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from functools import partial
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from types import BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, WrapperDescriptorType
from typing import Any

from flotilla.errors import ConfigError
from flotilla.words import cut

FORM = "write it as my_file:thing, ideas/gap.py:thing or package.module:thing"
OURS = Path(__file__).parent
_LONGEST = 1024
_PYTHONS = [Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "platstdlib")]
_MADE_IN_C = (BuiltinFunctionType, MethodDescriptorType, MethodWrapperType, WrapperDescriptorType)
_METHODS = {  # of a class of each kind, one of these groups
    "strategy": (("over",), ("advance",), ("on_bar",)),
    "source": (("panel",),),
    "gateway": (("accept", "fill"),),
}


def split(name: str) -> tuple[str, str]:
    """Return the module, or the path, and the attribute of "module:attribute"; ConfigError if it is none."""
    module, _, attribute = name.rpartition(":")
    parts = attribute.split(".")
    if not name.isprintable() or len(name) > _LONGEST or not module or not module.strip(". "):
        raise ConfigError(f"{cut(name)} is no name of a plugin: {FORM}")
    if not all(part.isidentifier() for part in parts) or any(part.startswith("__") for part in parts):
        raise ConfigError(f"{cut(name)}: {attribute!r} is no name of a function or a class: {FORM}")
    return module, attribute


def is_path(module: str) -> bool:
    """Say whether what stands before the colon is the path of a file."""
    return module.endswith(".py") or "/" in module


def is_file(path: Path) -> bool:
    """Say whether there is a file; no name is too long, or too odd, to be told that there is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def check_file(file: Path, places: Sequence[Path]) -> None:
    """Raise ConfigError unless a file may be run for what is in it. places: the user's own folders."""
    _check_origin(str(file), file, places)


def check_module(name: str, places: Sequence[Path]) -> None:
    """Raise ConfigError unless a module may be imported for what is in it. Nothing of it runs."""
    if name == "__main__":  # of a notebook or a script: its own code, which runs already
        return
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        raise ConfigError(f"{cut(name)} is no module and no file: {FORM}")
    if parts[0] in sys.stdlib_module_names:
        where = f"; a file of yours is written as {name.replace('.', '/')}.py"
        raise ConfigError(f"{name} is Python's own, and holds no plugin{where}")
    spec = _spec(parts)
    if (
        spec is None and len(parts) > 1 and _spec(parts[:1]) is not None
    ):  # or its package would run for nothing
        raise ConfigError(f"there is no module {name}")
    if spec is not None and spec.has_location and spec.origin:
        _check_origin(name, Path(spec.origin), places)


def check_target(target: Any, name: str, kind: str, places: Sequence[Path], ours: Iterable[str]) -> None:
    """Raise ConfigError unless what a name led to is a plugin of this kind, by its looks.

    ours: "module:attribute" of all that is installed as a plugin, which may be passed on under other names.
    """
    if not callable(target):
        raise ConfigError(f"{name} is a {type(target).__name__}, not a function or a class")
    while isinstance(target, partial):
        target = target.func
    home = getattr(target, "__module__", None) or ""
    if isinstance(target, _MADE_IN_C) or not home or home.partition(".")[0] in sys.stdlib_module_names:
        raise ConfigError(f"{name} is {home or 'builtin'} of Python's own, and no {kind}")
    if f"{home}:{getattr(target, '__qualname__', '')}" not in set(ours):
        there = sys.modules.get(home)
        file = getattr(there, "__file__", None)
        if home != "__main__" and file is not None:
            _check_origin(f"{name} comes from {home}, which", Path(file), places)
    groups = _METHODS.get(kind)
    if isinstance(target, type) and groups and not any(_has(target, group) for group in groups):
        needed = " or ".join(" and ".join(f"{method}()" for method in group) for group in groups)
        raise ConfigError(f"{name} is no {kind}: its class has no {needed}")


def _has(target: type, methods: tuple[str, ...]) -> bool:
    return all(hasattr(target, method) for method in methods)


def _spec(parts: Sequence[str]) -> ModuleSpec | None:
    """Return where a module would be imported from. Only where it lies is asked, so no package runs."""
    try:
        spec = find_spec(parts[0])
    except ValueError as error:
        raise ConfigError(f"{parts[0]} does not say where it was imported from: {error}") from error
    for n in range(1, len(parts)):
        if spec is None or spec.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(".".join(parts[: n + 1]), list(spec.submodule_search_locations))
    return spec


def _check_origin(what: str, file: Path, places: Sequence[Path]) -> None:
    """Raise ConfigError unless a file is the user's own, or was written for us."""
    whole = file.resolve()
    if whole.is_relative_to(OURS):
        raise ConfigError(f"{what} is flotilla's own code: name its plugins as `flotilla plugins` lists them")
    installed = any(part in ("site-packages", "dist-packages") for part in whole.parts)
    if not installed and any(whole.is_relative_to(folder) for folder in _PYTHONS):
        raise ConfigError(f"{what} is Python's own, and holds no plugin")
    if (installed or not _is_users(file, whole, places)) and not _imports_us(whole):
        raise ConfigError(f"{what} does not import flotilla, so it holds no plugin, and it is not run")


def _is_users(file: Path, whole: Path, places: Sequence[Path]) -> bool:
    """Say whether a file lies in one of the user's folders, as it is written or where its links lead."""
    if any(whole.is_relative_to(place.resolve()) for place in places):
        return True
    return ".." not in file.parts and any(file.absolute().is_relative_to(p.absolute()) for p in places)


def _imports_us(file: Path) -> bool:
    """Say whether a module's text imports flotilla."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):  # compiled, or torn
        return False
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = [
        alias.name if isinstance(node, ast.Import) else node.module or ""
        for node in imports
        for alias in node.names
    ]
    return any(module.partition(".")[0] == "flotilla" for module in modules)

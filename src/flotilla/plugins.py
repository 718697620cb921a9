"""Find plugins by name: ours, other packages' and the user's own file, by one door.

    find("strategy", "ma_cross")               an entry point of the group flotilla.strategies
    find("strategy", "my_file:Breakout")       my_file.py beside the configuration, or a module
    find("strategy", "ideas/gap.py:gap")       a file, by its path

A file of the user's is run again when it has changed, or one of his own that it imports, so a
notebook never keeps an old version. What else a name may reach, and what not, is in admission.py.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import blake2b
from importlib import import_module, invalidate_caches
from importlib.metadata import EntryPoint, entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, cast, get_args, get_origin

import msgspec

from flotilla.admission import check_file, check_module, check_target, is_file, is_path, split
from flotilla.closure import closure_of, imported_files, is_own
from flotilla.door import whole_number
from flotilla.errors import ConfigError, UnknownName, nearest
from flotilla.words import cut

GROUPS = {
    "strategy": "flotilla.strategies",
    "source": "flotilla.sources",
    "gateway": "flotilla.gateways",
    "feature": "flotilla.features",
    "risk": "flotilla.risk",
}
_NAMES = {"risk": "risk model"}  # what a message calls a kind, where not by itself
_MADE_OF = "__flotilla_made_of__"  # where a module of the user's keeps the hash of what was run
_FOLDERS: set[str] = set()  # of the user's files, as far as they are on Python's path because of us
_RAN = {"__main__"}  # modules that were not imported: nobody finds them by an import
_CHECKED = frozenset({bool, int, float, str})  # annotations that a configured value is held to

_GIVEN = "@"  # what the name of a target begins with that was given as it is, and is in no file
_given: dict[str, Callable[..., Any]] = {}  # those of this process

Target = Callable[..., Any]


@dataclass(frozen=True)
class Parameter:
    """One parameter of a plugin. annotation: the type, or its text where it cannot be had."""

    name: str
    annotation: Any
    default: Any
    required: bool

    @cached_property
    def kinds(self) -> frozenset[Any]:
        """Return the annotation and what it is made of: `list[int]` and `int`."""
        return frozenset({self.annotation, *get_args(self.annotation)})


@dataclass(frozen=True)
class Plugin:
    """What there is to say of a plugin without using it. `error`: why it cannot be loaded, or ""."""

    kind: str
    name: str
    path: str  # "module:attribute"
    doc: str  # its docstring's first line
    parameters: Mapping[str, Parameter]
    error: str = ""


def find(kind: str, name: str, folder: Path | None = None) -> Target:
    """Return the plugin called `name`: of an entry point, or at "module:attribute".

    folder: where the user's files are looked for first (the configuration's folder); then in
    the current one. UnknownName answers with the nearest names there are.
    """
    if name.startswith(_GIVEN):
        if name not in _given:
            raise ConfigError(
                f"{name} was given from Python to another process; write it into a file, as my_file:thing"
            )
        return _given[name]
    if ":" not in name:
        return _entry(kind, name)
    entries = _entries(kind)
    if name in (entry.value for entry in entries.values()):  # written out, as `flotilla plugins` lists it
        module, _, attribute = name.partition(":")
        return cast(Target, _attribute(_imported(module), attribute, name))
    module, attribute = split(name)
    places = [*([folder] if folder else []), Path.cwd()]
    target = _attribute(_module(module, places), attribute, name)
    check_target(target, name, kind, places, [entry.value for entry in entries.values()])
    return cast(Target, target)


def keep_target(target: Target, name: str) -> str:
    """Keep a target that is in no file, and return the name under which `find` finds it in this process.

    Another target that is called the same keeps its name, and this one gets a number.
    """
    told, n = f"{_GIVEN}{name}", 1
    while _given.setdefault(told, target) is not target:
        n += 1
        told = f"{_GIVEN}{name}.{n}"
    return told


def called(name: str) -> str:
    """Return what a message calls a plugin: its name, without what tells one that was given from others."""
    return name.removeprefix(_GIVEN).rpartition("-")[0] if name.startswith(_GIVEN) else name


def names(kind: str) -> list[str]:
    """Return the names of the installed plugins of a kind, sorted. Loads none of them."""
    return sorted(_entries(kind))


def known(kind: str) -> dict[str, Plugin]:
    """Return the installed plugins of a kind. One that cannot be loaded says why."""
    return {name: _described(kind, name, entry.value) for name, entry in sorted(_entries(kind).items())}


def parameters(target: Target) -> dict[str, Parameter]:
    """Return what `target` can be called with, by its signature."""
    return {
        name: Parameter(
            name,
            Any if p.annotation is p.empty else p.annotation,
            None if p.default is p.empty else p.default,
            p.default is p.empty,
        )
        for name, p in _signature(target).parameters.items()
        if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def check_params(target: Target, params: Mapping[str, Any], of: str) -> dict[str, Any]:
    """Return `params` as `target` takes them; ConfigError if it cannot be called so. of: who asks.

    A value of a parameter annotated bool, int, float or str must be one; see `check_value`.
    """
    there = parameters(target)
    open_ended = any(p.kind is p.VAR_KEYWORD for p in _signature(target).parameters.values())
    taken = dict(params)
    for name, value in params.items():
        if name in there:
            taken[name] = check_value(there[name], value, of)
        elif not open_ended:
            raise UnknownName(f"parameter of {of}", name, there)
    missing = [name for name, parameter in there.items() if parameter.required and name not in params]
    if missing:
        raise ConfigError(f"{of} needs {', '.join(missing)}")
    return taken


def check_value(parameter: Parameter, value: Any, of: str) -> Any:
    """Return `value` as the parameter's annotation says; ConfigError if it is not that.

    A whole number is an int however it is written, 10.0 as 10, for an int or where the default is one.
    """
    kind, kinds = parameter.annotation, parameter.kinds
    if kind is Any and type(parameter.default) is int:
        return whole_number(value)
    if not kinds & _CHECKED or (value is None and parameter.default is None):
        return value
    many = get_origin(kind) in (list, tuple) and isinstance(value, list | tuple)
    taken = value
    if int in kinds and float not in kinds:
        taken = [whole_number(each) for each in value] if many else whole_number(value)
    try:
        return msgspec.convert(taken, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{parameter.name} of {of}: {error}, it is {cut(value)}") from None


def handed(value: Any) -> Any:
    """Return a parameter as somebody else's code may have it: what it does to a list is not done to ours."""
    if isinstance(value, dict):
        return {key: handed(part) for key, part in value.items()}
    return [handed(part) for part in value] if isinstance(value, list) else value


@cache
def _all_entries() -> dict[str, dict[str, list[EntryPoint]]]:
    found: dict[str, dict[str, list[EntryPoint]]] = {group: {} for group in GROUPS.values()}
    everything = entry_points()
    for group, entries in found.items():
        for entry in everything.select(group=group):
            same = entries.setdefault(entry.name, [])
            if entry.value not in [other.value for other in same]:  # one package may be seen twice
                same.append(entry)
    return found


def _entries(kind: str) -> dict[str, EntryPoint]:
    if kind not in GROUPS:
        raise UnknownName("kind of plugin", kind, GROUPS)
    entries = _all_entries()[GROUPS[kind]]
    for name, same in entries.items():
        if len(same) > 1:
            paths = " and ".join(entry.value for entry in same)
            raise ConfigError(f"two packages have a {_NAMES.get(kind, kind)} called {name}: {paths}")
    return {name: same[0] for name, same in entries.items()}


def _entry(kind: str, name: str) -> Target:
    entries = _entries(kind)
    if name not in entries:
        raise UnknownName(_NAMES.get(kind, kind), name, entries)
    module, _, attribute = entries[name].value.partition(":")
    target = _attribute(_imported(module), attribute, entries[name].value)
    if not callable(target):
        raise ConfigError(f"{name} is a {type(target).__name__}, not a function or a class")
    return cast(Target, target)


def _described(kind: str, name: str, path: str) -> Plugin:
    try:
        target = find(kind, name)
    except ConfigError as error:
        return Plugin(kind, name, path, "", {}, str(error))
    doc = (inspect.getdoc(target) or "").partition("\n")[0]
    return Plugin(kind, name, path, doc, parameters(target))


def _attribute(module: ModuleType, attribute: str, name: str) -> Any:
    value: Any = module
    for part in attribute.split("."):
        if value is not module and not isinstance(value, type):  # through a class only: no other's modules
            raise ConfigError(f"{name}: {part!r} is looked for in a {type(value).__name__}, not in a class")
        if not hasattr(value, part):
            there = [known for known in vars(value) if not known.startswith("_")]
            raise ConfigError(f"{name}: no {part!r} in it{nearest(part, there)}")
        value = getattr(value, part)
    return value


def _module(name: str, places: Sequence[Path]) -> ModuleType:
    """Return the module `name`: a file of the user's if there is one, else an installed one."""
    if is_path(name) or "." not in name:
        file = name if name.endswith(".py") else f"{name}.py"
        for place in places:
            if is_file(place / file):
                check_file(place / file, places)
                return _ran((place / file).resolve())
    if is_path(name):
        raise ConfigError(f"there is no file {name} in {' or '.join(map(str, dict.fromkeys(places)))}")
    for place in reversed(places):  # a package of the user's own: a file of it cannot be run by itself
        _on_path(place)
    check_module(name, places)
    with _fresh(imported_files(name, places)):
        return _imported(name)


def _ran(file: Path) -> ModuleType:
    """Return a file's module, run anew if what it is made of is not what was run before."""
    _on_path(file.parent)
    made_of = f"{file}\0{closure_of(file).digest}"
    digest = blake2b(made_of.encode(errors="surrogateescape"), digest_size=6).hexdigest()
    name = f"{file.stem}_{digest}"
    if name in sys.modules:
        return sys.modules[name]
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"{file} is not a Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    _RAN.add(name)
    try:
        with _fresh([file]):
            spec.loader.exec_module(module)
    except (ImportError, SyntaxError) as error:
        del sys.modules[name]
        raise ConfigError(_told(str(file), error)) from error
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _fresh(files: Iterable[Path]) -> Iterator[None]:
    """Have what is imported here be the files as they are now; forget what was imported of them before."""
    own = {str(path): closure_of(path).digest for file in files for path in closure_of(file).files}
    called = {(path.parent if path.stem == "__init__" else path).stem for path in map(Path, own)}
    for name, module in list(sys.modules.items()):
        file = str(getattr(module, "__file__", None))
        known = file in own or (name.rpartition(".")[2] in called and file != "None" and is_own(module))
        if known and name not in _RAN and vars(module).get(_MADE_OF) != own.get(file, ""):
            del sys.modules[name]
            package, _, part = name.rpartition(".")
            vars(sys.modules.get(package, module)).pop(part, None)
    invalidate_caches()
    writes, sys.dont_write_bytecode = (
        sys.dont_write_bytecode,
        True,
    )  # two edits in a second look alike to Python
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        for module in list(sys.modules.values()):
            file = str(getattr(module, "__file__", None))
            if file in own:
                vars(module)[_MADE_OF] = own[file]


def _on_path(folder: Path) -> None:
    # After what was there, so that a user's json.py hides nothing; of his folders first the one that is used.
    where = str(folder)
    if where not in sys.path or where in _FOLDERS:
        sys.path[:] = [
            *(p for p in sys.path if p not in _FOLDERS),
            where,
            *(p for p in sys.path if p in _FOLDERS - {where}),
        ]
        _FOLDERS.add(where)


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise ConfigError(f"there is no module {name}, and no file {name}.py in {Path.cwd()}") from None
        raise ConfigError(_told(name, error)) from error
    except (ImportError, SyntaxError) as error:
        raise ConfigError(_told(name, error)) from error


def _told(name: str, error: ImportError | SyntaxError) -> str:
    if isinstance(error, SyntaxError):
        where = f"{error.filename or name}, line {error.lineno}"
        return f"{where}: {error.msg}: {(error.text or '').strip()}"
    return f"{name} cannot be imported: {error}"


def _signature(target: Target) -> inspect.Signature:
    try:
        return inspect.signature(target, eval_str=True)
    except NameError:  # an annotation that only a type checker imports: keep its text
        return inspect.signature(target)

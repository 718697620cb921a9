"""What a value is, in a few letters: equal ones only where nothing that could matter differs.

A Python stage is its class and its attributes, private ones too. A class is its code and that of its file,
with the user's own files that this imports (`flotilla.closure`), the values that its functions find outside
of themselves (globals, what they close over, defaults), and the versions of the packages that it imports. A
text or a path that is that of a file or a folder is what is in there as well.
"""

from __future__ import annotations

import copyreg
import inspect
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, cached_property, partial
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path, PurePath
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    CodeType,
    FunctionType,
    GetSetDescriptorType,
    MappingProxyType,
    MethodDescriptorType,
    MethodType,
    MethodWrapperType,
    ModuleType,
    WrapperDescriptorType,
)
from typing import Any
from weakref import ReferenceType

import numpy as np

from flotilla.closure import closure_of, code_digest, is_own, named_files
from flotilla.stage.expression import Column, Node, walk

_PLAIN = (type(None), bool, int, str, bytes, complex)
_MADE_IN_C = (
    BuiltinFunctionType,
    MethodDescriptorType,
    MethodWrapperType,
    WrapperDescriptorType,
    ClassMethodDescriptorType,
    GetSetDescriptorType,
    np.ufunc,
)
_OF_EVERY_CLASS = {  # what Python notes down on a class
    "__abstractmethods__", "__annotations__", "__dict__", "__doc__", "__firstlineno__", "__module__",
    "__slotnames__", "__static_attributes__", "__weakref__", "_abc_impl",
}  # fmt: skip


class Unnameable(Exception):
    """A value of which nothing can be known that would be the same next time."""


class Fingerprint:
    """Takes values, one after the other; `hex` is a hash of them all. places: where paths in texts begin."""

    def __init__(self, places: Sequence[Path] = ()) -> None:
        self._places = list(dict.fromkeys([*places, Path.cwd()]))
        self._digest = blake2b(digest_size=16)
        self._seen: dict[int, int] = {}
        self._alive: list[Any] = []  # so that no other value gets the number of one that was seen
        self._packages: set[str] = set()

    @property
    def hex(self) -> str:
        """Return the hash, with the versions of Python and of the packages that came along."""
        digest = self._digest.copy()
        digest.update(repr((sys.version_info[:2], versions_of(self._packages))).encode())
        return digest.hexdigest()

    def take(self, value: Any) -> None:
        """Take a value in. Unnameable if nothing can be known of it."""
        if isinstance(value, str | PurePath):
            self._say(type(value).__name__, str(value))
            self._say(*named_files([str(value)], self._places, folders=True).values())
        elif isinstance(value, _PLAIN):
            self._say(type(value).__name__, repr(value))
        elif isinstance(value, float):
            self._say(type(value).__name__, float(value).hex())
        elif id(value) in self._seen:
            self._say("again", str(self._seen[id(value)]))
        else:
            self._seen[id(value)] = len(self._seen)
            self._alive.append(value)
            self._take_whole(value)

    def _say(self, *parts: str) -> None:
        for part in parts:
            self._digest.update(part.encode(errors="surrogatepass") + b"\0")

    def _take_whole(self, value: Any) -> None:
        """Take in a value that has parts."""
        if isinstance(value, np.ndarray | np.generic) and value.dtype != object:
            self._say("array", str(value.dtype), repr(value.shape))
            self._digest.update(np.ascontiguousarray(value).tobytes())
        elif isinstance(value, list | tuple):
            self._take_all(type(value).__name__, value)
        elif isinstance(value, set | frozenset):
            self._say("set", *sorted(self._apart(each) for each in value))
        elif isinstance(value, dict | MappingProxyType):
            self._say("dict", *sorted(self._apart(pair) for pair in value.items()))
        elif isinstance(value, Node):
            self._take_tree(value)
        elif isinstance(value, Column):
            self._take_all("column", [value.values])
        elif isinstance(value, partial):
            self._take_all("partial", [value.func, value.args, value.keywords])
        elif isinstance(value, type):
            self._take_class(value)
        elif isinstance(value, ModuleType):
            self._take_module(value)
        elif not self._take_routine(value):
            self._take_object(value)

    def _take_all(self, what: str, values: Iterable[Any]) -> None:
        parts = list(values)
        self._say(what, str(len(parts)))
        for part in parts:
            self.take(part)

    def _apart(self, value: Any) -> str:
        """Return the hash of a part alone, where the order of parts says nothing. Unnameable as `take`."""
        alone = Fingerprint(self._places)
        alone._seen, alone._alive = dict(self._seen), self._alive  # what is above it may be within it, too
        alone.take(value)
        self._packages |= alone._packages
        return alone._digest.hexdigest()

    def _take_tree(self, root: Node) -> None:
        """Take in an expression: each node once, with the numbers of those that it reads."""
        numbers: dict[Node, int] = {}
        for node in walk([root]):
            numbers[node] = len(numbers)
            self._say("node", node.op, repr([numbers[i] for i in node.inputs]))
            for param in node.params:
                self.take(param)

    def _take_routine(self, value: Any) -> bool:
        """Take in a function by what it does and what it finds outside of itself; False if it is none."""
        value = getattr(value, "py_func", value)  # of what numba compiled
        if isinstance(value, MethodType):
            self._take_all("method", [value.__func__, value.__self__])
        elif isinstance(value, staticmethod | classmethod):
            self._take_all(type(value).__name__, [value.__func__])
        elif isinstance(value, property):
            self._take_all("property", [value.fget, value.fset, value.fdel])
        elif isinstance(value, cached_property):  # up to Python 3.11 it holds a lock
            self._take_all("cached property", [value.func])
        elif isinstance(value, ReferenceType):
            self._take_all("reference", [value()])
        elif isinstance(value, FunctionType):
            self._take_function(value)
        elif isinstance(value, _MADE_IN_C):
            self._say("routine", str(getattr(value, "__module__", "")), str(value.__name__))
            self._take_all("of", [getattr(value, "__self__", None)])
        elif hasattr(value, "__wrapped__"):  # kept by functools.cache
            self._take_all("around", [value.__wrapped__])
        else:
            return False
        return True

    def _take_function(self, function: FunctionType) -> None:
        self._say("function", function.__qualname__)
        if not self._take_origin(function.__module__):
            return
        code = function.__code__
        self._say(code_digest(code))
        defaults = [*(function.__defaults__ or ()), *sorted((function.__kwdefaults__ or {}).items())]
        around = [*_closed_over(function), *_globals_of(code, function.__globals__), *vars(function).items()]
        for name, value in [*enumerate(defaults), *around]:
            self._say(str(name))
            self.take(value)

    def _take_class(self, kind: type) -> None:
        for each in kind.__mro__[:-1]:
            self._say("class", each.__qualname__)
            if id(each) in self._seen and each is not kind:
                continue
            if not self._take_origin(each.__module__):
                continue
            for name, value in sorted(vars(each).items()):
                if name not in _OF_EVERY_CLASS and not inspect.ismemberdescriptor(value):
                    self._say(name)
                    self.take(value)

    def _take_origin(self, name: str | None) -> bool:
        """Take in the module that something is from; say whether it is the user's own."""
        module = sys.modules.get(name or "")
        if module is not None:
            if id(module) not in self._seen:
                self.take(module)
            if not is_own(module):
                return False
        return True

    def _take_module(self, module: ModuleType) -> None:
        if not is_own(module):
            top = module.__name__.partition(".")[0]
            self._say("module", module.__name__)
            self._packages.add(top)
            if top == "flotilla" and module.__file__:  # a stage that ships with us
                self._say(*named_files([module.__file__], self._places).values())
            return
        file = getattr(module, "__file__", None)
        if file is not None and Path(file).is_file():
            closure = closure_of(Path(file), self._places)
            self._say("file", closure.digest)
            self._packages |= set(closure.packages)

    def _take_object(self, value: Any) -> None:
        """Take in any other object: its class, and what it would be built of again somewhere else."""
        self.take(type(value))
        reduce = copyreg.dispatch_table.get(type(value))  # of patterns and unions of types
        try:
            reduced = reduce(value) if reduce else value.__reduce_ex__(4)
        except Exception as error:
            raise Unnameable(f"a {type(value).__name__}") from error
        if isinstance(reduced, str):
            self._say(reduced)
            return
        made, args, *rest = reduced
        self._take_all("made", [made, args, *(list(r) if isinstance(r, Iterator) else r for r in rest)])


def _closed_over(function: FunctionType) -> list[tuple[str, Any]]:
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return [(name, cell.cell_contents) for name, cell in cells if _is_full(cell)]


def _is_full(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  (it raises where there is nothing)
    except ValueError:
        return False
    return True


def _globals_of(code: CodeType, there: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Return the globals that code looks at, and the code within it."""
    names = {name for each in _codes(code) for name in each.co_names} - {"__name__", "__file__"}
    return [(name, there[name]) for name in sorted(names) if name in there]


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _codes(const)


def versions_of(packages: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Return the versions of packages, by the names in imports, and of all that these need."""
    return tuple(sorted({pair for name in packages for of in _distributions(name) for pair in _needs(of)}))


@cache
def _distributions(name: str) -> Sequence[str]:
    """Return what is installed under the name of an import: mostly it is its own name."""
    try:
        return [distribution(name).name]
    except PackageNotFoundError:
        return _by_import().get(name, ())


@cache
def _by_import() -> Mapping[str, list[str]]:
    return packages_distributions()  # it reads the lists of files of all that is installed


@cache
def _needs(name: str) -> frozenset[tuple[str, str]]:
    """Return a distribution's name and version, and those of what it requires, in turn."""
    found: dict[str, str] = {}
    waiting = [name]
    while waiting:
        one = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if one not in found:
            try:
                of = distribution(one)
            except PackageNotFoundError:  # it is needed elsewhere, on another system
                continue
            found[one] = of.version
            needed = [line for line in of.requires or () if "extra ==" not in line]
            waiting += [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in needed]
    return frozenset(found.items())

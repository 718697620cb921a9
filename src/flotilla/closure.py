"""What a file of the user's is made of: the files of his own that it imports, and the files that it names.

1. `closure_of` reads a file and looks for its imports, wherever they stand; an import of a file that is
   neither Python's nor of an installed package is read in turn. Nothing is run.
2. Each counts by what it does: its compiled code, without comments, docstrings and layout.
3. A text in it that is the path of a file (`"weights.npy"`) counts by what is in that file.

What is imported by a name that is computed, and what is read from elsewhere (a database, the environment), is
out of reach: nothing shows it.
"""

from __future__ import annotations

import ast
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import blake2b, file_digest
from importlib.machinery import EXTENSION_SUFFIXES
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, ModuleType

_LONGEST = 1024  # letters of a text that may be a path
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_HAS_DOCSTRING = 0x4000000 if sys.version_info >= (3, 13) else 0  # before, each function has a place for it
_HIDDEN = (".", "__pycache__")  # beginnings of what does not count in a folder


@dataclass(frozen=True)
class Closure:
    """What a file is made of. The user's own files count by what they do, those named by what is in them."""

    files: dict[Path, str]  # hex
    named: dict[Path, str]  # hex
    packages: tuple[str, ...]  # installed ones that are imported, by the name in the import

    @property
    def digest(self) -> str:
        """Return a hash of what is in the files and what they are called, hex; not of where they lie."""
        parts = [(path.name, said) for found in (self.files, self.named) for path, said in found.items()]
        return blake2b(repr(parts).encode(), digest_size=16).hexdigest()


def closure_of(file: Path, places: Sequence[Path] = ()) -> Closure:
    """Return what a file is made of. places: where files are looked for beside its own and current folder."""
    waiting, files, named, packages = [file.resolve()], {}, {}, set()
    while waiting:
        path = waiting.pop()
        if path in files:
            continue
        read = _read(path.read_bytes(), path.suffix == ".py")
        files[path] = read.does
        named.update(named_files(read.texts, (path.parent, *places, Path.cwd())))
        for name, level in read.imports:
            found = imported_files(name, [path.parent, *places], level)
            waiting += found
            top = name.partition(".")[0]
            if not found and not level and top not in sys.stdlib_module_names and top != "flotilla":
                packages.add(top)
    return Closure(dict(sorted(files.items())), dict(sorted(named.items())), tuple(sorted(packages)))


def imported_files(name: str, places: Sequence[Path], level: int = 0) -> list[Path]:
    """Return the user's own files that `import name` runs: a module's, and those of the packages around it.

    places: where they are looked for after Python's own path. level: the dots before the name, which then
    begins in the first of the places.
    """
    roots = [Path(p or ".") for p in sys.path] + [*places, Path.cwd()]
    if level:
        roots = [places[0].joinpath(*[".."] * (level - 1))]
    parts = name.split(".")
    for root in roots:
        if list(_module_files(root / parts[0])) or (root / parts[0]).is_dir():
            inner = [root.joinpath(*parts[: k + 1]) for k in range(len(parts))]
            return [path.resolve() for each in inner for path in _module_files(each) if is_own_file(path)]
    return []


def is_own(module: ModuleType | None) -> bool:
    """Say whether a module is the user's: neither Python's, nor an installed package's, nor ours."""
    if module is None or module.__name__.partition(".")[0] in (*sys.stdlib_module_names, "flotilla"):
        return module is not None and module.__name__ == "__main__"
    file = getattr(module, "__file__", None)
    return file is None or is_own_file(Path(file))


def named_files(texts: Iterable[str], places: Sequence[Path], folders: bool = False) -> dict[Path, str]:
    """Return the files whose paths are among the texts, by what is in them, hex.

    folders: is the path of a folder one too; then it counts by all that is in it but what is hidden. A link
    in it to another folder counts by where it leads, and is not followed: it may lead back.
    """
    found = {}
    for text in texts:
        if 0 < len(text) <= _LONGEST and text.isprintable() and text.strip(". /"):
            for place in dict.fromkeys(places):
                found.update(_contents(place / text, folders))
    return found


def code_digest(code: CodeType) -> str:
    """Return a hash of what compiled code does, hex: of the same text the same in every process.

    Docstrings and comments do not count, and of layout only what leaves an instruction behind.
    """
    return blake2b(_code_text(code).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True)
class _File:
    does: str
    imports: tuple[tuple[str, int], ...]  # name, and the number of dots before it
    texts: tuple[str, ...]


@lru_cache(maxsize=1024)
def _read(text: bytes, is_python: bool) -> _File:
    """Return what is in a file. One that cannot be read as Python counts by its bytes."""
    try:
        tree = ast.parse(text) if is_python else None
    except (SyntaxError, ValueError):
        tree = None
    if tree is None:
        return _File(blake2b(text, digest_size=16).hexdigest(), (), ())
    imports = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, 0) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            imports += [(f"{base}.{alias.name}".strip("."), node.level) for alias in node.names]
    code = compile(_bare(tree), "", "exec", dont_inherit=True)
    return _File(code_digest(code), tuple(imports), tuple(dict.fromkeys(_texts(code))))


def _module_files(path: Path) -> Iterator[Path]:
    for file in (
        path / "__init__.py",
        *(path.with_name(path.name + s) for s in (".py", *EXTENSION_SUFFIXES)),
    ):
        if file.is_file():
            yield file


def _bare(tree: ast.Module) -> ast.Module:
    """Return a tree without docstrings, all on one line: lines may leave instructions behind."""
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        for name in ("lineno", "col_offset", "end_lineno", "end_col_offset"):
            if name in node._attributes:
                setattr(node, name, 1)
    return ast.fix_missing_locations(tree)


@cache
def _installed() -> tuple[Path, ...]:
    """Return the folders of Python and of installed packages, and ours."""
    found = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")]
    paths: list[str | Path] = [
        *found,
        *site.getsitepackages(),
        site.getusersitepackages(),
        Path(__file__).parent,
    ]
    return tuple({Path(path).resolve() for path in paths})


def is_own_file(file: Path) -> bool:
    """Say whether a file is the user's: neither Python's, nor an installed package's, nor ours."""
    path = file.resolve()
    return not any(path.is_relative_to(folder) for folder in _installed())


def _contents(path: Path, folders: bool) -> dict[Path, str]:
    """Return a file by what is in it, or a folder's files; nothing if there is none."""
    try:
        if path.is_file():
            if not path.stat().st_size:  # nothing in it, or no file at all, as in /proc
                return {}
            with path.open("rb") as file:
                return {path.resolve(): file_digest(file, "sha256").hexdigest()}
        if not folders or not path.is_dir():
            return {}
        inside = sorted(p for p in path.iterdir() if not p.name.startswith(_HIDDEN))
        away = {p: str(p.readlink()) for p in inside if p.is_symlink() and p.is_dir()}
    except OSError:  # not ours to read, so not what the rows were made of
        return {}
    linked = {
        p: blake2b(to.encode(errors="surrogateescape"), digest_size=16).hexdigest() for p, to in away.items()
    }
    return linked | {file: said for p in inside if p not in away for file, said in _contents(p, True).items()}


def _texts(code: CodeType) -> Iterator[str]:
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from _texts(const)
        elif isinstance(const, str):
            yield const
        elif isinstance(const, tuple | frozenset):
            yield from (each for each in const if isinstance(each, str))


def _code_text(code: CodeType) -> str:
    consts = [_code_text(c) if isinstance(c, CodeType) else _const_text(c) for c in code.co_consts]
    documented = code.co_flags & _HAS_DOCSTRING == _HAS_DOCSTRING and code.co_name[0] != "<"
    if code.co_flags & CO_OPTIMIZED and documented:
        consts = consts[1:] if isinstance(code.co_consts[0], str | None) else consts
    if not code.co_flags & CO_OPTIMIZED and "__doc__" in code.co_names:  # of a module, of a class
        texts = [k for k, c in enumerate(code.co_consts) if isinstance(c, str) and c != code.co_qualname]
        del consts[texts[0]]
    names = (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)
    counts = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags)
    return repr((code.co_qualname, code.co_code.hex(), code.co_exceptiontable.hex(), names, counts, consts))


def _const_text(const: object) -> str:
    if isinstance(const, frozenset):  # their order differs from process to process
        return f"frozenset {sorted(map(_const_text, const))}"
    if isinstance(const, tuple):
        return f"({', '.join(map(_const_text, const))})"
    return f"{type(const).__name__} {const!r}"

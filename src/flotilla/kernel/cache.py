"""Compiled code, kept on disk: where, and how nothing that was damaged is ever run.

    <root>/<hash of all kernel sources>/<room>_<hash of its path>/
        fill.fill-33.py311.nbi      which code is for what
        fill.fill-33.py311.1.nbc    the code

1. Numba looks only at the file of the function itself when it decides whether a copy is fresh, so a function
   that inlines another one from another file would survive that file's edit. The folder is therefore named by
   the hash of all kernel sources (`KERNEL_IDENTITY` in compile.py).
2. A file begins with the checksum of what it holds, its name, and who compiled it. One that is cut off,
   empty, flipped, swapped, or of another compiler is as good as none: it is compiled anew, and written over.
3. Code is written down with what it is for, before the index that points at it: of two that compile
   at the same moment, neither is handed the other's.
4. Where nothing can be kept, what is compiled stays in memory, and the next process compiles again. It is
   never put elsewhere: not beside our sources, as Numba would, in a folder that no hash names.

The root is $NUMBA_CACHE_DIR, or else flotilla/kernels in $XDG_CACHE_HOME, or else in ~/.cache.
"""

import hashlib
import itertools
import os
import pickle  # noqa: TID251 Numba's code has no other form; it is checked before it is read
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import llvmlite
import numba
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

_CHECKSUM = 16  # bytes


def root() -> Path | None:
    """Return where compiled code is kept, by the environment; None where that names no place."""
    named = os.environ.get("NUMBA_CACHE_DIR")
    if named:
        return Path(named).absolute()
    caches = Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"))  # noqa: PTH111 it raises
    return caches / "flotilla" / "kernels" if caches.is_absolute() else None  # "~" is left where no home is


def kept_for(function: Callable[..., Any], identity: str) -> "Code | None":
    """Return the code that is kept of a function; None where none can be. identity: of all kernel sources."""
    source, place = Path(function.__code__.co_filename), root()
    if place is None or not source.is_file():  # typed at a prompt, it has no file that could be asked for
        return None
    path = hashlib.blake2b(str(source.parent.absolute()).encode(), digest_size=8).hexdigest()
    folder = place / identity / f"{source.parent.name}_{path}"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return Code(function, folder)


@cache
def _text(source: Path) -> bytes:
    return hashlib.blake2b(source.read_bytes(), digest_size=16).digest()


def _named(held: Any) -> Any:
    """Return what a closure holds; of a kernel its name, for its pickle is another one in every process.

    Its code is in the name of the folder: the hash of all kernel sources. Somebody else's is not.
    """
    code = getattr(getattr(held, "py_func", None), "__code__", None)
    ours = code is not None and Path(code.co_filename).parent == Path(__file__).parent
    return held.py_func.__qualname__ if ours else held


class Code:
    """The compiled code of one function, one of each signature. What Numba asks of a cache."""

    def __init__(self, function: Callable[..., Any], folder: Path) -> None:
        self.cache_path = str(folder)  # what Numba asks for
        self.folder, code = folder, function.__code__
        source = Path(code.co_filename)
        version = f"py{sys.version_info[0]}{sys.version_info[1]}{sys.abiflags}"
        name = function.__qualname__.replace("<", "").replace(">", "")
        self._base = f"{source.stem}.{name}-{code.co_firstlineno}.{version}"
        cells = tuple(_named(cell.cell_contents) for cell in function.__closure__ or ())
        self._function = hashlib.blake2b(code.co_code + dumps(cells), digest_size=16).digest()
        self._compiler = f"{numba.__version__} {llvmlite.__version__}".encode() + _text(source)

    @property
    def begun(self) -> bool:
        """Return whether something is kept, and whole."""
        return bool(self._index())

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return what was compiled for a signature, None where there is nothing that is whole."""
        context.refresh()
        key = self._key(signature, context.codegen())
        found = self._read(self._index().get(key, ""))
        if found is None or found[0] != key:
            return None
        return CompileResult._rebuild(context, *found[1])

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep what was compiled for a signature, where there is room, and a place that can be written."""
        if result.lifted or result.library.has_dynamic_globals:
            return  # it holds addresses of this process
        key, index = self._key(signature, result.library.codegen), self._index()
        free = (f"{self._base}.{n}.nbc" for n in itertools.count(1))
        name = index.get(key) or next(name for name in free if name not in index.values())
        try:
            self._write(name, (key, result._reduce()))
            self._write(f"{self._base}.nbi", index | {key: name})
        except OSError:  # read-only, or full: it is compiled again next time
            return

    def flush(self) -> None:
        """Forget what is kept."""
        (self.folder / f"{self._base}.nbi").unlink(missing_ok=True)

    def enable(self) -> None:
        """Do nothing: it is never off."""

    def disable(self) -> None:
        """Do nothing: whoever wants none asks for none."""

    def _key(self, signature: Any, codegen: Any) -> tuple[Any, ...]:
        return signature, codegen.magic_tuple(), self._function

    def _index(self) -> dict[Any, str]:
        return self._read(f"{self._base}.nbi") or {}

    def _read(self, name: str) -> Any:
        """Return what a file holds; None where it cannot be read, or is not as it was written."""
        try:
            content = (self.folder / name).read_bytes() if name else b""
        except OSError:
            return None
        checksum, packed = content[:_CHECKSUM], content[_CHECKSUM:]
        return pickle.loads(packed) if checksum == self._checksum(name, packed) else None  # noqa: S301 ours

    def _write(self, name: str, value: Any) -> None:
        packed = dumps(value)
        beside = self.folder / f"{name}.tmp.{uuid4().hex}"
        try:
            beside.write_bytes(self._checksum(name, packed) + packed)
            beside.replace(self.folder / name)
        finally:
            beside.unlink(missing_ok=True)

    def _checksum(self, name: str, packed: bytes) -> bytes:
        digest = hashlib.blake2b(self._compiler, digest_size=_CHECKSUM)
        for part in (name.encode(), packed):
            digest.update(len(part).to_bytes(8, "big") + part)
        return digest.digest()

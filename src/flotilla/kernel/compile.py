"""One way to compile, so that every kernel has the same rules.

Plain IEEE arithmetic: no fast-math, no reassociation, no contraction, because a result must not depend on how
many rows or portfolios were handed in together. The global lock is released, so that threads scale.

Compiled code is kept on disk. Numba looks only at the file of the function itself when it decides whether
that copy is fresh, so a function that inlines another one from another file would survive that file's edit.
The folder is therefore named by the hash of all kernel sources (`KERNEL_IDENTITY`), which is also what a
stored stage quotes as the identity of the arithmetic behind it.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _identity() -> str:
    """Return the hash of every kernel source, as hex."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _cache_folder() -> str:
    """Return the folder for compiled code: the user's cache, or where NUMBA_CACHE_DIR says."""
    root = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return str(Path(root) / "flotilla" / "kernels" / KERNEL_IDENTITY)


KERNEL_IDENTITY = _identity()
if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = _cache_folder()


def compiled(function: _Function) -> _Function:
    """Return `function` compiled for the types that it is called with."""
    decorate: Callable[[_Function], _Function] = numba.njit(
        cache=True, nogil=True, error_model="numpy", _nrt=False
    )
    return decorate(function)


def compiled_apart(function: _Function) -> _Function:
    """Return `function` compiled under the promise that the arrays handed to it lie apart.

    Without the promise a loop over many arrays is not vectorised: the compiler would have to check, pair by
    pair, that none of those written is another one read.
    """
    decorate: Callable[[_Function], _Function] = numba.njit(
        cache=True, nogil=True, error_model="numpy", _nrt=False, noalias=True
    )
    return decorate(function)


# Numba's compiler has the flag; its decorator does not offer it.
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")

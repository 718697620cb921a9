"""One way to compile, so that every kernel has the same rules.

Plain IEEE arithmetic: no fast-math, no reassociation, no contraction, because a result must not depend on how
many rows or portfolios were handed in together. The global lock is released, so that threads scale.

Compiled code is kept on disk, by rules of our own: cache.py. It is known by the hash of all kernel sources
(`KERNEL_IDENTITY`), which is also what a stored stage quotes as the identity of the arithmetic behind it.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions

from flotilla.kernel.cache import Code, kept_for

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _identity() -> str:
    """Return the hash of every kernel source, as hex."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


KERNEL_IDENTITY = _identity()


def compiled(function: _Function) -> _Function:
    """Return `function` compiled for the types that it is called with.

    It is taken into whoever calls it: a block is some forty arrays, and to hand them on once more costs what
    a bar of a few lanes does.
    """
    return _compiled(function, forceinline=True)


def compiled_apart(function: _Function) -> _Function:
    """Return `function` compiled under the promise that the arrays handed to it lie apart.

    Without the promise a loop over many arrays is not vectorised: the compiler would have to check, pair by
    pair, that none of those written is another one read. The compiler chooses whether to take it into its
    callers: with all loops in one function it laid out fewer of them as vectors.
    """
    return _compiled(function, noalias=True)


def code_of(kernel: Any) -> Code | None:
    """Return where the compiled code of a kernel is kept; None where it has no place."""
    return kernel._cache if isinstance(kernel._cache, Code) else None


def _compiled(function: _Function, **more: bool) -> _Function:
    made: Any = numba.njit(nogil=True, error_model="numpy", _nrt=False, **more)(function)
    kept = kept_for(function, KERNEL_IDENTITY)
    if kept is not None:
        made._cache = kept
    return made  # type: ignore[no-any-return]  # it is called as the function is


# Numba's compiler has the flag; its decorator does not offer it.
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")

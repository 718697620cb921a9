"""Strategies that are given from Python as they are: a function of a notebook, a lambda, one that was made.

A configuration holds a name, under which `run` and `sweep` find the strategy again. What is in a file is
found there, also by another process; anything else is kept by this one, under a name of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from secrets import token_hex
from typing import Any

from flotilla.errors import ConfigError
from flotilla.plugins import find, keep_target
from flotilla.research.fingerprint import Fingerprint, Unnameable

Target = Callable[..., Any]
_LETTERS = 12  # of a hash


def name_of(target: Target) -> str:
    """Return a name under which `find` finds `target`: "module:name" if the same code is found under that.

    Anything else gets a name that holds in this process alone, and that no other target ever has.
    """
    module, name = getattr(target, "__module__", None), getattr(target, "__qualname__", "<>")
    made_of = _hash(target)  # before anything is found: a file of the user's may be run anew for that
    if module and module != "__main__" and "<" not in name and _is_there(f"{module}:{name}", target, made_of):
        return f"{module}:{name}"
    called = getattr(target, "__name__", type(target).__name__).strip("<>")
    return keep_target(target, f"{called}-{made_of}")


def _is_there(name: str, target: Target, made_of: str) -> bool:
    """Say whether a name leads to a target, or to one of the same code."""
    try:
        found = find("strategy", name)
    except ConfigError:
        return False
    return found is target or _hash(found) == made_of


def _hash(target: Target) -> str:
    """Return some letters of what a target is made of; of what cannot be told, some that never come again."""
    made = Fingerprint()
    try:
        made.take(target)
    except Unnameable:
        return token_hex(_LETTERS // 2)
    return made.hex[:_LETTERS]

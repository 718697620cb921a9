"""Say what a computation takes of memory before it takes it, and refuse what does not fit."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import Any

from numpy.typing import NDArray

from flotilla.errors import ConfigError
from flotilla.stream.bars.sizes import available

LESS = "take fewer portfolios, fewer instruments or a shorter period"


def check_room(taken: int, what: str, mend: str = LESS) -> None:
    """Raise ConfigError where something would take more memory than there is. taken: bytes, not held yet."""
    if taken > (there := available()):
        raise ConfigError(f"{what} takes {_size(taken)} of memory, and {_size(there)} are free: {mend}")


def bytes_of(arrays: Iterable[NDArray[Any]]) -> int:
    """Return the memory that arrays hold: the same one is counted once, a row that is repeated as one."""
    held = {}
    for array in arrays:
        sizes = [n for n, step in zip(array.shape, array.strides, strict=True) if step]
        key = (array.__array_interface__["data"][0], array.shape, array.strides)
        held[key] = prod(sizes) * array.itemsize
    return sum(held.values())


def _size(bytes_: int) -> str:
    return f"{bytes_ / 1e9:,.1f} GB" if bytes_ >= 1e9 else f"{bytes_ / 1e6:,.0f} MB"

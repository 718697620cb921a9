"""Who may write where: what is handed to kernels, and what is handed to somebody else's code.

A panel's arrays are read-only views, so that nobody changes the market by a slip. Numba compiles a function
once more for arrays that may not be written: kernels get the same memory as an array that may (`lent`), and
write nothing but what they are given to write. Somebody else's code gets a copy that is its own (`given`).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class _Borrowed:
    """The memory of an array, as one that may be written; it keeps the array alive."""

    def __init__(self, owner: NDArray[Any]) -> None:
        self.owner = owner
        address, _ = owner.__array_interface__["data"]
        self.__array_interface__ = {**owner.__array_interface__, "data": (address, False)}


def lent(values: NDArray[Any]) -> NDArray[Any]:
    """Return the same memory as an array that kernels are compiled for. They do not write to it."""
    return values if values.flags.writeable else np.asarray(_Borrowed(values))


def given(values: NDArray[Any]) -> NDArray[Any]:
    """Return a copy that cannot be written to, and that nobody else looks at.

    NumPy then says itself where a stage writes to what it reads. Whatever gets past that (the flag can be
    turned back) changes the copy and nothing else.
    """
    copy = np.array(values, order="C")
    copy.setflags(write=False)
    return copy

"""Where a row stands in its file, as a person finds it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

RowPlace = Callable[[int], str]


def moved(place: RowPlace, rows: NDArray[np.intp]) -> RowPlace:
    """Return the places of a table whose row n was row rows[n]."""
    return lambda n: place(int(rows[n]))

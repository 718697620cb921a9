"""Arrow columns as numpy arrays, by their buffers.

Arrow's own ways there (`to_numpy`, `pa.scalar`) import pandas on first use, which takes
longer than a whole load.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def in_one_piece(column: pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    joined = column.combine_chunks()
    if not isinstance(joined, pa.ChunkedArray):
        return joined
    return joined.chunk(0) if joined.num_chunks else pa.nulls(0, joined.type)


def int64_of(column: pa.Array) -> NDArray[np.int64]:
    """Return integers, int64[N]; 0 where null."""
    values = column.cast(pa.int64())
    return np.where(
        nulls_of(values), 0, np.frombuffer(values.buffers()[1], np.int64, len(values), 8 * values.offset)
    )


def float64_of(column: pa.Array) -> NDArray[np.float64]:
    """Return numbers, float64[N]; NaN where null. ArrowInvalid if one has no float64 of its value."""
    values = column.cast(pa.float64())
    numbers = np.frombuffer(values.buffers()[1], np.float64, len(values), 8 * values.offset)
    return np.where(nulls_of(values), np.nan, numbers) if values.null_count else numbers


def nulls_of(column: pa.Array) -> NDArray[np.bool_]:
    """Say where a column is null, bool[N]."""
    if not column.null_count:
        return np.zeros(len(column), np.bool_)
    bytes_ = column.is_null().cast(pa.uint8())
    return np.frombuffer(bytes_.buffers()[1], np.uint8, len(bytes_), bytes_.offset).astype(np.bool_)

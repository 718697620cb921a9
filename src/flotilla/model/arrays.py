"""The arrays that everybody speaks of, by what is in them."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Stamps = NDArray[np.int64]  # times, ns UTC
Flags = NDArray[np.bool_]
Bytes = NDArray[np.uint8]

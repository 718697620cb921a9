"""What a strategy may say: strength in [-1, 1], or NaN for no opinion.

It is checked where somebody's Python returns, once for a whole array. Expressions are not checked: they run
in every lane of a sweep, and there `kernel/fuse.py` counts what is beyond as a full opinion.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import StageError
from flotilla.kernel.portfolio import Floats
from flotilla.stage.expression import Node


def check_opinions(root: Node, said: Floats, ts: NDArray[np.int64], instruments: Sequence[str]) -> None:
    """Raise StageError, with time and instrument, where a Window or Fold that is a strategy says too much.

    root: the strategy; said: float64[T, I], its opinions; ts: int64[T], ns UTC, of the bars.
    """
    if root.op != "stage":
        return
    wrong = np.argwhere(np.abs(said) > 1.0)
    if len(wrong):
        t, i = wrong[0]
        more = f" ({len(wrong):,} such)" if len(wrong) > 1 else ""
        raise StageError(
            type(root.params[0]).__name__,
            f"it says {said[t, i]:g}, and an opinion is between -1 and 1, or NaN for none{more}",
            int(ts[t]),
            instruments[i],
        )

"""What a strategy may say: strength in [-1, 1], or NaN for no signal.

It is checked where somebody's Python returns, once for a whole array. Expressions are not checked: they run
in every lane of a sweep, and there `kernel/fuse.py` counts what is beyond as a full signal.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import StageError
from flotilla.model.arrays import Floats
from flotilla.stage.expression import Node


def check_signals(root: Node, said: Floats, ts: NDArray[np.int64], instruments: Sequence[str]) -> None:
    """Raise StageError, with time and instrument, where a Window or Fold that is a strategy says too much.

    root: the strategy; said: float64[T, I], its signals; ts: int64[T], ns UTC, of the bars.
    """
    stage = user_stage(root)
    if stage is None:
        return
    wrong = np.argwhere(np.abs(said) > 1.0)
    if len(wrong):
        t, i = wrong[0]
        more = f" ({len(wrong):,} such)" if len(wrong) > 1 else ""
        raise StageError(
            type(stage).__name__,
            f"it says {said[t, i]:g}, and a signal is between -1 and 1, or NaN for none{more}",
            int(ts[t]),
            instruments[i],
        )


def user_stage(root: Node) -> Any:
    """Return the Window or Fold whose output a tree is, with nothing in between; None where there is none."""
    node = root.inputs[0] if root.op == "output" else root
    return node.params[0] if node.op == "stage" else None


def outputs_of(stage: Any, said: Any, shape: tuple[int, ...]) -> Floats:
    """Return what a stage gave as float64 of its own, [*shape]; of several outputs [*shape, K].

    said: numbers; of several outputs an array for each, in their order. StageError where it is not that.
    """
    names = stage.outputs
    if len(names) == 1:
        return numbers(stage, said, shape)
    if not isinstance(said, tuple | list) or len(said) != len(names):
        got = f"{len(said)} of them" if isinstance(said, tuple | list) else type(said).__name__
        wanted = f"a tuple of {len(names)} arrays: {', '.join(names)}"
        raise StageError(
            type(stage).__name__, f"gave {got}, and has {len(names)} outputs; it must give {wanted}"
        )
    return np.stack([numbers(stage, part, shape) for part in said], axis=-1)


def numbers(stage: Any, said: Any, shape: tuple[int, ...]) -> Floats:
    """Return what a stage gave as float64 of its own; StageError if that is not a number for each cell.

    Truth values and whole numbers are numbers: a comparison is 1 or 0. Texts, complex numbers, times, None
    and other objects are not. shape: [T, I] of rows and instruments, or [I] of one bar.
    """
    name = type(stage).__name__
    if isinstance(said, np.ma.MaskedArray):
        raise StageError(name, "gave a masked array; fill it first, x.filled(np.nan)")
    try:
        values = np.asarray(said)
    except ValueError as error:
        raise StageError(name, f"gave rows of several lengths for {_wanted(shape)}, {shape}") from error
    if values.dtype.kind not in "fiub":
        raise StageError(name, f"gave {_told(said, values)}; it must give numbers, nan for no signal")
    if values.shape != shape:
        got = str(values.shape) if values.ndim else f"one number, {said!r},"
        raise StageError(name, f"gave {got} for {_wanted(shape)}, {shape}")
    return np.array(values, np.float64, order="C")


def _wanted(shape: tuple[int, ...]) -> str:
    rows = f"{shape[0]} rows of " if len(shape) == 2 else ""
    return f"{rows}{shape[-1]} instruments; it must give one number for each"


def _told(said: Any, values: NDArray[Any]) -> str:
    """Return what came in words: the first of it that is no number, and its type."""
    odd = (x for x in values.ravel().tolist() if not isinstance(x, bool | int | float))
    first = next(odd, said)
    return f"{first!r}" if first is None else f"{first!r}, a {type(first).__name__}"

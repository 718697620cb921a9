"""A Window: a stage with no memory of its own, whose every row depends on the last `lookback` rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from flotilla.stage.expression import Node, as_node, field

Floats = NDArray[np.float64]


class Stage:
    """What Window and Fold have in common: what they read, and a life around it.

    `__init__` only remembers its parameters, so that a stage can be built, printed and sent elsewhere; what
    needs a disk or a device is taken in `open` and given back in `close`.
    """

    inputs: tuple[str | Node, ...] = ("close",)

    def __repr__(self) -> str:
        """Return the class and what was given to it: the stage's text in identities and plans."""
        given = ", ".join(f"{k}={v!r}" for k, v in sorted(vars(self).items()) if not k.startswith("_"))
        return f"{type(self).__name__}({given})"

    def open(self) -> None:
        """Load what the stage needs. Called once, in the process that will run it."""

    def close(self) -> None:
        """Free what `open` took."""


class Window(Stage):
    """A stage with no memory: each output row depends on the last `lookback` rows."""

    lookback: int = 1

    def over(self, *inputs: Floats) -> Floats:
        """Return one output row for each input row; NaN until the window is full.

        inputs: float64[T, I] each -> float64[T, I]. Research hands in years, live the last `lookback` rows,
        and what is said of a row must be the same bits: sum each window by itself, let nothing run along.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what it computes: give it an over()")


def stage_node(stage: Any) -> Node:
    """Return a Window or Fold as a node of an expression."""
    inputs = tuple(field(i) if isinstance(i, str) else as_node(i) for i in stage.inputs)
    return Node("stage", (stage,), inputs)

"""A Fold: a stage with a state, which travels with it. `OnBar` is one written a bar at a time."""

from typing import Any, ClassVar, NoReturn

import numpy as np

from flotilla.errors import StageError, nearest
from flotilla.model.arrays import Floats
from flotilla.model.panel import FIELDS
from flotilla.stage.signal import outputs_of
from flotilla.stage.window import Stage, named_inputs


class RowFailed(Exception):
    """A row could not be answered. row: which of those handed in; cause: why."""

    def __init__(self, row: int, cause: Exception) -> None:
        super().__init__(row, cause)
        self.row, self.cause = row, cause


class Fold(Stage):
    """A stage with a state: rows in, rows out, and the state moves on."""

    warm_up: int = (
        1  # rows needed for its first signal, as far as the author knows; only told, never relied on
    )

    def start(self, instruments: int) -> Any:  # noqa: ARG002 an author's own reads them
        """Return the state before the first row: an array, or a dict, list or tuple of arrays and numbers.

        It is all the stage may remember. It is written down at checkpoints, so it can hold nothing else.
        """
        raise StageError(type(self).__name__, "it has no state to begin with: give it a start()")

    def advance(self, state: Any, *inputs: Floats) -> Any:  # noqa: ARG002 an author's own reads them
        """Return one output row for each input row, and move `state` on, in place.

        inputs: float64[n, I] each, n >= 1 rows of any chunk -> float64[n, I]; of several outputs a tuple of
        these. Any split of the rows must give the same bits.
        """
        raise StageError(type(self).__name__, "it does not say how it moves on: give it an advance()")


class Row:
    """One bar, as `on_bar` sees it: an attribute for each input, float64[I]."""

    def __init__(self, names: tuple[str, ...], values: tuple[Floats, ...]) -> None:
        self.__dict__.update(zip(names, values, strict=True))

    def __getattr__(self, name: str) -> NoReturn:
        names = tuple(vars(self))
        if name in FIELDS:
            raise AttributeError(f"the bar has no {name!r}: name it, inputs = {(*names, name)}")
        raise AttributeError(f"the bar has no {name!r}{nearest(name, names)}")

    def __getitem__(self, at: Any) -> NoReturn:
        name = at if isinstance(at, str) else next(iter(vars(self)), "close")
        raise TypeError(f"the bar is read as bar.{name}, a value for each instrument, and not as bar[{at!r}]")


class OnBar(Fold):
    """A Fold in plain Python: `on_bar(state, bar)` says its signal for each instrument.

    Slower than the others by a Python call a bar, and the same in every other way.
    """

    by_name: ClassVar[bool] = True

    def on_bar(self, state: Any, bar: Any) -> Any:  # noqa: ARG002 an author's own reads them
        """Return the signal, float64[I], in [-1, 1]; of several outputs a tuple of arrays, float64[I] each.

        bar.close (and the other inputs): float64[I], read-only.

        A field has its own name; an expression among the inputs has the one that it is given:
        `inputs = {"close": close, "fast": sma(close, 5)}` is read as bar.close and bar.fast.
        """
        raise StageError(type(self).__name__, "it gives no signal: give it an on_bar()")

    def advance(self, state: Any, *inputs: Floats) -> Any:
        """Return on_bar of each row."""
        names = tuple(name for name, _ in named_inputs(self))
        rows = []
        for t, bar in enumerate(zip(*inputs, strict=True)):
            try:
                # A copy: it may well be the state itself that on_bar returns, and the next bar moves it on.
                rows.append(outputs_of(self, self.on_bar(state, Row(names, bar)), bar[0].shape))
            except Exception as error:
                raise RowFailed(t, error) from error
        said = np.asarray(rows)
        return said if len(self.outputs) == 1 else tuple(np.moveaxis(said, -1, 0))

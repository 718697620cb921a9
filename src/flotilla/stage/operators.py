"""The operators that expressions are made of, as a table: what each needs, remembers and computes.

An operator with a memory is a *bank*: one operator over the same inputs with W sets of parameters, advanced
together. `start` makes its state, a dict of arrays (which is what is checkpointed); `advance` takes the next rows
of its inputs, float64[n, I] each, and writes float64[n, I, W]. Operators without a memory are codes of
`kernel.elementwise`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel import rolling
from flotilla.kernel.elementwise import BINARY, UNARY
from flotilla.kernel.portfolio import Floats
from flotilla.stage.expression import Node, as_node

State = dict[str, NDArray[Any]]
Parameters = Mapping[str, NDArray[Any]]  # name -> one value a set, int64[W] or float64[W]


class Operator(NamedTuple):
    """An operator with a memory."""

    parameters: tuple[str, ...]
    warm_up: Callable[..., int]  # rows needed for the first value, from one set of parameters
    start: Callable[[Parameters, int, Floats], State]  # parameters, instruments, ticks per unit: float64[I]
    advance: Callable[[State, tuple[Floats, ...], Floats], None]  # state, inputs, out


def with_history(state: State, x: Floats) -> Floats:
    """Return the rows kept from before, then x; and keep the last of them for next time."""
    recent = np.concatenate([state["recent"], x])
    state["recent"] = recent[len(x) :].copy()
    return recent


def start_rolling(parameters: Parameters, instruments: int, ticks: Floats) -> State:
    """Return the state of a bank of rolling windows that has seen nothing."""
    windows = parameters["n"].astype(np.int64)
    shape = (instruments, len(windows))
    return {
        "windows": windows,
        "ticks": ticks,
        "recent": np.full((int(windows.max()), instruments), np.nan),
        "total": np.zeros(shape),
        "error": np.zeros(shape),
        "missing": np.broadcast_to(windows, shape).copy(),
    }


def advance_mean(state: State, inputs: tuple[Floats, ...], out: Floats) -> None:
    """Average each window: the exact sum of ticks, divided once, so that equal averages are equal."""
    recent = with_history(state, inputs[0])
    rolling.roll_sum(
        recent, state["windows"], state["ticks"], state["total"], state["error"], state["missing"], out
    )
    rolling.divide(out, state["windows"], state["ticks"])


OPERATORS: dict[str, Operator] = {
    "sma": Operator(("n",), lambda n: n, start_rolling, advance_mean),
}
ELEMENTWISE = (*BINARY, *UNARY, "where")


def sma(x: Node, n: int) -> Node:
    """Return the mean of the last `n` rows; NaN before there are n. Exact where the tick is known."""
    return Node("sma", (n,), (as_node(x),))


def where(condition: Node, a: Node | float, b: Node | float) -> Node:
    """Return `a` where the condition is true (not 0), `b` where it is 0, NaN where it is NaN."""
    return Node("where", (), (as_node(condition), as_node(a), as_node(b)))

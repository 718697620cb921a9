"""A Window: a stage with no memory of its own, whose every row depends on the last `lookback` rows."""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from flotilla.errors import StageError, UnknownName
from flotilla.model.arrays import Floats
from flotilla.stage.expression import Column, NeedsOneValue, Node, as_node, field
from flotilla.words import cut

_METHODS = ("open", "close", "over", "start", "advance", "on_bar")
Inputs = tuple[str | Node, ...] | Mapping[str, str | Node]


class Stage:
    """What Window and Fold have in common: what they read, and a life around it.

    `__init__` only remembers its parameters, so that a stage can be built, printed and sent elsewhere; what
    needs a disk or a device is taken in `open` and given back in `close`. What it is handed is read-only.
    """

    inputs: Inputs = ("close",)  # fields and expressions; or a dict, which gives each a name
    outputs: tuple[str, ...] = ("signal",)  # of several each is an expression: stage["slope"] > 0
    by_name: ClassVar[bool] = False  # are they read by their names, or in their order

    def __repr__(self) -> str:
        """Return the class and what was given to it: the stage's text in identities and plans."""
        given = ", ".join(f"{k}={v!r}" for k, v in sorted(vars(self).items()) if not k.startswith("_"))
        return f"{type(self).__name__}({given})"

    def __getitem__(self, name: Any) -> Node:
        """Return one of its outputs as an expression; all of them are computed together, once."""
        _check_outputs(self)
        if name not in self.outputs:
            raise UnknownName(f"output of {type(self).__name__}", str(name), self.outputs)
        return outputs(_node_of(self))[self.outputs.index(name)]

    def open(self) -> None:
        """Load what the stage needs. Called once, in the process that will run it."""

    def close(self) -> None:
        """Free what `open` took."""


class Window(Stage):
    """A stage with no memory: each output row depends on the last `lookback` rows."""

    lookback: int = 1

    def over(self, *inputs: Floats) -> Any:  # noqa: ARG002 an author's own reads them
        """Return one output row for each input row; NaN until the window is full.

        inputs: float64[T, I] each -> float64[T, I]; of several outputs a tuple of these. Research hands in
        years, live the last `lookback` rows, and what is said of a row must be the same bits: sum each window
        by itself, let nothing run along.
        """
        raise StageError(type(self).__name__, "it computes nothing: give it an over()")


def stage_node(stage: Any) -> Node:
    """Return a Window or Fold as a node of an expression; StageError if it cannot be one, or is several."""
    _check_outputs(stage)
    if len(stage.outputs) > 1:
        names = ", ".join(stage.outputs)
        raise StageError(
            type(stage).__name__,
            f"it has the outputs {names}: an expression takes one, as {type(stage).__name__}(...)"
            f"[{stage.outputs[0]!r}]",
        )
    return _node_of(stage)


def _node_of(stage: Any) -> Node:
    """Return a Window or Fold with all its outputs as a node."""
    for name in ("lookback", "warm_up"):
        _check_rows(stage, name)
    for name in _METHODS:
        _check_method(stage, name)
    reads = named_inputs(stage)
    for name, node in reads:
        if stage.by_name and not name.isidentifier():
            raise StageError(
                type(stage).__name__,
                f"its input {node!r} has no name to read it by; name all inputs in a dict: "
                f'inputs = {{"my_name": {node!r}}} is read as bar.my_name',
            )
    return Node("stage", (stage,), tuple(node for _, node in reads))


def outputs(node: Node) -> list[Node]:
    """Return the outputs of a stage's node, an expression each."""
    count = len(node.params[0].outputs)
    return [node] if count == 1 else [Node("output", (k,), (node,)) for k in range(count)]


def _check_outputs(stage: Any) -> None:
    """Raise StageError unless its outputs are names, each once."""
    names = stage.outputs
    if (
        not isinstance(names, tuple)
        or not names
        or len({*names}) < len(names)
        or not all(isinstance(name, str) and name.isidentifier() for name in names)
    ):
        raise StageError(
            type(stage).__name__,
            f'its outputs are {names!r}, and should be names, each once, as ("slope", "spread")',
        )


def named_inputs(stage: Any) -> list[tuple[str, Node]]:
    """Return what a stage reads with its name: its key in a dict, else a field's; "" where it has none."""
    inputs = stage.inputs
    if isinstance(inputs, Mapping):
        return [(str(name), _input(value)) for name, value in inputs.items()]
    nodes = [_input(value) for value in ((inputs,) if isinstance(inputs, str | Node) else inputs)]
    return [(str(node.params[0]) if node.op == "field" else "", node) for node in nodes]


def _input(value: Any) -> Node:
    return field(value) if isinstance(value, str) else as_node(value)


def _check_method(stage: Any, name: str) -> None:
    """Raise StageError if a value stands where a method is called."""
    value = getattr(stage, name, None)
    if hasattr(type(stage), name) and not callable(value):
        raise StageError(
            type(stage).__name__,
            f"its {name} is {cut(value)}, and {name}() is a method of every such stage: call the parameter "
            f"otherwise, as in self.{name}_ = {name}",
        )


def _check_rows(stage: Any, name: str) -> None:
    """Raise StageError if an attribute that counts rows does not."""
    rows = getattr(stage, name, 1)
    if isinstance(rows, Column):
        raise NeedsOneValue(f"a stage's {name} is one number")
    if isinstance(rows, bool) or not isinstance(rows, int | np.integer) or rows < 1:
        raise StageError(
            type(stage).__name__, f"its {name} is {rows!r}, and should be a whole number of rows, 1 or more"
        )

"""Expressions: trees of causal operators, written like arithmetic.

    sma(close, 10) > sma(close, 30)

A tree says what to compute and computes nothing. No operator looks ahead, so look-ahead cannot be written.
Equal trees are one object, so what two strategies share is computed once. A parameter may be a `Column`, one
value for each portfolio of a sweep: then the tree stands for as many expressions, and is still built once.

Before an operator has seen enough rows, and where an input is not a number, it says NaN: not known. (Those
that carry an answer along repeat it instead; each says so.) In a signal NaN means no opinion (keep what you
have), and 0 means be flat.
"""

import weakref
from collections.abc import Iterator
from typing import Any, ClassVar, Union

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError

Scalar = Union[int, float]  # noqa: UP007  (evaluated at run time, in annotations of plugins)


class NeedsOneValue(ConfigError):
    """A strategy asked a swept parameter for its value, which differs from portfolio to portfolio."""


class Column:
    """A parameter that is swept: one value for each portfolio. values: float64[P] or int64[P].

    It may be used where a number may, and computed with (`2 * slow + 1`), but not asked whether it is true or
    equal, nor turned into an int or a text: for that there is no one answer. A strategy that does ask is
    built once for each value.
    """

    __slots__ = ("__weakref__", "values")

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def _asked(self, *_: Any) -> Any:
        raise NeedsOneValue("a swept parameter has many values")

    __bool__ = __int__ = __float__ = __index__ = __str__ = __format__ = _asked
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _asked
    __hash__ = object.__hash__

    def _with(self, other: Any, ufunc: np.ufunc, swap: bool = False) -> "Column":
        if isinstance(other, Node):
            return NotImplemented  # type: ignore[no-any-return]  # then the node is asked
        value = other.values if isinstance(other, Column) else other
        return Column(np.asarray(ufunc(value, self.values) if swap else ufunc(self.values, value)))

    def __add__(self, other: Any) -> "Column":
        return self._with(other, np.add)

    def __radd__(self, other: Any) -> "Column":
        return self._with(other, np.add, swap=True)

    def __sub__(self, other: Any) -> "Column":
        return self._with(other, np.subtract)

    def __rsub__(self, other: Any) -> "Column":
        return self._with(other, np.subtract, swap=True)

    def __mul__(self, other: Any) -> "Column":
        return self._with(other, np.multiply)

    def __rmul__(self, other: Any) -> "Column":
        return self._with(other, np.multiply, swap=True)

    def __truediv__(self, other: Any) -> "Column":
        return self._with(other, np.divide)

    def __rtruediv__(self, other: Any) -> "Column":
        return self._with(other, np.divide, swap=True)

    def __floordiv__(self, other: Any) -> "Column":
        return self._with(other, np.floor_divide)

    def __neg__(self) -> "Column":
        return Column(-self.values)


Parameter = Any  # int | float | str | Column, or a stage object for the nodes that carry one


class Node:
    """One operator over its inputs. Build it with the functions of `flotilla.stage.operators`."""

    __slots__ = ("__weakref__", "inputs", "op", "params", "swept")

    op: str
    params: tuple[Parameter, ...]
    inputs: tuple["Node", ...]
    swept: bool  # does a parameter here or below differ between portfolios

    _known: ClassVar["weakref.WeakValueDictionary[tuple[Any, ...], Node]"] = weakref.WeakValueDictionary()

    def __new__(cls, op: str, params: tuple[Parameter, ...] = (), inputs: tuple["Node", ...] = ()) -> "Node":
        """Return the one node that there is of these."""
        key = (op, tuple((type(p), p) for p in params), inputs)
        node = cls._known.get(key)
        if node is None:
            node = super().__new__(cls)
            node.op, node.params, node.inputs = op, params, inputs
            node.swept = any(isinstance(p, Column) for p in params) or any(i.swept for i in inputs)
            cls._known[key] = node
        return node

    def __repr__(self) -> str:
        params = [_spell(p) for p in self.params]
        if self.op in ("field", "const"):
            return params[0]
        if self.op in _SIGNS:
            return f" {_SIGNS[self.op]} ".join(_bracketed(i) for i in self.inputs)
        return f"{self.op}({', '.join([*map(repr, self.inputs), *params])})"

    def __bool__(self) -> bool:
        raise ConfigError(
            f"{self!r} is an expression and has no truth value yet; write & | ~ instead of and, or, not, "
            "and where(condition, a, b) instead of if"
        )

    def __add__(self, other: Any) -> "Node":
        return Node("add", (), (self, as_node(other)))

    def __radd__(self, other: Any) -> "Node":
        return Node("add", (), (as_node(other), self))

    def __sub__(self, other: Any) -> "Node":
        return Node("sub", (), (self, as_node(other)))

    def __rsub__(self, other: Any) -> "Node":
        return Node("sub", (), (as_node(other), self))

    def __mul__(self, other: Any) -> "Node":
        return Node("mul", (), (self, as_node(other)))

    def __rmul__(self, other: Any) -> "Node":
        return Node("mul", (), (as_node(other), self))

    def __truediv__(self, other: Any) -> "Node":
        return Node("div", (), (self, as_node(other)))

    def __rtruediv__(self, other: Any) -> "Node":
        return Node("div", (), (as_node(other), self))

    def __neg__(self) -> "Node":
        return Node("neg", (), (self,))

    def __abs__(self) -> "Node":
        return Node("magnitude", (), (self,))

    def __gt__(self, other: Any) -> "Node":
        return Node("gt", (), (self, as_node(other)))

    def __ge__(self, other: Any) -> "Node":
        return Node("ge", (), (self, as_node(other)))

    def __lt__(self, other: Any) -> "Node":
        return Node("lt", (), (self, as_node(other)))

    def __le__(self, other: Any) -> "Node":
        return Node("le", (), (self, as_node(other)))

    def __and__(self, other: Any) -> "Node":
        return Node("both", (), (self, as_node(other)))

    def __or__(self, other: Any) -> "Node":
        return Node("either", (), (self, as_node(other)))

    def __invert__(self) -> "Node":
        return Node("negate", (), (self,))


_SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "both": "&",
    "either": "|",
}


def _bracketed(node: Node) -> str:
    return f"({node!r})" if node.op in _SIGNS else repr(node)


def as_node(value: Any) -> Node:
    """Return `value` as a node: a node as it is, a number or a swept parameter as a constant."""
    if isinstance(value, Node):
        return value
    if isinstance(value, Column):
        return Node("const", (value,))
    if isinstance(value, (bool, int, float, np.integer, np.floating)):
        return Node("const", (float(value),))
    raise ConfigError(
        f"an expression is made of operators and numbers, not of {type(value).__name__}: {value!r}"
    )


def field(name: str) -> Node:
    """Return the node of a field of the market's bars: close, open, high, low or volume."""
    return Node("field", (name,))


def walk(roots: list[Node]) -> Iterator[Node]:
    """Yield every node below the roots once, inputs before what reads them."""
    seen: set[int] = set()
    stack: list[tuple[Node, bool]] = [(root, False) for root in reversed(roots)]
    while stack:
        node, ready = stack.pop()
        if id(node) in seen:
            continue
        if ready:
            seen.add(id(node))
            yield node
        else:
            stack.append((node, True))
            stack.extend((i, False) for i in reversed(node.inputs))


def _spell(param: Parameter) -> str:
    """Return a parameter as it stands in the text, and so in the identity, of a node."""
    if isinstance(param, Column):
        return f"<{len(param.values)} values>"
    return param if isinstance(param, str) else repr(param)


close = field("close")
open_ = field("open")
high = field("high")
low = field("low")
volume = field("volume")

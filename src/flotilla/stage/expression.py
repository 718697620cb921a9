"""Expressions: trees of causal operators, written like arithmetic.

    sma(close, 10) > sma(close, 30)

A tree says what to compute and computes nothing. No operator looks ahead, so look-ahead cannot be written.
Equal trees are one object, so what two strategies share is computed once; whether two trees are the same is
asked with `is`, for `==` is an operator as `>` is. A parameter may be a `Column`, one value for each
portfolio of a sweep: then the tree stands for as many expressions, and is still built once.

Before an operator has seen enough rows, and where an input is not a number, it says NaN: not known. (Those
that carry an answer along repeat it instead; each says so.) A signal of NaN means "leave it", 0 "be flat".
"""

import sys
import weakref
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, NoReturn, Union

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError, nearest
from flotilla.model.panel import FIELDS
from flotilla.stage.foreign import FUNCTIONS, UFUNCS, instead, truth_instead
from flotilla.words import cut

CALENDAR = "calendar "  # begins the names of its fields: a column of the data may be called month, too
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
    __array_ufunc__ = None  # np.float64(3) * n is ours to answer, and np.log(n) for one value at a time

    def __init__(self, values: NDArray[Any]) -> None:
        self.values = values

    def _asked(self, *_: Any) -> Any:
        raise NeedsOneValue("a swept parameter has many values")

    def _compared(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Node) else self._asked()  # then the node is asked

    __bool__ = __int__ = __float__ = __index__ = __str__ = __format__ = _asked
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _compared
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
        # By identity throughout: a dict asks == of keys that collide, and == of nodes is an operator.
        key = (op, tuple(map(_identified, params)), tuple(map(id, inputs)))
        node = cls._known.get(key)
        if node is None:
            node = super().__new__(cls)
            node.op, node.params, node.inputs = op, params, inputs
            node.swept = any(isinstance(p, Column) for p in params) or any(i.swept for i in inputs)
            cls._known[key] = node
        return node

    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how a copy is made: it is the node itself."""
        return Node, (self.op, self.params, self.inputs)

    def __repr__(self) -> str:
        return written(self)

    def __bool__(self) -> bool:
        raise ConfigError(
            f"{self!r} is an expression and has no truth value yet; write {truth_instead(sys._getframe(1))}"
        )

    def _no_number(self, *_: Any) -> NoReturn:
        raise ConfigError(
            f"{self!r} is an expression and no number yet; write abs, log, exp, sqrt, maximum and minimum of "
            "flotilla.stage instead of those of math, and x // 1 instead of int(x)"
        )

    __int__ = __float__ = __complex__ = __index__ = __array__ = _no_number

    def _no_rows(self, *_: Any) -> NoReturn:
        raise ConfigError(
            f"{self!r} is an expression, and has no rows to count or to go through yet; operators go through "
            "them, and an OnBar is handed one bar after the other"
        )

    __len__ = __iter__ = __contains__ = __reversed__ = _no_rows

    def __getitem__(self, at: Any) -> NoReturn:
        raise ConfigError(f"{self!r} cannot be asked for [{at!r}]{_row_instead(self, at)}")

    def __round__(self, digits: Any = None) -> NoReturn:
        raise ConfigError(f"round({self!r}) is not known here{instead('round')}")

    def __floor__(self) -> "Node":
        return self // 1

    def __ceil__(self) -> "Node":
        return -(-self // 1)

    def __getattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"an expression has no {name!r}{instead(name)}")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> "Node":
        if ufunc not in UFUNCS or method != "__call__" or options:
            raise ConfigError(_not_ours(ufunc.__name__))
        return Node(UFUNCS[ufunc], (), tuple(map(as_node, inputs)))

    def __array_function__(self, function: Any, _: Any, inputs: Any, options: Any) -> "Node":
        if function not in FUNCTIONS or options or len(inputs) != 3:
            raise ConfigError(_not_ours(function.__name__))
        return Node(FUNCTIONS[function], (), tuple(map(as_node, inputs)))

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

    def __floordiv__(self, other: Any) -> "Node":
        return Node("floordiv", (), (self, as_node(other)))

    def __rfloordiv__(self, other: Any) -> "Node":
        return Node("floordiv", (), (as_node(other), self))

    def __mod__(self, other: Any) -> "Node":
        return Node("mod", (), (self, as_node(other)))

    def __rmod__(self, other: Any) -> "Node":
        return Node("mod", (), (as_node(other), self))

    def __pow__(self, other: Any) -> "Node":
        return Node("power", (), (self, as_node(other)))

    def __rpow__(self, other: Any) -> "Node":
        return Node("power", (), (as_node(other), self))

    def __pos__(self) -> "Node":
        return self

    def __neg__(self) -> "Node":
        return Node("neg", (), (self,))

    def __abs__(self) -> "Node":
        return Node("magnitude", (), (self,))

    def __eq__(self, other: Any) -> "Node":  # type: ignore[override]  # an operator, like >
        return Node("eq", (), (self, as_node(other)))

    def __ne__(self, other: Any) -> "Node":  # type: ignore[override]
        return Node("ne", (), (self, as_node(other)))

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

    def __rand__(self, other: Any) -> "Node":
        return Node("both", (), (as_node(other), self))

    def __or__(self, other: Any) -> "Node":
        return Node("either", (), (self, as_node(other)))

    def __ror__(self, other: Any) -> "Node":
        return Node("either", (), (as_node(other), self))

    def __invert__(self) -> "Node":
        return Node("negate", (), (self,))


def _identified(param: Parameter) -> tuple[Any, ...]:
    """Return what tells a parameter from any other: a number or a text by itself, an object as that one."""
    if isinstance(param, float):
        return float, repr(param)  # 0.0 == -0.0, and nan is not equal to itself
    return (type(param), param) if isinstance(param, str | int) else (type(param), id(param))


def _not_ours(name: str) -> str:
    return f"np.{name} cannot compute with an expression{instead(name)}"


def _row_instead(node: Node, at: Any) -> str:
    """Return what says what [at] was to say, as the end of a message."""
    if isinstance(at, str):
        return f': of("{at}", {node!r}) is that of one instrument, for all'
    if isinstance(at, int) and at < 0:
        return f": delay({node!r}, {-at}) is that of {-at} rows ago, and {node!r} by itself that of this row"
    if isinstance(at, int) and at > 0:
        return f": rows to come are not known; delay({node!r}, {at}) is that of {at} rows ago"
    return f": {node!r} by itself is that of each row, delay({node!r}, n) that of n rows ago"


_SIGNS = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "div": "/",
    "floordiv": "//",
    "mod": "%",
    "power": "**",
    "eq": "==",
    "ne": "!=",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
    "both": "&",
    "either": "|",
}
_BEFORE = {"neg": "-", "negate": "~"}
_NAMES = {"open": "open_"}  # fields whose word is not their name


def written(node: Node) -> str:
    """Return a tree as one writes it."""
    inputs, params = node.inputs, [_spell(p) for p in node.params]
    if node.op == "field":
        name = params[0].removeprefix(CALENDAR)
        plain = name in FIELDS or name != params[0]
        return _NAMES.get(name, name) if plain else f'field("{name}")'
    if node.op == "const":
        return params[0]
    if node.op in _SIGNS:
        return f" {_SIGNS[node.op]} ".join(_bracketed(i, node.op == "power") for i in inputs)
    if node.op in _BEFORE:
        return _BEFORE[node.op] + _bracketed(inputs[0], True)
    if node.op == "named":
        return f'named("{params[0]}")'
    if node.op == "of":
        return f'of("{params[0]}", {inputs[0]!r})'
    if node.op == "output":
        stage = inputs[0].params[0]
        return f"{inputs[0]!r}[{stage.outputs[node.params[0]]!r}]"
    if node.op == "ema":
        params[1:] = [f'start="{params[1]}"'] if params[1] != "first" else []
    return f"{'abs' if node.op == 'magnitude' else node.op}({', '.join([*map(repr, inputs), *params])})"


def _bracketed(node: Node, tight: bool) -> str:
    """Return a tree as an input of a sign; tight: of one that binds closer than a minus before it."""
    text = repr(node)
    return f"({text})" if node.op in _SIGNS or (tight and text[0] in "-~") else text


def as_node(value: Any) -> Node:
    """Return `value` as a node: a node as it is, a number or a swept parameter as a constant."""
    if isinstance(value, Node):
        return value
    if isinstance(value, Column):
        return Node("const", (value,))
    if isinstance(value, (bool, int, float, np.integer, np.floating, np.bool_)):
        return Node("const", (float(value),))
    if isinstance(value, np.ndarray) and value.ndim == 0 and value.dtype.kind in "biuf":
        return Node("const", (float(value),))
    raise ConfigError(
        f"an expression is made of operators and numbers, not of {type(value).__name__}: {cut(value)}; "
        + (
            f"{value} is a word, without quotes"
            if isinstance(value, str) and value in FIELDS
            else 'values of your own are a column of the data: field("name")'
        )
    )


def field(name: str) -> Node:
    """Return the node of a column of the data: close, open, high, low, volume, or any other by its name."""
    if not isinstance(name, str):
        raise ConfigError(f'a column of the data is called by its name, field("name"), not by {name!r}')
    return Node("field", (name,))


def not_there(name: str, fields: Iterable[str]) -> str:
    """Return what to say of a column that the data do not have."""
    there = sorted(known for known in fields if not known.startswith(CALENDAR))
    return f"the data has no {name}; it has {', '.join(there)}{nearest(name, there)}"


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
    if isinstance(param, float) and param.is_integer() and abs(param) < 1e15:
        return f"{param:.0f}"
    return param if isinstance(param, str) else repr(param)


close = field("close")
open_ = field("open")
high = field("high")
low = field("low")
volume = field("volume")

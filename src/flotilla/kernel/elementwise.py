"""Operators without memory: one value out for the values in at the same time and instrument.

An operator is one function of numbers, declared here by `@binary`, `@comparison` or `@unary`, which put the
loop around it. Its code is its place in this file. Each loop works on `width` columns of its arrays,
float64[N, *], from a column of each on: so a block of portfolios reads its neighbouring features where they
lie. `apply` picks one by its code. Research and live, a chunk of one instrument and a block of portfolios,
all go through these, so that even `exp` gives the same bits everywhere. NaN in gives NaN out, for comparisons
and logic too: where a number is not known yet, neither is what it compares to.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.model.arrays import Floats

Loop = Callable[..., None]  # (a, ca, b, cb, out, co, width); a unary one looks at `a` only
_BINARY: dict[str, Loop] = {}
_UNARY: dict[str, Loop] = {}
_ONE: dict[str, Loop] = {}  # comparisons whose first input is the same for all columns


def binary(scalar: Callable[[float, float], float]) -> Loop:
    """Return the loop of an operator with two inputs."""
    value = compiled(scalar)

    def loop(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
        for i in range(out.shape[0]):
            for p in range(np.uint64(width)):
                out[i, np.uint64(co) + p] = value(a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p])

    _BINARY[scalar.__name__] = made = compiled_apart(_called(loop, scalar.__name__))
    return made


def unary(scalar: Callable[[float], float]) -> Loop:
    """Return the loop of an operator with one input. It takes a second, so that all are called alike."""
    value = compiled(scalar)

    def loop(a: Floats, ca: int, _b: Floats, _cb: int, out: Floats, co: int, width: int) -> None:
        for i in range(out.shape[0]):
            for p in range(np.uint64(width)):
                out[i, np.uint64(co) + p] = value(a[i, np.uint64(ca) + p])

    _UNARY[scalar.__name__] = made = compiled_apart(_called(loop, scalar.__name__))
    return made


def comparison(scalar: Callable[[float, float], float]) -> Loop:
    """Return the loop of a comparison, which has another one for one column of `a` and all of `b`."""
    value = compiled(scalar)

    def loop(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
        for i in range(out.shape[0]):
            x = a[i, np.uint64(ca)]
            for p in range(np.uint64(width)):
                out[i, np.uint64(co) + p] = value(x, b[i, np.uint64(cb) + p])

    _ONE[scalar.__name__] = compiled_apart(_called(loop, f"{scalar.__name__}_one"))
    return binary(scalar)


def _called(function: Callable[..., None], name: str) -> Callable[..., None]:
    """Give a function that is made here a name of its own, by which its compiled code is kept."""
    function.__name__ = function.__qualname__ = name
    return function


def one_of(loops: Sequence[Loop], first: int, name: str) -> Loop:
    """Return a function (op, ...) that calls the loop whose code is `op`. first: the code of the first one.

    It is written out as a chain of ifs: nested closures are compiled in three times the time.
    """
    handed, named = "a, ca, b, cb, out, co, width", {f"loop_{n}": loop for n, loop in enumerate(loops)}
    cases = [f"if op == {first + n}:\n        {loop}({handed})" for n, loop in enumerate(named)]
    text = f"def {name}(op, {handed}):\n    " + "\n    el".join(cases)
    scope: dict[str, Any] = {"__name__": __name__, **named}
    exec(compile(text, __file__, "exec"), scope)  # noqa: S102 it is made of this file's own names
    made: Loop = compiled(scope[name])
    return made


@binary
def add(x: float, y: float) -> float:
    """Return the sum."""
    return x + y


@binary
def sub(x: float, y: float) -> float:
    """Return the difference."""
    return x - y


@binary
def mul(x: float, y: float) -> float:
    """Return the product."""
    return x * y


@binary
def div(x: float, y: float) -> float:
    """Return the quotient; x / 0 is infinite, 0 / 0 NaN."""
    return x / y


@comparison
def gt(x: float, y: float) -> float:
    """Return 1 where x > y, 0 where not."""
    return (1.0 if x > y else 0.0) if x == x and y == y else np.nan


@comparison
def ge(x: float, y: float) -> float:
    """Return 1 where x >= y, 0 where not."""
    return (1.0 if x >= y else 0.0) if x == x and y == y else np.nan


@comparison
def lt(x: float, y: float) -> float:
    """Return 1 where x < y, 0 where not."""
    return (1.0 if x < y else 0.0) if x == x and y == y else np.nan


@comparison
def le(x: float, y: float) -> float:
    """Return 1 where x <= y, 0 where not."""
    return (1.0 if x <= y else 0.0) if x == x and y == y else np.nan


@binary
def eq(x: float, y: float) -> float:
    """Return 1 where x == y, 0 where not."""
    return (1.0 if x == y else 0.0) if x == x and y == y else np.nan


@binary
def ne(x: float, y: float) -> float:
    """Return 1 where x != y, 0 where not."""
    return (1.0 if x != y else 0.0) if x == x and y == y else np.nan


@binary
def both(x: float, y: float) -> float:
    """Return 1 where both are true (not 0), 0 where not."""
    return (1.0 if x != 0.0 and y != 0.0 else 0.0) if x == x and y == y else np.nan


@binary
def either(x: float, y: float) -> float:
    """Return 1 where one is true (not 0), 0 where neither is."""
    return (1.0 if x != 0.0 or y != 0.0 else 0.0) if x == x and y == y else np.nan


@binary
def minimum(x: float, y: float) -> float:
    """Return the smaller of the two."""
    return (x if x < y else y) if x == x else np.nan


@binary
def maximum(x: float, y: float) -> float:
    """Return the larger of the two."""
    return (x if x > y else y) if x == x else np.nan


@binary
def power(x: float, y: float) -> float:
    """Return x to the power y; NaN for a root of what is below 0."""
    return x**y if x == x and y == y else np.nan


@binary
def floordiv(x: float, y: float) -> float:
    """Return how many whole times y goes into x, rounded down: x // 0 is infinite, inf // x NaN."""
    return np.floor_divide(x, y) if abs(x) < np.inf and abs(y) < np.inf else np.nan


@binary
def mod(x: float, y: float) -> float:
    """Return what is left of x after whole times y, with the sign of y; x % 0 is NaN."""
    return float(np.remainder(x, y))


@unary
def neg(x: float) -> float:
    """Return the negative."""
    return -x


@unary
def magnitude(x: float) -> float:
    """Return the absolute value."""
    return abs(x)


@unary
def negate(x: float) -> float:
    """Return 1 where false (0), 0 where true."""
    return (1.0 if x == 0.0 else 0.0) if x == x else np.nan


@unary
def sign(x: float) -> float:
    """Return the sign: -1, 0 or 1."""
    return (1.0 if x > 0.0 else (-1.0 if x < 0.0 else 0.0)) if x == x else np.nan


@unary
def log(x: float) -> float:
    """Return the natural logarithm; NaN below 0."""
    return math.log(x) if x > 0.0 else (-np.inf if x == 0.0 else np.nan)


@unary
def exp(x: float) -> float:
    """Return e to the power x."""
    return math.exp(x)


@unary
def sqrt(x: float) -> float:
    """Return the square root; NaN below 0."""
    return math.sqrt(x)


@unary
def notna(x: float) -> float:
    """Return 1 where there is a number, 0 where there is none."""
    return 1.0 if x == x else 0.0


@compiled_apart
def choose(
    test: Floats, ct: int, a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int
) -> None:
    """Write `a` where `test` is true (not 0), `b` where it is 0, NaN where it is NaN."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            known = test[i, np.uint64(ct) + p]
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (x if known != 0.0 else y) if known == known else np.nan


BINARY, UNARY = tuple(_BINARY), tuple(_UNARY)
LOOPS = {**_BINARY, **_UNARY}  # each by itself, for a chunk: only what is used is compiled
CODES = {name: code for code, name in enumerate(LOOPS)}
GT, LE = CODES["gt"], CODES["le"]  # the first and the last of the comparisons

apply = one_of(tuple(LOOPS.values()), 0, "apply")
compare_one = one_of(tuple(_ONE.values()), GT, "compare_one")


@compiled
def mirrored(op: int) -> int:
    """Return the comparison that says of (b, a) what `op` says of (a, b): gt is lt, ge is le."""
    return op + 2 if op < GT + 2 else op - 2

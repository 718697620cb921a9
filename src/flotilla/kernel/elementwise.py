"""Operators without memory: one value out for the values in at the same time and instrument.

Each works on `width` columns of its arrays, float64[N, *], from a column of each on: so a block of portfolios
reads its neighbouring features where they lie. `apply` picks one by its code. Research and live, a chunk of
one instrument and a block of portfolios, all go through these, so that even `exp` gives the same bits
everywhere. NaN in gives NaN out, for comparisons and logic too: where a number is not known yet, neither is
what it compares to.
"""

import math
from collections.abc import Callable

import numpy as np

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.model.arrays import Floats

BINARY = (
    *("add", "sub", "mul", "div", "gt", "ge", "lt", "le", "eq", "ne", "both", "either", "minimum", "maximum"),
    *("power", "floordiv", "mod"),
)
UNARY = ("neg", "magnitude", "negate", "sign", "log", "exp", "sqrt", "known")
CODES = {name: code for code, name in enumerate(BINARY + UNARY)}
ADD, SUB, MUL, DIV, GT, GE, LT, LE, EQ, NE, BOTH, EITHER, MINIMUM, MAXIMUM, POWER, FLOORDIV, MOD = range(
    len(BINARY)
)
NEG, MAGNITUDE, NEGATE, SIGN, LOG, EXP, SQRT, KNOWN = range(len(BINARY), len(CODES))


@compiled_apart
def add(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write the sum."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = x + y


@compiled_apart
def sub(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write the difference."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = x - y


@compiled_apart
def mul(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write the product."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = x * y


@compiled_apart
def div(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write the quotient; x / 0 is infinite, 0 / 0 NaN."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = x / y


@compiled_apart
def gt(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where a > b, 0 where not."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x > y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def ge(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where a >= b, 0 where not."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x >= y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def lt(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where a < b, 0 where not."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x < y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def le(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where a <= b, 0 where not."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x <= y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def eq(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where a == b, 0 where not."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x == y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def ne(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where a != b, 0 where not."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x != y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def both(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where both are true (not 0), 0 where not."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (
                (1.0 if x != 0.0 and y != 0.0 else 0.0) if x == x and y == y else np.nan
            )


@compiled_apart
def either(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where one is true (not 0), 0 where neither is."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (
                (1.0 if x != 0.0 or y != 0.0 else 0.0) if x == x and y == y else np.nan
            )


@compiled_apart
def minimum(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write the smaller of the two."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (x if x < y else y) if x == x else np.nan


@compiled_apart
def maximum(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write the larger of the two."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (x if x > y else y) if x == x else np.nan


@compiled_apart
def power(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write a to the power b; NaN for a root of what is below 0."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = x**y if x == x and y == y else np.nan


@compiled_apart
def floordiv(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write how many whole times b goes into a, rounded down: x // 0 is infinite, inf // x NaN."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (
                np.floor_divide(x, y) if abs(x) < np.inf and abs(y) < np.inf else np.nan
            )


@compiled_apart
def mod(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write what is left of a after whole times b, with the sign of b; x % 0 is NaN."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x, y = a[i, np.uint64(ca) + p], b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = np.remainder(x, y)


@compiled_apart
def neg(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write the negative."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = -x


@compiled_apart
def magnitude(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write the absolute value."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = abs(x)


@compiled_apart
def negate(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where false (0), 0 where true."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = (1.0 if x == 0.0 else 0.0) if x == x else np.nan


@compiled_apart
def sign(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write the sign: -1, 0 or 1."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = (1.0 if x > 0.0 else (-1.0 if x < 0.0 else 0.0)) if x == x else np.nan


@compiled_apart
def log(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write the natural logarithm; NaN below 0."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = math.log(x) if x > 0.0 else (-np.inf if x == 0.0 else np.nan)


@compiled_apart
def exp(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write e to the power."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = math.exp(x)


@compiled_apart
def sqrt(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write the square root; NaN below 0."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = math.sqrt(x)


@compiled_apart
def known(a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where there is a number, 0 where there is none."""
    for i in range(out.shape[0]):
        for p in range(np.uint64(width)):
            x = a[i, np.uint64(ca) + p]
            out[i, np.uint64(co) + p] = 1.0 if x == x else 0.0


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


@compiled_apart
def gt_one(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where one column of `a` > b, 0 where not."""
    for i in range(out.shape[0]):
        x = a[i, np.uint64(ca)]
        for p in range(np.uint64(width)):
            y = b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x > y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def ge_one(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where one column of `a` >= b, 0 where not."""
    for i in range(out.shape[0]):
        x = a[i, np.uint64(ca)]
        for p in range(np.uint64(width)):
            y = b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x >= y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def lt_one(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where one column of `a` < b, 0 where not."""
    for i in range(out.shape[0]):
        x = a[i, np.uint64(ca)]
        for p in range(np.uint64(width)):
            y = b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x < y else 0.0) if x == x and y == y else np.nan


@compiled_apart
def le_one(a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write 1 where one column of `a` <= b, 0 where not."""
    for i in range(out.shape[0]):
        x = a[i, np.uint64(ca)]
        for p in range(np.uint64(width)):
            y = b[i, np.uint64(cb) + p]
            out[i, np.uint64(co) + p] = (1.0 if x <= y else 0.0) if x == x and y == y else np.nan


@compiled
def compare_one(op: int, a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write GT, GE, LT or LE of one column of `a`, the same for all, and of `b`."""
    if op == GT:
        gt_one(a, ca, b, cb, out, co, width)
    elif op == GE:
        ge_one(a, ca, b, cb, out, co, width)
    elif op == LT:
        lt_one(a, ca, b, cb, out, co, width)
    else:
        le_one(a, ca, b, cb, out, co, width)


@compiled
def apply_binary(op: int, a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write the binary operator `op` of `a` and `b`."""
    if op == ADD:
        add(a, ca, b, cb, out, co, width)
    elif op == SUB:
        sub(a, ca, b, cb, out, co, width)
    elif op == MUL:
        mul(a, ca, b, cb, out, co, width)
    elif op == DIV:
        div(a, ca, b, cb, out, co, width)
    elif op == GT:
        gt(a, ca, b, cb, out, co, width)
    elif op == GE:
        ge(a, ca, b, cb, out, co, width)
    elif op == LT:
        lt(a, ca, b, cb, out, co, width)
    elif op == LE:
        le(a, ca, b, cb, out, co, width)
    elif op == EQ:
        eq(a, ca, b, cb, out, co, width)
    elif op == NE:
        ne(a, ca, b, cb, out, co, width)
    elif op == BOTH:
        both(a, ca, b, cb, out, co, width)
    elif op == EITHER:
        either(a, ca, b, cb, out, co, width)
    elif op == MINIMUM:
        minimum(a, ca, b, cb, out, co, width)
    elif op == MAXIMUM:
        maximum(a, ca, b, cb, out, co, width)
    elif op == POWER:
        power(a, ca, b, cb, out, co, width)
    elif op == FLOORDIV:
        floordiv(a, ca, b, cb, out, co, width)
    else:
        mod(a, ca, b, cb, out, co, width)


@compiled
def apply_unary(op: int, a: Floats, ca: int, out: Floats, co: int, width: int) -> None:
    """Write the unary operator `op` of `a`."""
    if op == NEG:
        neg(a, ca, out, co, width)
    elif op == MAGNITUDE:
        magnitude(a, ca, out, co, width)
    elif op == NEGATE:
        negate(a, ca, out, co, width)
    elif op == SIGN:
        sign(a, ca, out, co, width)
    elif op == LOG:
        log(a, ca, out, co, width)
    elif op == EXP:
        exp(a, ca, out, co, width)
    elif op == SQRT:
        sqrt(a, ca, out, co, width)
    else:
        known(a, ca, out, co, width)


@compiled
def apply(op: int, a: Floats, ca: int, b: Floats, cb: int, out: Floats, co: int, width: int) -> None:
    """Write operator `op` of `a` and `b`; the unary ones look at `a` only."""
    if op < NEG:
        apply_binary(op, a, ca, b, cb, out, co, width)
    else:
        apply_unary(op, a, ca, out, co, width)


# Each by itself, for a chunk: only what is used is compiled, which on a first run saves many seconds.
_IN_ORDER = (
    *(add, sub, mul, div, gt, ge, lt, le, eq, ne, both, either, minimum, maximum, power, floordiv, mod),
    *(neg, magnitude, negate, sign, log, exp, sqrt, known),
)
FUNCTIONS: dict[str, Callable[..., None]] = dict(zip(CODES, _IN_ORDER, strict=True))

"""Operators without memory: one value out for the values in at the same time and instrument.

Each works on a row, float64[N], and `apply` picks one by its code. Research and live, one instrument's chunk and
a block of portfolios, all go through it, so that even `exp` gives the same bits everywhere. NaN in gives NaN
out, for comparisons and logic too: where a number is not known yet, neither is what it compares to.
"""

import math

import numpy as np

from flotilla.kernel.compile import compiled, compiled_apart
from flotilla.kernel.portfolio import Floats

BINARY = ("add", "sub", "mul", "div", "gt", "ge", "lt", "le", "eq", "ne", "both", "either", "least", "most")
UNARY = ("neg", "magnitude", "negate", "sign", "log", "exp", "sqrt", "known")
CODES = {name: code for code, name in enumerate(BINARY + UNARY)}
ADD, SUB, MUL, DIV, GT, GE, LT, LE, EQ, NE, BOTH, EITHER, LEAST, MOST = range(len(BINARY))
NEG, MAGNITUDE, NEGATE, SIGN, LOG, EXP, SQRT, KNOWN = range(len(BINARY), len(CODES))


@compiled_apart
def add(a: Floats, b: Floats, out: Floats) -> None:
    """Write the sum."""
    for p in range(out.shape[0]):
        out[p] = a[p] + b[p]


@compiled_apart
def sub(a: Floats, b: Floats, out: Floats) -> None:
    """Write the difference."""
    for p in range(out.shape[0]):
        out[p] = a[p] - b[p]


@compiled_apart
def mul(a: Floats, b: Floats, out: Floats) -> None:
    """Write the product."""
    for p in range(out.shape[0]):
        out[p] = a[p] * b[p]


@compiled_apart
def div(a: Floats, b: Floats, out: Floats) -> None:
    """Write the quotient; x / 0 is infinite, 0 / 0 NaN."""
    for p in range(out.shape[0]):
        out[p] = a[p] / b[p]


@compiled_apart
def gt(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where a > b, 0 where not."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] > b[p] else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def ge(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where a >= b, 0 where not."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] >= b[p] else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def lt(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where a < b, 0 where not."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] < b[p] else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def le(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where a <= b, 0 where not."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] <= b[p] else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def eq(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where a == b, 0 where not."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] == b[p] else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def ne(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where a != b, 0 where not."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] != b[p] else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def both(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where both are true (not 0), 0 where not."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] != 0.0 and b[p] != 0.0 else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def either(a: Floats, b: Floats, out: Floats) -> None:
    """Write 1 where one is true (not 0), 0 where neither is."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] != 0.0 or b[p] != 0.0 else 0.0) if a[p] == a[p] and b[p] == b[p] else np.nan


@compiled_apart
def least(a: Floats, b: Floats, out: Floats) -> None:
    """Write the smaller of the two."""
    for p in range(out.shape[0]):
        out[p] = (a[p] if a[p] < b[p] else b[p]) if a[p] == a[p] else np.nan


@compiled_apart
def most(a: Floats, b: Floats, out: Floats) -> None:
    """Write the larger of the two."""
    for p in range(out.shape[0]):
        out[p] = (a[p] if a[p] > b[p] else b[p]) if a[p] == a[p] else np.nan


@compiled_apart
def neg(a: Floats, out: Floats) -> None:
    """Write the negative."""
    for p in range(out.shape[0]):
        out[p] = -a[p]


@compiled_apart
def magnitude(a: Floats, out: Floats) -> None:
    """Write the absolute value."""
    for p in range(out.shape[0]):
        out[p] = abs(a[p])


@compiled_apart
def negate(a: Floats, out: Floats) -> None:
    """Write 1 where false (0), 0 where true."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] == 0.0 else 0.0) if a[p] == a[p] else np.nan


@compiled_apart
def sign(a: Floats, out: Floats) -> None:
    """Write the sign: -1, 0 or 1."""
    for p in range(out.shape[0]):
        out[p] = (1.0 if a[p] > 0.0 else (-1.0 if a[p] < 0.0 else 0.0)) if a[p] == a[p] else np.nan


@compiled_apart
def log(a: Floats, out: Floats) -> None:
    """Write the natural logarithm; NaN below 0."""
    for p in range(out.shape[0]):
        out[p] = math.log(a[p]) if a[p] > 0.0 else (-np.inf if a[p] == 0.0 else np.nan)


@compiled_apart
def exp(a: Floats, out: Floats) -> None:
    """Write e to the power."""
    for p in range(out.shape[0]):
        out[p] = math.exp(a[p])


@compiled_apart
def sqrt(a: Floats, out: Floats) -> None:
    """Write the square root; NaN below 0."""
    for p in range(out.shape[0]):
        out[p] = math.sqrt(a[p])


@compiled_apart
def known(a: Floats, out: Floats) -> None:
    """Write 1 where there is a number, 0 where there is none."""
    for p in range(out.shape[0]):
        out[p] = 1.0 if a[p] == a[p] else 0.0


@compiled_apart
def choose(condition: Floats, a: Floats, b: Floats, out: Floats) -> None:
    """Write `a` where `condition` is true (not 0), `b` where it is 0, NaN where it is NaN."""
    for p in range(out.shape[0]):
        taken = a[p] if condition[p] != 0.0 else b[p]
        out[p] = taken if condition[p] == condition[p] else np.nan


@compiled
def apply_binary(op: int, a: Floats, b: Floats, out: Floats) -> None:
    """Write the binary operator `op` of the rows `a` and `b`."""
    if op == ADD:
        add(a, b, out)
    elif op == SUB:
        sub(a, b, out)
    elif op == MUL:
        mul(a, b, out)
    elif op == DIV:
        div(a, b, out)
    elif op == GT:
        gt(a, b, out)
    elif op == GE:
        ge(a, b, out)
    elif op == LT:
        lt(a, b, out)
    elif op == LE:
        le(a, b, out)
    elif op == EQ:
        eq(a, b, out)
    elif op == NE:
        ne(a, b, out)
    elif op == BOTH:
        both(a, b, out)
    elif op == EITHER:
        either(a, b, out)
    elif op == LEAST:
        least(a, b, out)
    else:
        most(a, b, out)


@compiled
def apply_unary(op: int, a: Floats, out: Floats) -> None:
    """Write the unary operator `op` of the row `a`."""
    if op == NEG:
        neg(a, out)
    elif op == MAGNITUDE:
        magnitude(a, out)
    elif op == NEGATE:
        negate(a, out)
    elif op == SIGN:
        sign(a, out)
    elif op == LOG:
        log(a, out)
    elif op == EXP:
        exp(a, out)
    elif op == SQRT:
        sqrt(a, out)
    else:
        known(a, out)


@compiled
def apply(op: int, a: Floats, b: Floats, out: Floats) -> None:
    """Write operator `op` of the rows `a` and `b`; the unary ones look at `a` only. Each float64[N]."""
    if op < NEG:
        apply_binary(op, a, b, out)
    else:
        apply_unary(op, a, out)

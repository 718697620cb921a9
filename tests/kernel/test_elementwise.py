"""Each operator against numpy; and the one rule of all: what is not known makes nothing known."""

import math

import numpy as np
import pytest

from flotilla.kernel.elementwise import BINARY, CODES, LOOPS, UNARY, apply
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, close, high

A = np.array([-2.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, np.nan, np.inf, -np.inf])
X, Y = (table.reshape(-1, 1) for table in np.meshgrid(A, A))

NUMPY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide,
    "gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal,
    "eq": np.equal, "ne": np.not_equal, "both": np.logical_and, "either": np.logical_or,
    "minimum": np.minimum, "maximum": np.maximum,
    "power": np.power, "floordiv": np.floor_divide, "mod": np.remainder,
    "neg": np.negative, "magnitude": np.abs, "negate": np.logical_not, "sign": np.sign,
    "log": np.log, "exp": np.exp, "sqrt": np.sqrt,
}  # fmt: skip


def say(node):
    return ChunkRunner([node], 1, np.zeros(1)).advance({"close": X, "high": Y})[:, 0, 0]


@pytest.mark.parametrize("op", BINARY)
def test_two_values_make_what_numpy_makes_of_them_or_nothing(op):
    said = say(Node(op, (), (close, high)))

    with np.errstate(all="ignore"):
        expected = NUMPY[op](X, Y)[:, 0].astype(float)
    expected[np.isnan(X[:, 0]) | np.isnan(Y[:, 0])] = np.nan
    if op == "floordiv":  # numpy's inf // 0 is infinite, inf // 1 NaN and -1 // inf -1: one rule is enough
        expected[np.isinf(X[:, 0]) | np.isinf(Y[:, 0])] = np.nan
    np.testing.assert_array_equal(said, expected)


@pytest.mark.parametrize("op", [op for op in UNARY if op != "notna"])
def test_a_value_makes_what_numpy_makes_of_it_or_nothing(op):
    said = say(Node(op, (), (close,)))

    with np.errstate(all="ignore"):
        expected = np.where(np.isnan(X), np.nan, NUMPY[op](X))[:, 0]
    np.testing.assert_allclose(said, expected, rtol=1e-15)


@pytest.mark.parametrize("op", BINARY + UNARY)
def test_a_block_of_portfolios_computes_what_a_chunk_does_to_the_last_bit(op):
    values = np.random.default_rng(10).normal(size=(2, 5, 13)) * 3
    a, b = values

    one, other = np.empty_like(a), np.empty_like(a)
    apply(CODES[op], a, 0, b, 0, one, 0, 13)
    LOOPS[op](a, 0, b, 0, other, 0, 13)

    assert one.tobytes() == other.tobytes()


def test_known_is_the_one_question_that_always_has_an_answer():
    np.testing.assert_array_equal(say(Node("notna", (), (close,))), ~np.isnan(X[:, 0]))


def test_a_power_has_the_same_bits_wherever_it_stands_in_a_row():
    # A vectorised exp next to a plain one for what is left over would tell research from live.
    values = np.random.default_rng(9).normal(size=(37, 1))

    said = ChunkRunner([Node("exp", (), (close,))], 1, np.zeros(1)).advance({"close": values})

    assert said[:, 0, 0].tolist() == [math.exp(v) for v in values[:, 0]]

import copy
import gc
import weakref
from math import nan

import numpy as np
import pytest

from flotilla.errors import ConfigError
from flotilla.stage.calendar import month
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import (
    Column,
    NeedsOneValue,
    Node,
    as_node,
    close,
    field,
    high,
    open_,
    volume,
    walk,
)
from flotilla.stage.operators import ema, equal, named, not_equal, of, sma, where


def test_equal_trees_are_one_object():
    assert (sma(close, 10) > sma(close, 30)) is (sma(close, 10) > sma(close, 30))
    assert sma(close, 10) is not sma(high, 10)
    assert close * 2 is not 2 * close
    assert field("volume") is volume


def test_an_expression_reads_as_it_was_written():
    assert repr((sma(close, 10) > sma(close, 30)) & ~(abs(-close) <= 5)) == (
        "(sma(close, 10) > sma(close, 30)) & ~(abs(-close) <= 5)"
    )
    assert repr(1 - close / high + 2 * volume) == "(1 - (close / high)) + (2 * volume)"
    assert repr(as_node(2) / close * (3.5 + close)) == "(2 / close) * (3.5 + close)"
    assert repr((close < 1) | (close >= 2)) == "(close < 1) | (close >= 2)"
    assert repr((-close) ** 2 % 3 // as_node(-1)) == "(((-close) ** 2) % 3) // -1"
    assert repr(as_node(-2) ** close + (close != open_)) == "((-2) ** close) + (close != open_)"
    assert repr(ema(close, 5) - ema(field("mood"), 5, "mean")) == (
        'ema(close, 5) - ema(field("mood"), 5, start="mean")'
    )
    assert repr(of("SPY", close) * named("QQQ")) == 'of("SPY", close) * named("QQQ")'
    assert repr(where(month == 648, nan, 1)) == "where(month == 648, nan, 1)"


def test_an_expression_has_no_truth_value_and_says_what_to_write():
    with pytest.raises(ConfigError, match=r"write & \| ~ instead of and, or, not"):
        bool(close > 1)
    with pytest.raises(ConfigError, match="where"):
        _ = close if close > 1 else high


def value(node, *rows):
    """Return what a node says of rows of (close, high), one instrument."""
    x = np.array(rows, float)
    fields = {"close": x[:, :1].copy(), "high": x[:, 1:].copy()}
    return ChunkRunner([node], 1, np.zeros(1)).advance(fields)[:, 0, 0].tolist()


def test_equals_is_an_operator_as_greater_is():
    rows = (1, 1), (2, 1), (3, 5)

    assert value(close == high, *rows) == [1, 0, 0]
    assert value(close != high, *rows) == [0, 1, 1]
    assert (
        value(close == 2, *rows)
        == value(close == 2, *rows)
        == value(np.float64(2) == close, *rows)
        == [0, 1, 0]
    )
    assert value((close == 1) | (close == 3), *rows) == [1, 0, 1]
    assert (close == high) is equal(close, high)
    assert (close != 2) is not_equal(close, 2)


def test_nodes_are_keys_by_what_they_are_and_never_by_what_they_say():
    nodes = [close + k for k in range(300)]

    kept = {node: k for k, node in enumerate(nodes)}
    pairs = {(node, close): k for k, node in enumerate(nodes)}

    assert [kept[close + k] for k in range(300)] == list(range(300))
    assert [pairs[close + k, close] for k in range(300)] == list(range(300))
    assert close * 5 not in kept
    assert copy.deepcopy(nodes[7]) is nodes[7]


def test_constants_that_are_equal_and_yet_not_the_same_are_two():
    assert as_node(0.0) is not as_node(-0.0)
    assert as_node(float("nan")) is as_node(float("nan"))
    assert value(1 / (close * -0.0), (1, 1)) == [-np.inf]


def test_an_expression_is_not_made_of_just_anything():
    with pytest.raises(ConfigError, match="not of str: 'close'"):
        _ = close + "close"
    with pytest.raises(ConfigError, match="not of list"):
        as_node([1, 2])


def test_a_tree_is_walked_inputs_first_and_each_once():
    root = sma(close, 10) > sma(close, 30)

    assert [repr(node) for node in walk([root, close])] == [
        "close",
        "sma(close, 10)",
        "sma(close, 30)",
        "sma(close, 10) > sma(close, 30)",
    ]


def test_a_swept_parameter_can_be_computed_with():
    n = Column(np.array([1, 2, 3]))

    for made, expected in [
        (2 * n + 1, [3, 5, 7]),
        (n + n, [2, 4, 6]),
        (1 - n, [0, -1, -2]),
        (n - 1, [0, 1, 2]),
        (n / 2, [0.5, 1, 1.5]),
        (6 / n, [6, 3, 2]),
        (n // 2, [0, 1, 1]),
        (-n, [-1, -2, -3]),
    ]:
        assert isinstance(made, Column)
        assert made.values.tolist() == expected


def test_a_swept_parameter_has_no_one_value():
    n = Column(np.array([1, 2, 3]))

    for ask in (bool, int, float, range, lambda n: n < 3, lambda n: max(n, 2)):
        with pytest.raises(NeedsOneValue):
            ask(n)


def test_a_swept_parameter_meets_an_expression_on_either_side():
    n = Column(np.array([1, 2, 3]))

    for made in (n == close, close == n, n != close, n < close, close >= n, n * close, close**n, close % n):
        assert isinstance(made, Node)
        assert made.swept
    assert (n < close) is (close > n)
    assert (np.float64(3) * n).values.tolist() == [3, 6, 9]
    for ask in (np.log, lambda n: np.maximum(n, 2), lambda n: np.float64(2) < n, lambda n: n**2, abs, round):
        with pytest.raises((NeedsOneValue, TypeError)):  # then the strategy is built once for each value
            ask(n)


def test_a_tree_with_a_swept_parameter_anywhere_below_is_swept():
    n = Column(np.array([1, 2, 3]))

    assert (close > n).swept
    assert (n + close).swept
    assert (sma(close, n) > 3).swept
    assert not sma(close, 3).swept


def test_nothing_is_kept_of_a_tree_that_nobody_holds():
    held = weakref.ref(sma(close, 123_457))

    gc.collect()

    assert held() is None

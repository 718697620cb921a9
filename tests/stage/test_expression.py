import gc
import weakref

import numpy as np
import pytest

from flotilla.errors import ConfigError
from flotilla.stage.expression import Column, NeedsOneValue, as_node, close, field, high, volume, walk
from flotilla.stage.operators import sma


def test_equal_trees_are_one_object():
    assert (sma(close, 10) > sma(close, 30)) is (sma(close, 10) > sma(close, 30))
    assert sma(close, 10) is not sma(high, 10)
    assert close * 2 is not 2 * close
    assert field("volume") is volume


def test_an_expression_reads_as_it_was_written():
    assert repr((sma(close, 10) > sma(close, 30)) & ~(abs(-close) <= 5)) == (
        "(sma(close, 10) > sma(close, 30)) & negate(magnitude(neg(close)) <= 5.0)"
    )
    assert repr(1 - close / high + 2 * volume) == "(1.0 - (close / high)) + (2.0 * volume)"
    assert repr(as_node(2) / close * (3 + close)) == "(2.0 / close) * (3.0 + close)"
    assert repr((close < 1) | (close >= 2)) == "(close < 1.0) | (close >= 2.0)"


def test_an_expression_has_no_truth_value_and_says_what_to_write():
    with pytest.raises(ConfigError, match=r"write & \| ~ instead of and, or, not"):
        bool(close > 1)
    with pytest.raises(ConfigError, match="where"):
        _ = close if close > 1 else high


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

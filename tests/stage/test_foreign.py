"""What is typed by whoever knows Python, NumPy and pandas works where it means the same, or names ours."""

import math
from itertools import count

import numpy as np
import pandas as pd
import pytest

from flotilla.errors import ConfigError
from flotilla.stage.calendar import month
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, close, field, high, volume
from flotilla.stage.operators import ema, hysteresis, of, sma


def value(node, *rows):
    """Return what a node says of rows of (close, high), one instrument."""
    x = np.array(rows, float)
    fields = {"close": x[:, :1].copy(), "high": x[:, 1:].copy()}
    return ChunkRunner([node], 1, np.zeros(1)).advance(fields)[:, 0, 0].tolist()


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (close**2, 9),
        (2**close, 8),
        (close**0.5, 3**0.5),
        (close % 2, 1),
        (-close % 2, 1),
        (7 % close, 1),
        (close // 2, 1),
        (-close // 2, -2),
        (7 // close, 2),
        (+close, 3),
        (math.floor(close / 2), 1),
        (math.ceil(close / 2), 2),
        (True & (close > 2), 1),
        (False | (close > 4), 0),
        (np.float64(2) * close, 6),
        (np.int64(2) - close, -1),
        (close / np.array(2), 1.5),
        (np.float64(2) < close, 1),
        (np.True_ & (close > 2), 1),
        (np.log(close), math.log(3)),
        (np.exp(close), math.exp(3)),
        (np.sqrt(close), math.sqrt(3)),
        (np.abs(-close), 3),
        (np.sign(-close), -1),
        (np.power(close, 2), 9),
        (np.maximum(close, high), 4),
        (np.minimum(close, high), 3),
        (np.where(close > 2, high, 0), 4),
        (np.where(close > 4, high, 0), 0),
        (np.logical_not(close > 2), 0),
        (np.logical_and(close > 2, high > 5), 0),
    ],
)
def test_what_means_the_same_in_python_and_in_numpy_is_the_operator(made, expected):
    assert isinstance(made, Node)
    assert value(made, (3, 4)) == [expected]


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        (lambda: max(close, high), r"maximum\(a, b\)"),
        (lambda: min(close, high), r"minimum\(a, b\)"),
        (lambda: 0 < close < 1, r"\(0 < x\) & \(x < 1\)"),
        (lambda: close in (high, volume), r"\(x == a\) \| \(x == b\)"),
        (lambda: not close, "& | ~ instead of and, or, not"),
        (lambda: close and high, "& | ~ instead of and, or, not"),
        (lambda: 1 if month == 648 else 0, r"where\(condition, a, b\) instead of if"),
        (lambda: close > 1 & high < 2, "brackets around comparisons"),
        (lambda: math.sqrt(close), "sqrt, maximum and minimum of flotilla.stage instead of those of math"),
        (lambda: float(close), "no number yet"),
        (lambda: int(close), "x // 1 instead of int"),
        (lambda: range(close), "no number yet"),
        (lambda: round(close, 2), r"\(x \+ 0.5\) // 1"),
        (lambda: len(close), "no rows to count"),
        (lambda: list(close), "no rows to count or to go through"),
        (lambda: 1 in close, "no rows"),
        (lambda: np.array([close, high]), "no number yet"),
        (lambda: close[-1], r"delay\(close, 1\) is that of 1 rows ago, and close by itself that of this row"),
        (lambda: close[5], "rows to come are not known"),
        (lambda: close["SPY"], r'of\("SPY", close\)'),
        (lambda: close[-5:], r"delay\(close, n\)"),
        (lambda: np.mean(close), r"np.mean cannot compute with an expression: sma\(x, n\)"),
        (lambda: np.roll(close, 1), r"delay\(x, n\)"),
        (lambda: np.clip(close, 0, 1), r"maximum\(low, minimum\(x, high\)\)"),
        (lambda: np.isnan(close), r"~notna\(x\)"),
        (lambda: np.log10(close), r"log\(x\)"),
        (lambda: np.add.reduce(close), "np.add cannot compute"),
        (lambda: np.arctan(close), "np.arctan cannot compute"),
        (lambda: np.array([1.0, 2.0]) * close, r'not of ndarray.* field\("name"\)'),
        (lambda: close * pd.Series([1.0]), "not of Series"),
        (lambda: close == "AAPL", "not of str: 'AAPL'"),
        (lambda: close == None, "not of NoneType"),  # noqa: E711
        (lambda: field(3), r'field\("name"\), not by 3'),
        (lambda: sma(close, close), "a whole number of rows, at least 1, not over close"),
        (lambda: sma(close, 10**30), "at most 1,000,000,000,000,000,000, not over"),
        (lambda: sma(close, [3]), r"not over \[3\]"),
        (lambda: hysteresis(close, high, 2.0), "hysteresis needs a number, not high"),
        (
            lambda: ema(close, 3, "median"),
            'from the "first" value or the "mean" of the first n, not from .median',
        ),
        (lambda: of(close, "SPY"), r'of needs the name of an instrument first, of\("SPY", ...\), not close'),
    ],
    ids=map(str, count()),
)
def test_what_cannot_be_meant_names_the_word_that_does(typed, word):
    with pytest.raises(ConfigError, match=word):
        typed()


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        ("rolling", r"sma\(x, n\).*std\(x, n\)"),
        ("shift", r"delay\(x, n\)"),
        ("mean", r"sma\(x, n\)"),
        ("pct_change", r"returns\(x, n\)"),
        ("diff", r"x - delay\(x, n\)"),
        ("ewm", r"ema\(x, n\)"),
        ("fillna", r"where\(notna\(x\), x, 0\)"),
        ("ffill", r"ffill\(x\)"),
        ("iloc", r"delay\(x, n\)"),
        ("colour", "has no 'colour'$"),
    ],
)
def test_a_word_of_pandas_names_ours(typed, word):
    with pytest.raises(AttributeError, match=word):
        getattr(close, typed)
    assert not hasattr(close, typed)


BRACKETS = "& | ~ instead of and, or, not, with brackets around comparisons"


@pytest.mark.parametrize(
    ("asks", "told"),
    [
        (lambda: max(close, high), "maximum(a, b) and minimum(a, b) instead of max and min"),
        (lambda: 1 if close > 5 else 0, "where(condition, a, b) instead of if"),
        (lambda: close > 1 and close < 2, BRACKETS),
        (lambda: not close, BRACKETS),
        (lambda: 1 < close < 2, "(0 < x) & (x < 1) instead of 0 < x < 1"),
        (lambda: close in (1, 2), "(x == a) | (x == b) instead of x in (a, b)"),
        (lambda: any([close > 1]), "a | b instead of any([a, b])"),
        (lambda: sorted([close, high]), "rank(x) instead of sorted"),
    ],
    ids=["max", "if", "and", "not", "chain", "in", "any", "sorted"],
)
def test_who_asks_an_expression_whether_it_is_true_is_told_the_word_for_what_he_wrote(asks, told):
    with pytest.raises(ConfigError) as wrong:
        asks()

    assert str(wrong.value).endswith(f"has no truth value yet; write {told}")


def test_where_the_line_is_not_known_all_words_are_told():
    with pytest.raises(ConfigError, match=r"instead of and.*instead of if.*instead of max and min"):
        eval("max(close, 1)", {"close": close})

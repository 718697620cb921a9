"""What users type who know NumPy, pandas or plain Python: what it means here, or the word that does.

An expression stands for values that are not computed yet. Where another library's function means the same as
an operator, it is that operator (`np.log(close)`, `close ** 2`); where it does not, or where it would be
unclear which rows it is about, the answer names the word.
"""

import linecache
import re
from collections.abc import Callable, Mapping
from itertools import islice
from types import FrameType
from typing import Any

import numpy as np

from flotilla.kernel.elementwise import BINARY, UNARY

# NumPy's functions of the same number of inputs that mean the same, value by value: those that are called as
# the operator is, and these.
UFUNCS: Mapping[Any, str] = {
    **{
        getattr(np, name): name for name in (*BINARY, *UNARY) if isinstance(getattr(np, name, None), np.ufunc)
    },
    np.subtract: "sub",
    np.multiply: "mul",
    np.divide: "div",
    np.float_power: "power",
    np.floor_divide: "floordiv",
    np.greater: "gt",
    np.greater_equal: "ge",
    np.less: "lt",
    np.less_equal: "le",
    np.equal: "eq",
    np.not_equal: "ne",
    np.logical_and: "both",
    np.bitwise_and: "both",
    np.logical_or: "either",
    np.bitwise_or: "either",
    np.logical_not: "negate",
    np.invert: "negate",
    np.negative: "neg",
    np.absolute: "magnitude",
    np.fabs: "magnitude",
}
FUNCTIONS: Mapping[Callable[..., Any], str] = {np.where: "where"}

_MEAN = "sma(x, n) is the mean of the last n rows, demean(x) is less the mean of all instruments in a row"
_HIGHEST = "rolling_max(x, n) is the highest of the last n rows, maximum(a, b) the larger of two"
_LOWEST = "rolling_min(x, n) is the lowest of the last n rows, minimum(a, b) the smaller of two"
_STD = "std(x, n) is the standard deviation of the last n rows"
_TOTAL = "rolling_sum(x, n) is the sum of the last n rows"
_DELAY = "delay(x, n) is x as it was n rows ago"
_KNOWN = "notna(x) is 1 where x is a number, 0 where it is NaN"
_WINDOW = "a Window computes what no operator does: it is handed arrays"
_WHOLE = "x // 1 is x rounded down, (x + 0.5) // 1 to the nearest whole number"
_RETURNS = "returns(x, n) is by what fraction x grew over n rows"

# A name of NumPy's or pandas' -> what says it here.
WORDS: Mapping[str, str] = {
    **dict.fromkeys(("mean", "average", "nanmean"), _MEAN),
    **dict.fromkeys(("max", "amax", "nanmax", "cummax", "fmax"), _HIGHEST),
    **dict.fromkeys(("min", "amin", "nanmin", "cummin", "fmin"), _LOWEST),
    **dict.fromkeys(("std", "var", "nanstd", "nanvar"), _STD),
    **dict.fromkeys(("sum", "nansum", "cumsum"), _TOTAL),
    **dict.fromkeys(("shift", "roll", "iloc", "loc", "iat", "at", "take", "head", "tail"), _DELAY),
    **dict.fromkeys(("diff", "ediff1d"), "x - delay(x, n) is how far x moved in n rows"),
    **dict.fromkeys(("isna", "isnull", "isnan", "isfinite"), f"{_KNOWN}; ~notna(x) the other way round"),
    **dict.fromkeys(("notna", "notnull"), _KNOWN),
    **dict.fromkeys(("fillna", "nan_to_num"), "where(notna(x), x, 0) is 0 where x is NaN"),
    **dict.fromkeys(("ffill", "pad"), "ffill(x) is the last value that was not NaN"),
    **dict.fromkeys(("round", "rint", "floor", "ceil", "trunc", "around"), _WHOLE),
    **dict.fromkeys(("apply", "map", "transform", "pipe", "values", "to_numpy", "array", "T"), _WINDOW),
    **dict.fromkeys(("log1p", "log2", "log10"), "log(x) is the natural logarithm"),
    **dict.fromkeys(("expm1", "exp2"), "exp(x) is e to the power x"),
    **dict.fromkeys(("clip",), "maximum(low, minimum(x, high)) keeps x between two levels"),
    **dict.fromkeys(("mask", "select"), "where(condition, a, b) chooses"),
    **dict.fromkeys(("isin", "in1d"), "(x == a) | (x == b) asks for one of several"),
    **dict.fromkeys(("median", "quantile", "percentile", "corr", "cov", "skew", "kurt"), _WINDOW),
    "argsort": "rank(x) says where each instrument stands in its row",
    "between": "(x >= low) & (x <= high) is 1 between two levels",
    "cumprod": "log(x), rolling_sum(x, n) and exp(x) make a product of the last n rows",
    "ewm": "ema(x, n) is the exponential average of n rows",
    "expanding": "rolling_sum(x, n), rolling_max(x, n) and rolling_min(x, n) look back over n rows",
    "pct_change": _RETURNS,
    "rolling": f"{_MEAN}; std(x, n), rolling_sum, rolling_max and rolling_min are of the last n rows too",
    "square": "x ** 2 is the square",
    "xs": 'of("SPY", x) is x of one instrument, for all',
    "eq": "x == y", "ne": "x != y", "gt": "x > y", "ge": "x >= y", "lt": "x < y", "le": "x <= y",
    "add": "x + y", "sub": "x - y", "mul": "x * y", "div": "x / y", "pow": "x ** y", "mod": "x % y",
    "abs": "abs(x)", "rank": "rank(x)", "where": "where(condition, a, b)", "logical_xor": "a != b",
}  # fmt: skip

_AND = "& | ~ instead of and, or, not, with brackets around comparisons"
_IF = "where(condition, a, b) instead of if"
_MAXIMUM = "maximum(a, b) and minimum(a, b) instead of max and min"
_IN = "(x == a) | (x == b) instead of x in (a, b)"
_CHAIN = "(0 < x) & (x < 1) instead of 0 < x < 1"
# What asks for a truth value, as it stands in a line between two marks -> what says it here.
_TRUTHS = (
    (re.compile(r"\x01(max|min)\("), _MAXIMUM),
    (re.compile(r"\x01sorted\("), "rank(x) instead of sorted"),
    (re.compile(r"\x01any\("), "a | b instead of any([a, b])"),
    (re.compile(r"\x01all\("), "a & b instead of all([a, b])"),
    (re.compile(r"\x01[^\x02]*\b(and|or|not)\b|\b(and|or|not) *\(*\x01|\x02\)* *(and|or)\b"), _AND),
    (re.compile(r"\x01[^\x02]*\bin\b"), _IN),
    (re.compile(r"\x01[^\x02]*[<>=][^\x02]*[&|][^\x02]*[<>=]"), _AND),
    (re.compile(r"\x01[^\x02]*[<>]=?[^<>()]+[<>]"), _CHAIN),
    (re.compile(r"\x01[^\x02]*\bif\b|\b(if|elif|while|assert) *\(*\x01"), _IF),
)


def truth_instead(frame: FrameType) -> str:
    """Return what to write where an expression was asked whether it is true. frame: who asked.

    It is what the line there says; all of it where the line cannot be read.
    """
    line, last, begin, end = next(islice(frame.f_code.co_positions(), frame.f_lasti // 2, None))
    text = linecache.getline(frame.f_code.co_filename, line or 0).rstrip()
    if text and line == last and begin is not None and end is not None:
        marked = f"{text[:begin]}\x01{text[begin:end]}\x02{text[end:]}"
        for shape, words in _TRUTHS:
            if shape.search(marked):
                return words
    return "; ".join([_AND, _IF, _IN, _MAXIMUM])


def instead(name: str) -> str:
    """Return what says here what `name` says elsewhere, as the end of a message; "" where it is not known."""
    return f": {WORDS[name]}" if name in WORDS else ""


def no_signal(made: Any) -> str:
    """Return what to write where a strategy gave what is no signal, as the end of a message."""
    if made is None:
        return ": it returns nothing, so return the signal"
    if isinstance(made, bool | int | float | np.generic):
        return f": {float(made):g} on every bar is where(notna(close), {float(made):g}, 0)"
    if isinstance(made, type):
        return f": {made.__name__} is a class, so return {made.__name__}()"
    if hasattr(made, "shape"):
        return ': values of your own are a column of the data, field("name"); a Window is handed arrays'
    if isinstance(made, str):
        return f': a column of the data is field("{made}")'
    if isinstance(made, list | tuple | dict):
        return ": of several, their mean is a signal; several strategies are given to configure"
    return ": call it, and return what it gives" if callable(made) else ""

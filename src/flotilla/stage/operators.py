"""The words that expressions are written in. Each returns a `Node`, and computes nothing.

    momentum = close / delay(close, 252) - 1
    long = (rank(momentum) > 0.8) & (close > sma(close, 200))

Where an operator looks back over `n` rows it says NaN before it has seen them, and while one of them is not
known (not a finite number). Operators that carry an answer along (`ema`, `rma`, `rsi`, `ffill`, `latch`,
`hysteresis`) take no notice of a row that is not known, and repeat what they last said.

Any parameter may be a `Column`: swept, one value for each portfolio. Shapes are float64[T, I] throughout.
"""

from collections.abc import Callable
from functools import wraps
from inspect import Signature, signature
from typing import Any, ParamSpec

import numpy as np

from flotilla.errors import ConfigError
from flotilla.kernel.elementwise import BINARY, UNARY
from flotilla.stage.expression import Column, Node, as_node

ELEMENTWISE = (*BINARY, *UNARY, "where")

Value = Node | Column | float  # what an operator may be applied to
Rows = int | Column
Number = float | Column
MOST_ROWS = 10**18  # that one may look back over: numbers of rows are int64
P = ParamSpec("P")
NOT_PLACED = -1  # the column of an instrument that was named, until `stage.plan.placed` knows it


def word(function: Callable[P, Node]) -> Callable[P, Node]:
    """Return an operator that says, where it is called wrongly, what it takes and what is missing."""
    takes = signature(function)

    @wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> Node:
        try:
            return function(*args, **kwargs)
        except TypeError:
            wrong = _wrong_call(function.__name__, list(takes.parameters), takes, args, kwargs)
            if not wrong:
                raise
        raise ConfigError(wrong)

    return called


@word
def delay(x: Value, n: Rows) -> Node:
    """Return x as it was n rows ago, in the units of x; n = 0 is x itself. First said in row n + 1."""
    return Node("delay", (_rows("delay", n, fewest=0),), (_series("delay", x),))


@word
def returns(x: Value, n: Rows = 1) -> Node:
    """Return by what fraction x grew over n rows: x / x n rows ago - 1. First said in row n + 1."""
    return _series("returns", x) / delay(x, _rows("returns", n)) - 1.0


@word
def rolling_sum(x: Value, n: Rows) -> Node:
    """Return the sum of the last n rows, in the units of x; exact for prices whose tick is known."""
    return Node("rolling_sum", (_rows("rolling_sum", n),), (_series("rolling_sum", x),))


@word
def sma(x: Value, n: Rows) -> Node:
    """Return the simple moving average: the mean of the last n rows, in the units of x.

    Of prices whose tick is known it is the exact sum of ticks, divided once: equal averages compare equal.
    """
    return Node("sma", (_rows("sma", n),), (_series("sma", x),))


@word
def std(x: Value, n: Rows) -> Node:
    """Return the standard deviation of the last n rows, n >= 2, as of a sample (n - 1), in the units of x.

    It is computed to 106 bits, and is exactly 0 where all n are equal.
    """
    return Node("std", (_rows("std", n, fewest=2),), (_series("std", x),))


@word
def rolling_min(x: Value, n: Rows) -> Node:
    """Return the lowest of the last n rows, in the units of x."""
    return Node("rolling_min", (_rows("rolling_min", n),), (_series("rolling_min", x),))


@word
def rolling_max(x: Value, n: Rows) -> Node:
    """Return the highest of the last n rows, in the units of x."""
    return Node("rolling_max", (_rows("rolling_max", n),), (_series("rolling_max", x),))


@word
def ema(x: Value, n: Rows, start: str = "first") -> Node:
    """Return the exponential moving average, in the units of x: it moves by 2 / (n + 1) of its distance to x.

    start: "first", the first known value starts it, as in pandas (ewm(span=n, adjust=False, min_periods=n,
    ignore_na=True).mean()); or "mean", that of the first n known values does, as in TA-Lib and most charts.
    First said with the n-th known value; a row that is not known leaves it as it was.
    """
    if start not in ("first", "mean"):
        raise ConfigError(
            f'ema starts from the "first" value or the "mean" of the first n, not from {start!r}'
        )
    return Node("ema", (_rows("ema", n), start), (_series("ema", x),))


@word
def rma(x: Value, n: Rows) -> Node:
    """Return Wilder's average, in the units of x: the mean of the first n known values, then moving by 1 / n.

    First said with the n-th known value; a row that is not known leaves it as it was. (J. W. Wilder, New
    Concepts in Technical Trading Systems, 1978)
    """
    return Node("rma", (_rows("rma", n),), (_series("rma", x),))


@word
def rsi(x: Value, n: Rows = 14) -> Node:
    """Return the relative strength index, 0 to 100.

    It is 100 * rise / (rise + fall), both Wilder's averages of the changes; 50 where nothing moved. First
    said with the n-th change, in row n + 1; a change is from the last known value. (Wilder, 1978)
    """
    return Node("rsi", (_rows("rsi", n),), (_series("rsi", x),))


@word
def true_range(high: Value, low: Value, close: Value) -> Node:
    """Return how far the price moved in a row, in its units.

    It is high - low, or more where the last known close lies outside of them. First said in row 2. (Wilder,
    1978)
    """
    before = delay(ffill(close), 1)
    return maximum(as_node(high) - low, maximum(abs(as_node(high) - before), abs(as_node(low) - before)))


@word
def atr(high: Value, low: Value, close: Value, n: Rows = 14) -> Node:
    """Return the average true range, in units of the price: Wilder's average of `true_range`.

    First said with the n-th known range, in row n + 1. Data without highs and lows are refused. (Wilder,
    1978)
    """
    return rma(true_range(high, low, close), _rows("atr", n))


@word
def rank(x: Value) -> Node:
    """Return where each instrument stands in its row, 0 the lowest to 1 the highest.

    Equals share the mean of their ranks; one alone stands at 0.5. What is not known stays so, and is not
    counted.
    """
    return Node("rank", (), (as_node(x),))


@word
def rank_from_top(x: Value) -> Node:
    """Return how many instruments stand above each in its row: `rank_from_top(x) < 5` is the top five.

    Of equals the earlier column stands above. What is not known stays so, and is not counted.
    """
    return Node("rank_from_top", (), (as_node(x),))


@word
def of(instrument: str, x: Value) -> Node:
    """Return x of one instrument, for all instruments: `of("SPY", close > sma(close, 200))`.

    In the units of x. Where the data have no such instrument a run says so, with the nearest that there is.
    """
    return Node("of", (_instrument("of", instrument), NOT_PLACED), (as_node(x),))


@word
def named(instrument: str) -> Node:
    """Return 1 for the instrument of this name and 0 for all others.

    So weights are told apart, `0.6 * named("SPY") + 0.4 * named("TLT")`, and one is left out that is only
    looked at: `where(named("SPY"), 0, signal)`.
    """
    return Node("named", (_instrument("named", instrument), NOT_PLACED), (as_node(0.0),))


@word
def demean(x: Value) -> Node:
    """Return how far each instrument is above the mean of its row, in the units of x.

    What is not known, or beyond 1e150, is not counted.
    """
    return Node("demean", (), (as_node(x),))


@word
def zscore(x: Value) -> Node:
    """Return how many standard deviations (of a sample) each instrument is above the mean of its row.

    NaN where all are equal, or one is alone. What is not known, or beyond 1e150, is not counted.
    """
    return Node("zscore", (), (as_node(x),))


@word
def ffill(x: Value) -> Node:
    """Return the last value of x that was not NaN; NaN before the first."""
    return Node("ffill", (), (as_node(x),))


@word
def latch(enter: Value, leave: Value) -> Node:
    """Return 1 from when `enter` is true until `leave` is, and 0 otherwise. Where both are, it leaves.

    NaN before either was known; a condition that is not known is not true.
    """
    return Node("latch", (), (as_node(enter), as_node(leave)))


@word
def hysteresis(x: Value, low: Number, high: Number) -> Node:
    """Return 1 from when x is below `low` until it is above `high`, and 0 otherwise.

    Both levels are in the units of x. The same as latch(x < low, x > high), and cheaper where the levels are
    swept. NaN before x was known.
    """
    return Node("hysteresis", (_number("hysteresis", low), _number("hysteresis", high)), (as_node(x),))


@word
def where(condition: Value, a: Value, b: Value) -> Node:
    """Return `a` where the condition is true (not 0), `b` where it is 0, NaN where it is NaN."""
    return Node("where", (), (as_node(condition), as_node(a), as_node(b)))


@word
def minimum(a: Value, b: Value) -> Node:
    """Return the smaller of the two; NaN where either is."""
    return Node("minimum", (), (as_node(a), as_node(b)))


@word
def maximum(a: Value, b: Value) -> Node:
    """Return the larger of the two; NaN where either is."""
    return Node("maximum", (), (as_node(a), as_node(b)))


@word
def equal(a: Value, b: Value) -> Node:
    """Return 1 where the two are equal, 0 where not, NaN where either is. It is `a == b` of expressions."""
    return Node("eq", (), (as_node(a), as_node(b)))


@word
def not_equal(a: Value, b: Value) -> Node:
    """Return 1 where the two differ, 0 where not, NaN where either is. It is `a != b` of expressions."""
    return Node("ne", (), (as_node(a), as_node(b)))


@word
def sign(x: Value) -> Node:
    """Return -1, 0 or 1."""
    return Node("sign", (), (as_node(x),))


@word
def log(x: Value) -> Node:
    """Return the natural logarithm: -inf at 0, NaN below."""
    return Node("log", (), (as_node(x),))


@word
def exp(x: Value) -> Node:
    """Return e to the power x."""
    return Node("exp", (), (as_node(x),))


@word
def sqrt(x: Value) -> Node:
    """Return the square root; NaN below 0."""
    return Node("sqrt", (), (as_node(x),))


@word
def notna(x: Value) -> Node:
    """Return 1 where x is a number, 0 where it is NaN."""
    return Node("notna", (), (as_node(x),))


def _series(of: str, x: Any) -> Node:
    """Return what an operator looks back over; ConfigError of a number, which is the same in all rows."""
    if isinstance(x, Node):
        return x
    if isinstance(x, bool | int | float | np.generic | Column):
        told = "n" if isinstance(x, Column) else repr(x)
        raise ConfigError(f"{of}(x, n) needs x first, what it is of: {of}(close, {told})")
    return as_node(x)


def _rows(of: str, n: Any, fewest: int = 1) -> Rows:
    """Return a number of rows, or a swept one, as whole numbers; ConfigError if it is not that."""
    wrong: list[object] = [n]
    if not isinstance(n, Node):
        values = np.asarray(n.values if isinstance(n, Column) else n)
        if values.dtype.kind in "iuf" and values.ndim == isinstance(n, Column):
            whole = (values == np.rint(values)) & (values >= fewest) & (values <= MOST_ROWS)
            wrong = values[~whole].tolist()
    if wrong:
        most = (
            f" and at most {MOST_ROWS:,}"
            if isinstance(wrong[0], int | float) and wrong[0] > MOST_ROWS
            else ""
        )
        raise ConfigError(
            f"{of} looks back over a whole number of rows, at least {fewest}{most}, not over {wrong[0]!r}"
            f"{f'; the rows come last, {of}(x, 20)' if isinstance(n, Node) else ''}"
        )
    if isinstance(n, Column):
        return n if n.values.dtype.kind == "i" else Column(n.values.astype(np.int64))
    return int(n)


def _instrument(word: str, name: str) -> str:
    """Return the name of an instrument; ConfigError if it is none."""
    if not isinstance(name, str):
        raise ConfigError(f'{word} needs the name of an instrument first, {word}("SPY", ...), not {name!r}')
    return name


def _number(of: str, value: Any) -> Number:
    """Return a parameter as a float, or swept; ConfigError if it is no number."""
    values = np.asarray(
        value.values if isinstance(value, Column) else 0 if isinstance(value, Node) else value
    )
    if isinstance(value, Node) or values.dtype.kind not in "iuf" or np.isnan(values).any():
        raise ConfigError(f"{of} needs a number, not {value!r}")
    return value if isinstance(value, Column) else float(value)


def _wrong_call(name: str, words: list[str], takes: Signature, args: Any, kwargs: Any) -> str:
    """Return what is wrong with how an operator was called; "" where that is not what failed."""
    told = f"{name}({', '.join(words)})"
    strange = [key for key in kwargs if key not in words]
    if strange:
        return f"{told} takes no {strange[0]!r}"
    if len(args) > len(words):
        pairs = f": {name}(a, {name}(b, c))" if words == ["a", "b"] else ""
        return f"{told} takes {len(words)}, and was given {len(args)}{pairs}"
    given = {**dict(zip(words, args, strict=False)), **kwargs}
    needed = [key for key, each in takes.parameters.items() if each.default is each.empty]
    missing = [key for key in needed if key not in given]
    if missing == ["n"] and not isinstance(given["x"], Node):
        return f"{told} needs x first, what it is of: {name}(close, {given['x']!r})"
    if missing == ["n"]:
        return f"{told} needs n, the number of rows: {name}({given['x']!r}, 20)"
    return f"{told} needs {' and '.join(missing)}" if missing else ""

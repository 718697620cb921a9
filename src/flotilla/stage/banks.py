"""The operators with a memory, as a table: what each is told, remembers and computes.

They run as *banks*: one operator over the same inputs with W sets of parameters, advanced together. `start`
makes the state of a bank that has seen nothing, a dict of arrays; it is all that a bank remembers, and what a
checkpoint keeps. `advance` reads the inputs' next rows, float64[n, I] each, writes float64[n, I, W], and
returns the state after them. It changes no state that it is given, so one that was handed out stays what it
was.

The parameters' sets come sorted. What an operator says of missing values stands with its function in
`stage.operators`; how it computes, in `kernel`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.kernel import recursive, rolling, rows
from flotilla.kernel.portfolio import Floats
from flotilla.kernel.rolling import Ints, Runs, Totals

State = dict[str, NDArray[Any]]
Inputs = tuple[Floats, ...]


class Terms(NamedTuple):
    """What a bank is told. parameters: one value a set, [W]; ticks: float64[I] a unit, 0 where unknown."""

    parameters: Mapping[str, NDArray[Any]]
    instruments: int
    ticks: Floats

    def rows(self, name: str = "n") -> Ints:
        """Return a parameter that counts rows: int64[W]."""
        return self.parameters[name].astype(np.int64)

    def numbers(self, name: str) -> Floats:
        """Return any other parameter: float64[W]."""
        return self.parameters[name].astype(np.float64)


class Operator(NamedTuple):
    """An operator with a memory. The functions of its parameters take one value of each, in their order."""

    parameters: tuple[str, ...]
    warm_up: Callable[..., int]  # rows of its inputs needed for the first value, that row included
    keeps: Callable[..., int]  # rows kept from before a chunk; 0 if what is kept does not grow with a window
    start: Callable[[Terms], State]
    advance: Callable[[Terms, State, Inputs, Floats], State]
    exact: bool = False  # of inputs in whole ticks it says whole ticks


def _with(before: Floats, chunk: Floats) -> Floats:
    """Return the rows from before, then the chunk's."""
    return np.concatenate([before, chunk])


def _tail(values: NDArray[Any], chunk: Floats) -> NDArray[Any]:
    """Return what to keep of rows that the chunk's were appended to: as many as there were before."""
    return values[len(chunk) :].copy()


def _start_recent(terms: Terms) -> State:
    return {"recent": np.full((int(terms.rows().max()), terms.instruments), np.nan)}


def _delay(terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
    recent = _with(state["recent"], inputs[0])
    longest, count = len(state["recent"]), len(inputs[0])
    for w, n in enumerate(terms.rows()):
        out[:, :, w] = recent[longest - n : longest - n + count]
    return {"recent": _tail(recent, inputs[0])}


def _start_sums(terms: Terms) -> State:
    shape = (int(terms.rows().max()), terms.instruments)
    return {
        "high": np.zeros(shape),
        "low": np.zeros(shape),
        "known": np.zeros((1, terms.instruments), np.int64),
        "same": np.zeros((1, terms.instruments), np.int64),
        "last": np.full((1, terms.instruments), np.nan),
    }


def _start_std(terms: Terms) -> State:
    shape = (int(terms.rows().max()), terms.instruments)
    origin = np.full(terms.instruments, np.nan)
    return {
        **_start_sums(terms),
        "square_high": np.zeros(shape),
        "square_low": np.zeros(shape),
        "origin": origin,
    }


def _totals(terms: Terms, x: Floats, origin: Floats, square: bool, *before: Floats) -> Totals:
    """Return totals, high and low from before, with the chunk's rows added."""
    totals = Totals(*(_with(kept, x) for kept in before))
    rolling.accumulate(x, terms.ticks, origin, square, totals)
    return totals


def _runs(terms: Terms, state: State, x: Floats) -> Runs:
    """Return for how long each value has been known, and the same."""
    runs = Runs(*(np.concatenate([state[name], np.zeros(x.shape, np.int64)]) for name in ("known", "same")))
    rolling.count_runs(_with(state["last"], x), terms.ticks, runs)
    return runs


def _kept_sums(x: Floats, totals: Totals, runs: Runs) -> State:
    return {
        "high": _tail(totals.high, x),
        "low": _tail(totals.low, x),
        "known": runs.known[-1:].copy(),
        "same": runs.same[-1:].copy(),
        "last": x[-1:].copy(),
    }


def _sum(mean: bool) -> Callable[[Terms, State, Inputs, Floats], State]:
    def advance(terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
        x = np.ascontiguousarray(inputs[0])
        totals = _totals(terms, x, np.zeros(terms.instruments), False, state["high"], state["low"])
        runs = _runs(terms, state, x)
        rolling.roll_sum(x, terms.ticks, runs, totals, terms.rows(), mean, out)
        return _kept_sums(x, totals, runs)

    return advance


def _std(terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
    # Around the first value, and not around 0: squares are small, and lose nothing, while x stays near.
    x, origin = np.ascontiguousarray(inputs[0]), state["origin"].copy()
    totals = _totals(terms, x, origin, False, state["high"], state["low"])
    squares = _totals(terms, x, origin, True, state["square_high"], state["square_low"])
    runs = _runs(terms, state, x)
    rolling.roll_std(terms.ticks, runs, totals, squares, terms.rows(), out)
    kept = {"square_high": _tail(squares.high, x), "square_low": _tail(squares.low, x), "origin": origin}
    return {**_kept_sums(x, totals, runs), **kept}


def _start_extremes(terms: Terms) -> State:
    return {"recent": np.full((int(terms.rows().max()), terms.instruments), -np.inf)}


def _extreme(sign: float) -> Callable[[Terms, State, Inputs, Floats], State]:
    """Return the advance of lowest (1) or highest (-1). The state keeps sign * x, -inf where not known."""

    def advance(terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
        x = np.where(np.isfinite(inputs[0]), sign * inputs[0], -np.inf)
        recent = _with(state["recent"], x)
        windows, level, span = terms.rows(), recent, 1
        while span <= windows[-1]:
            first, last = np.searchsorted(windows, [span, 2 * span])
            if first < last:
                rolling.roll_lowest(level, span, windows, first, last, sign, out)
            wider = np.empty_like(level)
            rolling.pair_lowest(level, span, wider)
            level, span = wider, 2 * span
        return {"recent": _tail(recent, x)}

    return advance


def _start_fade(terms: Terms) -> State:
    return {"average": np.zeros((terms.instruments, len(terms.rows()))), "seen": _none_seen(terms)}


def _none_seen(terms: Terms) -> Ints:
    return np.zeros(terms.instruments, np.int64)


def _count(x: Floats, before: Ints) -> Ints:
    """Return how many known values there have been, up to and with each row."""
    seen = np.empty(x.shape, np.int64)
    recursive.count_known(x, before, seen)
    return seen


def _fade(wilder: bool) -> Callable[[Terms, State, Inputs, Floats], State]:
    def advance(terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
        x, n, average = np.ascontiguousarray(inputs[0]), terms.rows(), state["average"].copy()
        plain, rate = (n, 1.0 / n) if wilder else (np.ones_like(n), 2.0 / (n + 1))
        seen = _count(x, state["seen"])
        recursive.fade(x, seen, n, plain, rate, average, out)
        return {"average": average, "seen": seen[-1].copy()}

    return advance


def _start_rsi(terms: Terms) -> State:
    shape = (terms.instruments, len(terms.rows()))
    last = np.full(terms.instruments, np.nan)
    return {"up": np.zeros(shape), "down": np.zeros(shape), "seen": _none_seen(terms), "last": last}


def _rsi(terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
    x, change = np.ascontiguousarray(inputs[0]), np.empty(inputs[0].shape)
    up, down, last = (state[name].copy() for name in ("up", "down", "last"))
    recursive.changes(x, last, change)
    seen = _count(change, state["seen"])
    recursive.roll_rsi(change, seen, terms.rows(), up, down, out)
    return {"up": up, "down": down, "seen": seen[-1].copy(), "last": last}


def _start_hysteresis(terms: Terms) -> State:
    return {"on": np.full((terms.instruments, len(terms.numbers("low"))), np.nan)}


def _hysteresis(terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
    on = state["on"].copy()
    recursive.switch(np.ascontiguousarray(inputs[0]), terms.numbers("low"), terms.numbers("high"), on, out)
    return {"on": on}


def _start_last(terms: Terms) -> State:
    return {"last": np.full(terms.instruments, np.nan)}


def _last(kernel: Callable[..., None]) -> Callable[[Terms, State, Inputs, Floats], State]:
    """Return the advance of a kernel that remembers its last answer, one an instrument."""

    def advance(_terms: Terms, state: State, inputs: Inputs, out: Floats) -> State:
        last = state["last"].copy()
        kernel(*map(np.ascontiguousarray, inputs), last, out.reshape(inputs[0].shape))
        return {"last": last}

    return advance


def _across(kernel: Callable[[Floats, Floats], None]) -> Operator:
    """Return the operator that compares the instruments of a row, and remembers nothing."""

    def advance(_terms: Terms, _state: State, inputs: Inputs, out: Floats) -> State:
        kernel(np.ascontiguousarray(inputs[0]), out.reshape(inputs[0].shape))
        return {}

    return Operator((), _one, _nothing, lambda _: {}, advance)


def _itself(n: int) -> int:
    return n


def _one_more(n: int) -> int:
    return n + 1


def _one(*_: float) -> int:
    return 1


def _nothing(*_: float) -> int:
    return 0


_N = ("n",)
OPERATORS: dict[str, Operator] = {
    "delay": Operator(_N, _one_more, _itself, _start_recent, _delay, exact=True),
    "total": Operator(_N, _itself, _itself, _start_sums, _sum(mean=False)),
    "sma": Operator(_N, _itself, _itself, _start_sums, _sum(mean=True)),
    "std": Operator(_N, _itself, _itself, _start_std, _std),
    "lowest": Operator(_N, _itself, _itself, _start_extremes, _extreme(1.0), exact=True),
    "highest": Operator(_N, _itself, _itself, _start_extremes, _extreme(-1.0), exact=True),
    "ema": Operator(_N, _itself, _nothing, _start_fade, _fade(wilder=False)),
    "wilder": Operator(_N, _itself, _nothing, _start_fade, _fade(wilder=True)),
    "rsi": Operator(_N, _one_more, _nothing, _start_rsi, _rsi),
    "hysteresis": Operator(("low", "high"), _one, _nothing, _start_hysteresis, _hysteresis),
    "hold": Operator((), _one, _nothing, _start_last, _last(recursive.hold), exact=True),
    "latch": Operator((), _one, _nothing, _start_last, _last(recursive.latch)),
    "rank": _across(rows.rank),
    "place": _across(rows.place),
    "demean": _across(rows.demean),
    "zscore": _across(rows.zscore),
}

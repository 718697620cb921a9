"""The operators with a memory, as a table: what each is told, remembers and computes.

They run as *banks*: one operator over the same inputs with W sets of parameters, advanced together. `start`
makes the state of a bank that has seen nothing, a dict of arrays; it is all that a bank remembers, and what a
checkpoint keeps. `advance` reads the inputs' next rows, float64[n, I] each, writes W columns of a wider
table, float64[n, I, *], from the first on, and returns the state after them. It changes no state that it is
given, so one that was handed out stays what it was.

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
Advance = Callable[["Settings", State, Inputs, Floats, int], State]


class Settings(NamedTuple):
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
    start: Callable[[Settings], State]
    advance: Advance
    exact: bool = False  # of inputs in whole ticks it says whole ticks


def _appended(kept: Floats, chunk: Floats) -> tuple[Floats, Floats]:
    """Return the rows from before with the chunk's, and as many of the last of them to keep."""
    rows = np.concatenate([kept, chunk])
    return rows, rows[len(chunk) :].copy()


def _start_recent(settings: Settings) -> State:
    return {"recent": np.full((int(settings.rows().max()), settings.instruments), np.nan)}


def _delay(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
    recent, kept = _appended(state["recent"], inputs[0])
    longest, count = len(kept), len(inputs[0])
    for w, n in enumerate(settings.rows()):
        out[:, :, first + w] = recent[longest - n : longest - n + count]
    return {"recent": kept}


def _start_sums(settings: Settings) -> State:
    return {
        "totals": np.zeros((2, int(settings.rows().max()), settings.instruments)),
        "runs": np.zeros((2, settings.instruments), np.int64),
        "last": np.full(settings.instruments, np.nan),
    }


def _start_std(settings: Settings) -> State:
    sums = _start_sums(settings)
    return {**sums, "squares": sums["totals"].copy(), "origin": np.full(settings.instruments, np.nan)}


def _totals(
    settings: Settings, kept: Floats, x: Floats, origin: Floats, square: bool
) -> tuple[Totals, Floats]:
    """Return totals with the chunk's rows added, and what to keep of them. kept: float64[2, H, I]."""
    room = np.empty((2, kept.shape[1] + len(x), settings.instruments))
    room[:, : kept.shape[1]] = kept
    totals = Totals(room[0], room[1])
    rolling.accumulate(x, settings.ticks, origin, square, totals)
    return totals, room[:, len(x) :].copy()


def _runs(settings: Settings, state: State, x: Floats) -> tuple[Runs, State]:
    """Return for how long each value has been known, and the same; and what to keep of that."""
    room, now, last = np.empty((2, *x.shape), np.int64), state["runs"].copy(), state["last"].copy()
    runs = Runs(room[0], room[1])
    rolling.count_runs(x, settings.ticks, last, Runs(now[0], now[1]), runs)
    return runs, {"runs": now, "last": last}


def _sum(mean: bool) -> Advance:
    def advance(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
        x = np.ascontiguousarray(inputs[0])
        totals, kept = _totals(settings, state["totals"], x, np.zeros(settings.instruments), square=False)
        runs, counts = _runs(settings, state, x)
        rolling.roll_sum(x, settings.ticks, runs, totals, settings.rows(), mean, out, first)
        return {"totals": kept, **counts}

    return advance


def _std(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
    # Around the first value, and not around 0: squares are small, and lose nothing, while x stays near.
    x, origin = np.ascontiguousarray(inputs[0]), state["origin"].copy()
    totals, kept = _totals(settings, state["totals"], x, origin, square=False)
    squares, kept_squares = _totals(settings, state["squares"], x, origin, square=True)
    runs, counts = _runs(settings, state, x)
    rolling.roll_std(settings.ticks, runs, totals, squares, settings.rows(), out, first)
    return {"totals": kept, "squares": kept_squares, "origin": origin, **counts}


def _start_extremes(settings: Settings) -> State:
    return {"recent": np.full((int(settings.rows().max()), settings.instruments), -np.inf)}


def _extreme(sign: float) -> Advance:
    """Return the advance of lowest (1) or highest (-1). The state keeps sign * x, -inf where not known."""

    def advance(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
        x = np.where(np.isfinite(inputs[0]), sign * inputs[0], -np.inf)
        n, before = settings.rows(), len(state["recent"])
        level = np.frexp(n)[1] - 1  # 2**level is the longest that a window is twice at least
        levels = np.empty((level.max() + 1, before + len(x), settings.instruments))
        levels[0, :before], levels[0, before:] = state["recent"], x
        rolling.widen(levels)
        near = level * levels[0].size + before * settings.instruments
        far = near - (n - 2**level) * settings.instruments
        rolling.roll_lowest(levels.reshape(-1), near, far, sign, len(x), settings.instruments, out, first)
        return {"recent": levels[0, len(x) :].copy()}

    return advance


def _start_fade(settings: Settings) -> State:
    return {"average": np.zeros((settings.instruments, len(settings.rows()))), "seen": _none_seen(settings)}


def _none_seen(settings: Settings) -> Ints:
    return np.zeros(settings.instruments, np.int64)


def _count(x: Floats, before: Ints) -> Ints:
    """Return how many known values there have been, up to and with each row."""
    seen = np.empty(x.shape, np.int64)
    recursive.count_known(x, before, seen)
    return seen


def _fade(wilder: bool) -> Advance:
    def advance(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
        x, n, average = np.ascontiguousarray(inputs[0]), settings.rows(), state["average"].copy()
        plain, rate = (n, 1.0 / n) if wilder else (np.ones_like(n), 2.0 / (n + 1))
        seen = _count(x, state["seen"])
        recursive.fade(x, seen, n, plain, rate, average, out, first)
        return {"average": average, "seen": seen[-1].copy()}

    return advance


def _start_rsi(settings: Settings) -> State:
    shape = (settings.instruments, len(settings.rows()))
    last = np.full(settings.instruments, np.nan)
    return {"up": np.zeros(shape), "down": np.zeros(shape), "seen": _none_seen(settings), "last": last}


def _rsi(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
    x, change = np.ascontiguousarray(inputs[0]), np.empty(inputs[0].shape)
    up, down, last = (state[name].copy() for name in ("up", "down", "last"))
    recursive.changes(x, last, change)
    seen = _count(change, state["seen"])
    recursive.roll_rsi(change, seen, settings.rows(), up, down, out, first)
    return {"up": up, "down": down, "seen": seen[-1].copy(), "last": last}


def _start_hysteresis(settings: Settings) -> State:
    return {"on": np.full((settings.instruments, len(settings.numbers("low"))), np.nan)}


def _hysteresis(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
    on = state["on"].copy()
    recursive.switch(
        np.ascontiguousarray(inputs[0]), settings.numbers("low"), settings.numbers("high"), on, out, first
    )
    return {"on": on}


def _start_last(settings: Settings) -> State:
    return {"last": np.full(settings.instruments, np.nan)}


def _last(kernel: Callable[..., None]) -> Advance:
    """Return the advance of a kernel that remembers its last answer, one an instrument."""

    def advance(_terms: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
        last = state["last"].copy()
        said = np.empty(inputs[0].shape)
        kernel(*map(np.ascontiguousarray, inputs), last, said)
        out[:, :, first] = said
        return {"last": last}

    return advance


def _across(kernel: Callable[[Floats, Floats], None]) -> Operator:
    """Return the operator that compares the instruments of a row, and remembers nothing."""

    def advance(_terms: Settings, _state: State, inputs: Inputs, out: Floats, first: int) -> State:
        said = np.empty(inputs[0].shape)
        kernel(np.ascontiguousarray(inputs[0]), said)
        out[:, :, first] = said
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

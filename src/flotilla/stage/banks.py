"""The operators with a memory, as a table: what each is told, remembers and computes.

They run as *banks*: one operator over the same inputs with W sets of parameters, advanced together. `start`
makes the state of a bank that has seen nothing, a dict of arrays; it is all that a bank remembers, and what a
checkpoint keeps. `advance` reads the inputs' next rows, float64[n, I] each, writes W columns of a wider
table, float64[n, I, *], from the first on, and returns the state after them. It changes no state that it is
given, so one that was handed out stays what it was.

The parameters' sets come sorted. Windows keep as many rows as they need, and never more than there were: one
that is longer than the data says NaN, and costs nothing (`_reached`). What an operator says of missing values
stands with its function in `stage.operators`; how it computes, in `kernel`.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError
from flotilla.kernel import cross_section, recursive, rolling
from flotilla.kernel.rolling import Runs, Totals
from flotilla.model.arrays import Floats, Ints

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
    keeps: Callable[
        ..., int
    ]  # rows kept from before a chunk, as far as there were; 0 if what is kept does not grow with a window
    start: Callable[[Settings], State]
    advance: Advance
    exact: bool = False  # of inputs in whole ticks it says whole ticks


def _reached(settings: Settings, kept: int, x: Floats, out: Floats, first: int) -> Ints:
    """Return the windows that reach no further back than there are rows; the longer ones say NaN.

    kept: how many rows are there from before the chunk.
    """
    n = settings.rows()
    near = n[: np.searchsorted(n, kept + len(x), side="right")]
    out[:, :, first + len(near) : first + len(n)] = np.nan
    return near


def _appended(kept: Floats, x: Floats, near: Ints, blank: float) -> Floats:
    """Return the rows from before with the chunk's, and blank ones as far as a window reaches before them."""
    missing = max(int(near[-1]) - len(kept), 0) if len(near) else 0
    return np.concatenate([np.full((missing, *kept.shape[1:]), blank), kept, x])


def _latest(rows: Floats, seen: int, settings: Settings) -> Floats:
    """Return the last rows, of `seen` that there have been, that the longest window may still look at."""
    return rows[len(rows) - min(int(settings.rows()[-1]), seen) :].copy()


def _start_recent(settings: Settings) -> State:
    return {"recent": np.empty((0, settings.instruments))}


def _delay(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
    kept, x = state["recent"], inputs[0]
    near = _reached(settings, len(kept), x, out, first)
    rows, count = _appended(kept, x, near, np.nan), len(x)
    for w, n in enumerate(near):
        out[:, :, first + w] = rows[len(rows) - count - n : len(rows) - n]
    return {"recent": _latest(rows, len(kept) + count, settings)}


def _start_sums(settings: Settings) -> State:
    return {
        "totals": np.zeros((2, 1, settings.instruments)),  # one row before all: nothing yet
        "runs": np.zeros((2, settings.instruments), np.int64),
        "last": np.full(settings.instruments, np.nan),
    }


def _start_std(settings: Settings) -> State:
    sums = _start_sums(settings)
    return {**sums, "squares": sums["totals"].copy(), "origin": np.full(settings.instruments, np.nan)}


def _totals(
    settings: Settings, kept: Floats, x: Floats, near: Ints, origin: Floats, square: bool
) -> tuple[Totals, Floats]:
    """Return totals with the chunk's rows added, and what to keep of them. kept: float64[2, H, I]."""
    before = max(kept.shape[1], int(near[-1]) if len(near) else 0)
    room = np.zeros((2, before + len(x), settings.instruments))
    room[:, before - kept.shape[1] : before] = kept
    totals = Totals(room[0], room[1])
    rolling.accumulate(x, settings.ticks, origin, square, totals)
    keep = min(int(settings.rows()[-1]), kept.shape[1] + len(x))
    return totals, room[:, room.shape[1] - keep :].copy()


def _runs(settings: Settings, state: State, x: Floats) -> tuple[Runs, State]:
    """Return for how long each value has been known, and the same; and what to keep of that."""
    room, now, last = np.empty((2, *x.shape), np.int64), state["runs"].copy(), state["last"].copy()
    runs = Runs(room[0], room[1])
    rolling.count_runs(x, settings.ticks, last, Runs(now[0], now[1]), runs)
    return runs, {"runs": now, "last": last}


def _sum(mean: bool) -> Advance:
    def advance(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
        x, kept = np.ascontiguousarray(inputs[0]), state["totals"]
        near = _reached(settings, kept.shape[1] - 1, x, out, first)
        totals, kept = _totals(settings, kept, x, near, np.zeros(settings.instruments), square=False)
        runs, counts = _runs(settings, state, x)
        rolling.roll_sum(x, settings.ticks, runs, totals, near, mean, out, first)
        return {"totals": kept, **counts}

    return advance


def _std(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
    # Around the first value, and not around 0: squares are small, and lose nothing, while x stays near.
    x, origin = np.ascontiguousarray(inputs[0]), state["origin"].copy()
    near = _reached(settings, state["totals"].shape[1] - 1, x, out, first)
    totals, kept = _totals(settings, state["totals"], x, near, origin, square=False)
    squares, kept_squares = _totals(settings, state["squares"], x, near, origin, square=True)
    runs, counts = _runs(settings, state, x)
    rolling.roll_std(settings.ticks, runs, totals, squares, near, out, first)
    return {"totals": kept, "squares": kept_squares, "origin": origin, **counts}


def _extreme(sign: float) -> Advance:
    """Return the advance of lowest (1) or highest (-1). The state keeps sign * x, -inf where not known."""

    def advance(settings: Settings, state: State, inputs: Inputs, out: Floats, first: int) -> State:
        x, kept = np.where(np.isfinite(inputs[0]), sign * inputs[0], -np.inf), state["recent"]
        n = _reached(settings, len(kept), x, out, first)
        rows = _appended(kept, x, n, -np.inf)
        if len(n):
            before, level = len(rows) - len(x), np.frexp(n)[1] - 1  # a window is twice 2**level at most
            levels = np.empty((level.max() + 1, *rows.shape))
            levels[0] = rows
            rolling.widen(levels)
            near = level * levels[0].size + before * settings.instruments
            far = near - (n - 2**level) * settings.instruments
            flat = levels.reshape(-1)
            rolling.roll_lowest(flat, near, far, sign, len(x), settings.instruments, out, first)
        return {"recent": _latest(rows, len(kept) + len(x), settings)}

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
        if wilder:
            plain, rate = n, 1.0 / n
        else:
            plain, rate = np.where(settings.parameters["start"] == "mean", n, 1), 2.0 / (n + 1)
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


def _of(settings: Settings, _state: State, inputs: Inputs, out: Floats, first: int) -> State:
    for w, column in enumerate(_placed(settings)):
        out[:, :, first + w] = inputs[0][:, [column]]
    return {}


def _named(settings: Settings, _state: State, _inputs: Inputs, out: Floats, first: int) -> State:
    for w, column in enumerate(_placed(settings)):
        out[:, :, first + w] = np.arange(settings.instruments) == column
    return {}


def _placed(settings: Settings) -> Ints:
    """Return the columns of the instruments that were named: int64[W]."""
    columns = settings.rows("column")
    if (columns < 0).any():
        raise ConfigError(
            f"nobody said which column {settings.parameters['name'][0]} is: see stage.plan.placed"
        )
    return columns


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


def _first(n: int, _: str) -> int:
    return n


def _one(*_: object) -> int:
    return 1


def _nothing(*_: object) -> int:
    return 0


_N = ("n",)
OPERATORS: dict[str, Operator] = {
    "delay": Operator(_N, _one_more, _itself, _start_recent, _delay, exact=True),
    "rolling_sum": Operator(_N, _itself, _itself, _start_sums, _sum(mean=False)),
    "sma": Operator(_N, _itself, _itself, _start_sums, _sum(mean=True)),
    "std": Operator(_N, _itself, _itself, _start_std, _std),
    "rolling_min": Operator(_N, _itself, _itself, _start_recent, _extreme(1.0), exact=True),
    "rolling_max": Operator(_N, _itself, _itself, _start_recent, _extreme(-1.0), exact=True),
    "ema": Operator(("n", "start"), _first, _nothing, _start_fade, _fade(wilder=False)),
    "rma": Operator(_N, _itself, _nothing, _start_fade, _fade(wilder=True)),
    "rsi": Operator(_N, _one_more, _nothing, _start_rsi, _rsi),
    "hysteresis": Operator(("low", "high"), _one, _nothing, _start_hysteresis, _hysteresis),
    "ffill": Operator((), _one, _nothing, _start_last, _last(recursive.ffill), exact=True),
    "latch": Operator((), _one, _nothing, _start_last, _last(recursive.latch)),
    "of": Operator(("name", "column"), _one, _nothing, lambda _: {}, _of),
    "named": Operator(("name", "column"), _one, _nothing, lambda _: {}, _named),
    "rank": _across(cross_section.rank),
    "rank_from_top": _across(cross_section.rank_from_top),
    "demean": _across(cross_section.demean),
    "zscore": _across(cross_section.zscore),
}

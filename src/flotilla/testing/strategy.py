"""The promises of a strategy, tried one by one on a made market.

    inputs   what it was handed, rows and parameters, is afterwards what it was
    range    a signal is between -1 and 1, or NaN for none; one for each instrument and row
    again    built and run again, it says the same
    chunks   any split of the rows gives the same bits: a bar at a time, as live hands them in, and others
    prefix   what it says at a row does not change when later rows arrive: no row sees the future
    replay   its state, written down and read back, goes on as if nothing had happened
    window   a Window says NaN until it is full

The market goes through bar by bar once, so nearly all are tried on every row, not on a sample. It is the
runner of research and of live that is used, and the state goes through the bytes of a checkpoint.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flotilla.errors import ConfigError, StageError
from flotilla.model.arrays import Floats
from flotilla.model.panel import Panel
from flotilla.plugins import find
from flotilla.stage.calendar import calendar_fields
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, walk
from flotilla.stage.fold import Fold
from flotilla.stage.plan import placed, warm_up
from flotilla.stage.window import Stage, Window, stage_node
from flotilla.stream.arrays import decode_arrays, encode_arrays
from flotilla.testing.market import made_market
from flotilla.words import cut

Target = Callable[..., Any]

_SHIFTS = 4  # first rows left out, to tell what depends on where they begin
_MAXIMUM = 100_000  # bars of a made market: they go through one by one
_TRIED = 20  # rows that are tried alone, to tell what is seen too early from what is forgotten


def check_strategy(
    target: Target | Node | Stage | str, market: Panel | None = None, /, **params: Any
) -> None:
    """Raise AssertionError, with the row and what it means, if a strategy breaks a promise.

    target: what gives an expression, a Window, a Fold or an OnBar when called with the parameters; or one of
    these, made already, without any; or the name of an installed strategy, or "my_file:Thing". market: what
    it is tried on; a made one, long enough for it, if None. ConfigError where it would be too long.
    """
    trial = _Trial(_called(target, params), params, market)
    whole = trial.run([])
    _check_range(trial, whole)
    trial.compare(whole, trial.run([]), "says one thing, and another when it is built and run again")
    bars = trial.bars
    trial.compare_bar_by_bar(whole, trial.run(range(1, bars)))
    for cuts in ([bars // 2], [1, 2, bars // 3, bars - 1], range(7, bars, 7)):
        how = f"says one thing in one chunk, and another with the rows cut at {_few(cuts)}"
        trial.compare(whole, trial.run(cuts), f"{how}: all that it remembers must be in its state")
    for at in (1, bars // 3, bars // 2, bars - 1):
        how = f"goes on differently when its state is written down after {at} rows and read back"
        trial.compare(whole, trial.run_restarted(at), f"{how}: something it remembers is not in its state")


def _called(target: Target | Node | Stage | str, params: dict[str, Any]) -> Target:
    """Return what gives the strategy when it is called."""
    if isinstance(target, str):
        found: Target = find("strategy", target)
        return found
    if isinstance(target, Node | Stage):
        if params:
            raise ConfigError(
                f"{type(target).__name__} is made already and takes no {', '.join(params)}: give its class, "
                "or the function that makes it"
            )
        return lambda: target
    if not callable(target):
        raise ConfigError(f"a strategy is a function, a class, an expression or a name; it is {cut(target)}")
    return target


class _Watching(ChunkRunner):
    """A runner that looks at what it handed to a stage once more when the stage is done with it."""

    def _call(self, stage: Any, method: Callable[..., Any], *args: Any) -> Any:
        handed = args[isinstance(stage, Fold) :]  # without the state, which is its own
        before = [x.copy() for x in handed]
        try:
            said = super()._call(stage, method, *args)
        except StageError as error:
            if "read-only" in str(error):
                raise AssertionError(f"it writes to what it is handed: {error}") from error
            raise
        for x, was in zip(handed, before, strict=True):
            for t, i in np.argwhere(_differ(x, was)).tolist():
                author = getattr(stage, "on_bar", method)
                code = inspect.unwrap(author).__code__
                raise AssertionError(
                    f"it changed what it was handed: {type(stage).__name__}.{author.__name__} "
                    f"({code.co_filename}, line {code.co_firstlineno}) made {x[t, i]} of {was[t, i]} in "
                    f"row {t}; write into a copy of it, x.copy()"
                )
        return said


class _Trial:
    """One strategy, its parameters, and the market that it is tried on."""

    def __init__(self, target: Target, params: dict[str, Any], market: Panel | None) -> None:
        self.target, self.params = target, params
        node = self._built()
        stage = node.params[0] if node.op == "stage" else None
        self.lookback = stage.lookback if isinstance(stage, Window) else 0
        self.warm_up = warm_up(node)
        bars = max(300, 3 * self.warm_up)
        if market is None and bars > _MAXIMUM:
            raise ConfigError(
                f"it needs {self.warm_up:,} rows for its first signal: a made market of {bars:,} bars is too "
                f"long, it has up to {_MAXIMUM:,}; give smaller parameters, or a market of your own"
            )
        self.market = market or made_market(bars=bars)
        self.bars, self.instruments = self.market.shape
        times = (self.market.ts_event, self.market.ts_recv)
        calendar = calendar_fields(*times, self.market.zone, self.instruments)
        self.fields: dict[str, Floats] = {**self.market.fields, **calendar}

    @contextmanager
    def running(self) -> Iterator[ChunkRunner]:
        """Build the strategy anew, open it, and give what runs it; close it after."""
        node = self._built()
        with ExitStack() as stack:
            for stage in (n.params[0] for n in walk([node]) if n.op == "stage"):
                stage.open()
                stack.callback(stage.close)
            roots = placed([node], self.market.instruments)
            yield _Watching(roots, self.instruments, self.market.ticks_per_unit)

    def run(self, cuts: Sequence[int]) -> Floats:
        """Return what the strategy, built anew, says when the rows are cut so: float64[T, I]."""
        with self.running() as runner:
            return np.concatenate(
                [self._said(runner, a, b) for a, b in zip([0, *cuts], [*cuts, self.bars], strict=True)]
            )

    def run_restarted(self, at: int) -> Floats:
        """Return what it says when it is built anew after some rows, from the bytes of its state then."""
        with self.running() as runner:
            before = self._said(runner, 0, at)
            state = encode_arrays(runner.state())
        with self.running() as runner:
            runner.restore(decode_arrays(state))
            return np.concatenate([before, self._said(runner, at, self.bars)])

    def _said(self, runner: ChunkRunner, a: int, b: int) -> Floats:
        rows = {name: values[a:b] for name, values in self.fields.items()}
        return runner.advance(rows, self.market.ts_event[a:b])[:, :, 0]

    def compare_bar_by_bar(self, whole: Floats, single: Floats) -> None:
        """Raise if a bar at a time is not the whole: the future was seen, or the past forgotten."""
        found = _differ(whole, single)
        for t in np.flatnonzero(found.any(axis=1))[:_TRIED].tolist():
            past = self._chunk(0, t + 1)[-1]
            for i in np.flatnonzero(_differ(past, whole[t])).tolist():
                raise AssertionError(
                    f"{self.at(t, i)} saw the future: it says {whole[t, i]} when later rows are there, "
                    f"and {past[i]} when they are not yet"
                )
        for t, i in np.argwhere(found).tolist():
            why = self._why(whole, int(np.flatnonzero(found.any(axis=1))[-1]))
            raise AssertionError(
                f"{self.at(t, i)} says {whole[t, i]} when the rows come in one chunk, and {single[t, i]} "
                f"when they come a bar at a time, as live hands them in: {why}"
            )

    def _why(self, whole: Floats, t: int) -> str:
        """Return why rows are others when they come a bar at a time. t: the last that is."""
        if not self.lookback:
            return "all that it remembers must be in its state"
        late = slice(-self.bars // 4, None)  # long after any window is full
        if any(_differ(self._chunk(a, self.bars)[late], whole[late]).any() for a in range(1, _SHIFTS)):
            return (
                "what it says of a row depends on where the rows that it is handed begin: late rows are "
                "others when the first few are left out. It looks back as far as there are rows, adds up "
                "along them, or counts from the first (as `if t % 20` does). Use the last "
                f"{self.lookback} rows of each alone, or write a Fold, which counts in its state"
            )
        few, enough = self.lookback, t + 1
        while few + 1 < enough:
            middle = (few + enough) // 2
            differs = _differ(self._chunk(t + 1 - middle, t + 1)[-1], whole[t]).any()
            few, enough = (middle, enough) if differs else (few, middle)
        return (
            f"it looks back further than its lookback of {self.lookback} rows; "
            f"row {t} needs {enough}, so say lookback = {enough} or more"
        )

    def _chunk(self, a: int, b: int) -> Floats:
        """Return what it says, built anew, of rows a to b (b not included) as its first chunk."""
        with self.running() as runner:
            return self._said(runner, a, b)

    def compare(self, whole: Floats, other: Floats, what: str) -> None:
        """Raise if the two are not the same bits. what: what that means."""
        for t, i in np.argwhere(_differ(whole, other)).tolist():
            raise AssertionError(f"{self.at(t, i)} {what} ({whole[t, i]}, {other[t, i]})")

    def _built(self) -> Node:
        before = {name: repr(value) for name, value in self.params.items()}
        made = self.target(**self.params)
        for name, value in self.params.items():
            if repr(value) != before[name]:
                raise AssertionError(
                    f"it changed its parameter {name} from {before[name]} to {value!r}: "
                    "what it is handed is not its own; work on a copy"
                )
        if isinstance(made, Node):
            return made
        if isinstance(made, Stage):
            return stage_node(made)
        raise ConfigError(
            f"a strategy gives an expression, a Window, a Fold or an OnBar, not a {type(made).__name__}"
        )

    def at(self, t: int, i: int) -> str:
        """Return a place in words."""
        return f"row {t} ({self.market.instruments[i]})"


def _check_range(trial: _Trial, whole: Floats) -> None:
    """Raise if a signal is out of range, comes before a window is full, or never comes."""
    for t, i in np.argwhere(np.abs(whole) > 1.0).tolist():
        raise AssertionError(
            f"{trial.at(t, i)} says {whole[t, i]}: a signal is between -1 and 1, or NaN for none"
        )
    for t, i in np.argwhere(~np.isnan(whole[: max(trial.lookback - 1, 0)])).tolist():
        raise AssertionError(
            f"{trial.at(t, i)} has a signal before its window of {trial.lookback} rows is full"
        )
    if np.isnan(whole).all():
        raise AssertionError(
            f"it has no signal in any of {trial.bars} rows; by its plan it needs {trial.warm_up}"
        )


def _differ(a: Floats, b: Floats) -> NDArray[np.bool_]:
    """Return where two arrays are not the same bits; any NaN is like another."""
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    differ: NDArray[np.bool_] = (a.view(np.int64) != b.view(np.int64)) & ~(np.isnan(a) & np.isnan(b))
    return differ


def _few(cuts: Sequence[int]) -> str:
    shown = ", ".join(str(cut) for cut in cuts[:4])
    return shown + (", ..." if len(cuts) > 4 else "")

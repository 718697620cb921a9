import numba
import numpy as np
import pytest

from flotilla.errors import StageError
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import Node, close
from flotilla.stage.fold import Fold, OnBar, Row
from flotilla.stage.operators import delay
from flotilla.stage.window import stage_node
from flotilla.stream.arrays import decode_arrays, encode_arrays

X = np.random.default_rng(2).normal(size=(30, 3))


class Sum(Fold):
    """The sum of all rows so far."""

    def start(self, instruments):
        return {"total": np.zeros(instruments), "rows": [0]}

    def advance(self, state, x):
        out = np.empty_like(x)
        for t in range(len(x)):
            state["total"] += x[t]
            state["rows"][0] += 1
            out[t] = state["total"]
        return out


class BarByBar(OnBar):
    """The same, written a bar at a time."""

    inputs = ("close", "high")

    def start(self, instruments):
        return {"total": np.zeros(instruments)}

    def on_bar(self, state, bar):
        assert bar.high is not None
        state["total"] += bar.close
        return state["total"]


def run(stage, cuts=(), restart=False):
    runner, said = ChunkRunner([stage_node(stage)], 3, np.zeros(3)), []
    for a, b in zip([0, *cuts], [*cuts, 30], strict=True):
        if restart:
            state = decode_arrays(encode_arrays(runner.state()))
            runner = ChunkRunner([stage_node(stage)], 3, np.zeros(3))
            runner.restore(state)
        said.append(runner.advance({"close": X[a:b], "high": X[a:b]})[:, :, 0])
    return np.concatenate(said)


@pytest.mark.parametrize("stage", [Sum, BarByBar])
def test_a_fold_carries_its_state_from_chunk_to_chunk_and_over_a_restart(stage):
    expected = []
    total = np.zeros(3)
    for row in X:
        total = total + row
        expected.append(total)

    np.testing.assert_array_equal(run(stage()), expected)
    np.testing.assert_array_equal(run(stage(), [1, 2, 17]), expected)
    np.testing.assert_array_equal(run(stage(), range(1, 30), restart=True), expected)


def test_a_state_that_was_handed_out_stays_as_it_was():
    runner = ChunkRunner([stage_node(Sum())], 3, np.zeros(3))
    runner.advance({"close": X[:10]})

    state = runner.state()
    before = encode_arrays(state)
    runner.advance({"close": X[10:]})
    again = ChunkRunner([stage_node(Sum())], 3, np.zeros(3))
    again.restore(state)
    again.advance({"close": X[10:]})

    assert encode_arrays(state) == before
    assert encode_arrays(again.state()) == encode_arrays(runner.state())


@pytest.mark.parametrize(
    ("kind", "lacks"), [(Fold, r"^stage Fold: .* a start\(\)$"), (OnBar, r"^stage OnBar: .* a start\(\)$")]
)
def test_a_fold_without_a_state_says_so(kind, lacks):
    with pytest.raises(StageError, match=lacks):
        run(kind())


def test_a_fold_without_a_computation_says_so():
    class Begun(Fold):
        def start(self, instruments):
            return np.zeros(instruments)

    class BegunOnBar(OnBar):
        def start(self, instruments):
            return np.zeros(instruments)

    with pytest.raises(
        StageError, match=r"^stage Begun: it does not say how it moves on: give it an advance\(\)$"
    ):
        run(Begun())
    with pytest.raises(StageError, match=r"^stage BegunOnBar.*: it gives no signal: give it an on_bar\(\)$"):
        run(BegunOnBar())


def test_a_bar_has_an_expression_under_the_name_that_it_is_given():
    class Above(BarByBar):
        inputs = {"close": "close", "before": delay(close, 1)}  # noqa: RUF012

        def on_bar(self, state, bar):
            return bar.close > bar.before

    expected = np.zeros((30, 3))
    expected[1:] = X[1:] > X[:-1]

    np.testing.assert_array_equal(run(Above()), expected)


def test_an_expression_without_a_name_is_refused_with_how_to_name_it():
    class Unnamed(BarByBar):
        inputs = ("close", delay(close, 1))

    with pytest.raises(StageError, match=r'no name .* inputs = {"my_name": delay\(close, 1\)}'):
        stage_node(Unnamed())


def test_a_name_is_one_that_can_be_read():
    class Odd(BarByBar):
        inputs = {"my close": close}  # noqa: RUF012

    with pytest.raises(StageError, match="Odd: its input close has no name to read it by"):
        stage_node(Odd())


def test_a_stage_cannot_write_to_what_it_is_handed_and_is_told_the_line_and_the_bar():
    class Writing(BarByBar):
        def on_bar(self, state, bar):
            if bar.close[0] == X[17, 0]:
                bar.close[0] = 0.0
            return super().on_bar(state, bar)

    market = X.copy()
    runner = ChunkRunner([stage_node(Writing())], 3, np.zeros(3))
    when = np.arange(30) * 86_400_000_000_000

    with pytest.raises(
        StageError,
        match=r"Writing at 1970-01-18T00:00:00Z: .*read-only \(.*test_fold.py, line \d+\); what a stage is "
        r"handed is read-only: write into a copy of it, x.copy\(\)",
    ):
        runner.advance({"close": market, "high": market}, when)
    np.testing.assert_array_equal(market, X)


def test_what_a_fold_gives_may_be_its_state_and_is_read_before_the_next_rows():
    class Lending(Fold):
        def start(self, instruments):
            return np.zeros((1, instruments))

        def advance(self, state, x):
            state += x[-1]
            return state

    stage = stage_node(Lending())
    runner = ChunkRunner([stage, stage * 2.0], 3, np.zeros(3))

    said = np.concatenate([runner.advance({"close": X[t : t + 1]}) for t in range(3)])

    np.testing.assert_array_equal(said[:, :, 0], np.cumsum(X[:3], axis=0))
    np.testing.assert_array_equal(said[:, :, 1], 2.0 * np.cumsum(X[:3], axis=0))


def test_one_stage_with_two_inputs_may_give_the_same_array_twice():
    class Reusing(Fold):
        def start(self, instruments):
            self.room = np.empty((30, 3))
            return {}

        def advance(self, state, x):
            self.room[:] = x
            return self.room

    stage = Reusing()
    a, b = Node("stage", (stage,), (close,)), Node("stage", (stage,), (delay(close, 1),))

    said = ChunkRunner([a, b, a - b], 3, np.zeros(3)).advance({"close": X})

    np.testing.assert_array_equal(said[1:, :, 2], X[1:] - X[:-1])


@numba.njit
def total_of(total, x, out):
    for t in range(len(x)):
        total += x[t]
        out[t] = total


def test_a_fold_may_call_compiled_code_and_is_told_to_leave_out_the_signature():
    class Compiled(Sum):
        kernel = staticmethod(total_of)

        def advance(self, state, x):
            out = np.empty_like(x)
            self.kernel(state["total"], x, out)
            return out

    class Signed(Compiled):
        kernel = staticmethod(numba.njit("void(float64[:], float64[:,:], float64[:,:])")(total_of.py_func))

    np.testing.assert_array_equal(run(Compiled(), [4]), np.cumsum(X, axis=0))
    with pytest.raises(StageError, match="compile the function without a signature"):
        run(Signed())


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda bar: bar.clos, r"the bar has no 'clos'; did you mean close\?"),
        (lambda bar: bar.volume, r"the bar has no 'volume': name it, inputs = \('close', 'volume'\)"),
        (
            lambda bar: bar["close"],
            r"as bar\.close, a value for each instrument, and not as bar\['close'\]",
        ),
        (lambda bar: bar[0], r"not as bar\[0\]"),
    ],
)
def test_a_bar_says_what_it_has(read, told):
    with pytest.raises((AttributeError, TypeError), match=told):
        read(Row(("close",), (np.ones(2),)))

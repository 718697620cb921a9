import numpy as np
import pytest

from flotilla.errors import StageError
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.fold import Fold, OnBar
from flotilla.stage.window import stage_node
from flotilla.stream.arrays import decode, encode

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
            state = decode(encode(runner.state()))
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
    before = encode(state)
    runner.advance({"close": X[10:]})
    again = ChunkRunner([stage_node(Sum())], 3, np.zeros(3))
    again.restore(state)
    again.advance({"close": X[10:]})

    assert encode(state) == before
    assert encode(again.state()) == encode(runner.state())


@pytest.mark.parametrize(("kind", "lacks"), [(Fold, "a start"), (OnBar, "a start")])
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

    with pytest.raises(StageError, match="Begun does not say how it moves on"):
        run(Begun())
    with pytest.raises(StageError, match="BegunOnBar does not say what it thinks"):
        run(BegunOnBar())

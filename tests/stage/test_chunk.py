import numpy as np
import pytest

from flotilla.errors import ConfigError, StageError
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import as_node, close, high
from flotilla.stage.operators import ffill, sma
from flotilla.stage.window import Window, stage_node

X = np.random.default_rng(3).normal(size=(30, 2))


def runner(*roots):
    return ChunkRunner(list(roots), 2, np.zeros(2))


def test_the_roots_come_in_the_order_that_they_were_asked_for():
    a, b, c = sma(close, 9), close * 2, sma(close, 3)

    said = runner(a, b, c).advance({"close": X})

    for k, root in enumerate((a, b, c)):
        np.testing.assert_array_equal(said[:, :, k], runner(root).advance({"close": X})[:, :, 0])
    turned = runner(c, a).advance({"close": X})
    np.testing.assert_array_equal(turned, said[:, :, [2, 0]])


def test_a_root_may_be_asked_for_twice_and_stand_anywhere():
    means = [sma(close, n) for n in range(1, 12)]
    roots = [means[3], *means, close, means[3] - close, means[3], close]

    said = runner(*roots).advance({"close": X})

    for k, root in enumerate(roots):
        np.testing.assert_array_equal(said[:, :, k], runner(root).advance({"close": X})[:, :, 0])


def test_more_rows_than_go_in_one_pass_are_the_same_bits():
    x = np.random.default_rng(4).normal(size=(20_000, 2))
    roots = [sma(close, 5), sma(sma(close, 3) * 2, 4)]

    whole = runner(*roots).advance({"close": x})

    parts = runner(*roots)
    np.testing.assert_array_equal(
        np.concatenate([parts.advance({"close": x[a : a + 999]}) for a in range(0, 20_000, 999)]), whole
    )


def test_a_number_alone_is_a_signal_of_every_row():
    np.testing.assert_array_equal(runner(as_node(0.5)).advance({"close": X})[:, :, 0], np.full((30, 2), 0.5))


def test_a_field_that_the_data_lack_is_named_with_those_they_have():
    with pytest.raises(ConfigError, match="the data has no high; it has close, volume"):
        runner(high > close).advance({"close": X, "volume": X})


def test_a_runner_goes_on_from_another_ones_state_and_neither_moves_the_other():
    first, second = runner(ffill(close), sma(close, 3)), runner(ffill(close), sma(close, 3))
    first.advance({"close": X[:10]})

    second.restore(first.state())
    once = second.advance({"close": X[10:]})

    np.testing.assert_array_equal(first.advance({"close": X[10:]}), once)


class Broken(Window):
    """A strategy with a mistake in it."""

    def over(self, close):
        """Divide by nothing there is."""
        return close / self.missing


def test_a_mistake_in_somebodys_stage_is_told_with_the_stages_name():
    broken = runner(stage_node(Broken()))

    with pytest.raises(StageError, match=r"Broken.*AttributeError.*missing.* \(.*test_chunk\.py, line \d+\)"):
        broken.advance({"close": np.ones((3, 2))})

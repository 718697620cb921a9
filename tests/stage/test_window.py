import numpy as np
import pytest

from flotilla.errors import ConfigError, StageError
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import close, high
from flotilla.stage.operators import sma
from flotilla.stage.window import Window, stage_node


class Spread(Window):
    """The range of the last rows of two inputs, one of them computed."""

    inputs = ("high", sma(close, 2))
    lookback = 3

    def over(self, tops, means):
        self.seen = tops.shape, means.shape
        out = np.full(tops.shape, np.nan)
        for t in range(2, len(tops)):
            out[t] = tops[t - 2 : t + 1].max(axis=0) - means[t - 2 : t + 1].min(axis=0)
        return out


@pytest.fixture
def fields():
    rng = np.random.default_rng(1)
    return {"close": rng.normal(size=(20, 2)), "high": rng.normal(size=(20, 2))}


def test_a_window_reads_fields_and_expressions_and_says_the_same_a_row_at_a_time(fields):
    whole = ChunkRunner([stage_node(Spread())], 2, np.zeros(2)).advance(fields)

    runner = ChunkRunner([stage_node(Spread())], 2, np.zeros(2))
    rows = [runner.advance({k: x[t : t + 1] for k, x in fields.items()}) for t in range(20)]

    np.testing.assert_array_equal(np.concatenate(rows), whole)
    assert not np.isnan(whole[3:]).any()


def test_a_window_is_handed_no_more_rows_than_it_looks_back(fields):
    window = Spread()
    runner = ChunkRunner([stage_node(window)], 2, np.zeros(2))

    runner.advance(fields)
    runner.advance({k: x[:1] for k, x in fields.items()})

    assert window.seen == ((3, 2), (3, 2))


def test_a_window_may_be_part_of_an_expression(fields):
    spread = stage_node(Spread())

    said = ChunkRunner([spread * 2 > high, spread], 2, np.zeros(2)).advance(fields)

    np.testing.assert_array_equal(said[3:, :, 0], said[3:, :, 1] * 2 > fields["high"][3:])


def test_a_window_without_a_computation_says_so(fields):
    class Idle(Window):
        pass

    with pytest.raises(StageError, match=r"stage Idle.*: it computes nothing: give it an over\(\)$"):
        ChunkRunner([stage_node(Idle())], 2, np.zeros(2)).advance(fields)


def test_a_window_that_gives_too_few_rows_is_named(fields):
    class Short(Window):
        def over(self, x):
            return x[1:]

    with pytest.raises(StageError, match=r"Short.*\(19, 2\) for 20 rows of 2 instruments"):
        ChunkRunner([stage_node(Short())], 2, np.zeros(2)).advance(fields)


def test_an_input_is_a_field_or_an_expression():
    class Wrong(Window):
        inputs = (["close"],)

    with pytest.raises(ConfigError, match="not of list"):
        stage_node(Wrong())


def test_a_windows_inputs_may_be_named_and_are_handed_in_in_their_order():
    class Named(Window):
        inputs = {"top": "high", "mean": sma(close, 2)}  # noqa: RUF012

        def over(self, top, mean):
            return top - mean

    assert stage_node(Named()).inputs == (high, sma(close, 2))


def test_one_input_needs_no_brackets():
    class One(Window):
        inputs = "high"

    assert stage_node(One()).inputs == (high,)


@pytest.mark.parametrize("rows", [-3, 0, 2.0, True, "3", None])
def test_a_lookback_is_a_number_of_rows(rows):
    window = Spread()
    window.lookback = rows

    with pytest.raises(StageError, match=f"Spread: its lookback is {rows!r}, and should be a whole number"):
        stage_node(window)


def test_a_lookback_of_numpys_is_one_too():
    window = Spread()
    window.lookback = np.int64(3)

    assert stage_node(window).op == "stage"


def test_what_is_kept_for_the_next_rows_is_as_it_was_handed_in(fields):
    class Forcing(Spread):
        def over(self, tops, means):
            said = super().over(tops, means)
            for rows in (tops, means):
                rows.setflags(write=True)
                np.multiply(rows, 0.0, out=rows)
            return said

    whole = ChunkRunner([stage_node(Spread())], 2, np.zeros(2)).advance(fields)
    before = {name: x.copy() for name, x in fields.items()}
    runner = ChunkRunner([stage_node(Forcing())], 2, np.zeros(2))

    rows = [runner.advance({k: x[t : t + 1] for k, x in fields.items()}) for t in range(20)]

    np.testing.assert_array_equal(np.concatenate(rows), whole)
    for name, x in fields.items():
        np.testing.assert_array_equal(x, before[name])


class Shut(Window):
    """Its parameter stands in place of a method."""

    def __init__(self, name, value):
        setattr(self, name, value)

    def over(self, close):
        return close * 0.0


@pytest.mark.parametrize("name", ["open", "close", "over"])
def test_a_parameter_that_is_called_as_a_method_is_refused(name):
    with pytest.raises(StageError, match=rf"its {name} is 3, and {name}\(\) is a method of every such stage"):
        stage_node(Shut(name, 3))


def test_a_method_may_be_another_function():
    assert stage_node(Shut("open", lambda: None)).op == "stage"

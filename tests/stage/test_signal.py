import numpy as np
import pytest

from flotilla.errors import StageError
from flotilla.stage import Window, close
from flotilla.stage.signal import check_signals, numbers
from flotilla.stage.window import stage_node

TS = np.array([0, 86_400_000_000_000], np.int64)


class Loud(Window):
    """Says what it is asked to."""


@pytest.mark.parametrize("strength", [1.5, -2.0, np.inf, -np.inf])
def test_too_strong_a_signal_is_told_with_its_stage_time_and_instrument(strength):
    said = np.array([[1.0, np.nan], [-1.0, strength]])

    with pytest.raises(
        StageError, match=f"Loud at 1970-01-02T00:00:00Z for B: it says {strength:g}"
    ) as caught:
        check_signals(stage_node(Loud()), said, TS, ("A", "B"))

    assert (caught.value.ts, caught.value.instrument) == (TS[1], "B")


def test_full_signals_and_none_are_fine():
    check_signals(stage_node(Loud()), np.array([[1.0, np.nan], [-1.0, 0.0]]), TS, ("A", "B"))


def test_an_expression_may_say_more_and_is_heard_as_full():
    check_signals(close > 3, np.array([[1.0, 5.0], [-1.0, 0.0]]), TS, ("A", "B"))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (np.array(["1", "0"]), r"'1', a str; it must give numbers, nan for no signal"),
        (np.array([1j, 0]), r"1j, a complex"),
        ([1.0, None], "None; it must"),
        (None, "None; it must"),
        (np.array([object(), 1.0]), "a object"),
        (np.array(["2020-01-01", "2020-01-02"], "datetime64[D]"), "a date"),
        ({"A": 1.0, "B": 0.0}, "a dict"),
        (np.ma.masked_array([1.0, 0.0], [True, False]), r"a masked array; fill it first, x.filled\(np.nan\)"),
        ([1.0], r"\(1,\) for 2 instruments; it must give one number for each, \(2,\)"),
        (1.0, "one number, 1.0, for 2 instruments"),
        ([[1.0, 2.0]], r"\(1, 2\) for 2 instruments"),
        ([[1.0], [2.0, 3.0]], "rows of several lengths for 2 instruments"),
    ],
)
def test_what_is_not_a_number_for_each_is_refused_with_what_came(said, told):
    with pytest.raises(StageError, match=f"stage Window: gave .*{told}"):
        numbers(Window(), said, (2,))


@pytest.mark.parametrize("said", [[True, False], [1, 0], np.array([1, 0], np.float32), (1.0, 0.0)])
def test_truth_values_and_whole_numbers_are_numbers(said):
    found = numbers(Window(), said, (2,))

    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 0.0]

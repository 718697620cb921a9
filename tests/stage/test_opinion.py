import numpy as np
import pytest

from flotilla.errors import StageError
from flotilla.stage import Window, close
from flotilla.stage.opinion import check_opinions
from flotilla.stage.window import stage_node

TS = np.array([0, 86_400_000_000_000], np.int64)


class Loud(Window):
    """Says what it is asked to."""


@pytest.mark.parametrize("strength", [1.5, -2.0, np.inf, -np.inf])
def test_too_strong_an_opinion_is_told_with_its_stage_time_and_instrument(strength):
    said = np.array([[1.0, np.nan], [-1.0, strength]])

    with pytest.raises(
        StageError, match=f"Loud at 1970-01-02T00:00:00Z for B: it says {strength:g}"
    ) as caught:
        check_opinions(stage_node(Loud()), said, TS, ("A", "B"))

    assert (caught.value.ts, caught.value.instrument) == (TS[1], "B")


def test_full_opinions_and_none_are_fine():
    check_opinions(stage_node(Loud()), np.array([[1.0, np.nan], [-1.0, 0.0]]), TS, ("A", "B"))


def test_an_expression_may_say_more_and_is_heard_as_full():
    check_opinions(close > 3, np.array([[1.0, 5.0], [-1.0, 0.0]]), TS, ("A", "B"))

"""What a file says of a run, as typed values."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flotilla.config import decode
from flotilla.config.study import DataConfig, RunConfig, Steps, StrategyConfig
from flotilla.model.terms import PortfolioConfig

LEAST = {"name": "a", "strategies": {"s": {"kind": "k"}}}


def test_the_least_that_is_needed_is_a_name_and_a_strategy():
    assert decode(LEAST) == RunConfig("a", {"s": StrategyConfig("k")}, DataConfig(), PortfolioConfig())


def test_steps_of_decimals_are_the_decimals():
    assert Steps(0.1, 0.5, 0.1).values() == (0.1, 0.2, 0.3, 0.4, 0.5)
    assert Steps(10, 1, -4).values() == (10, 6, 2)
    assert Steps(3, 3, 1).values() == (3,)
    assert Steps(0, 1, 0.5).values() == (0.0, 0.5, 1.0)


@given(
    st.decimals(-1000, 1000, places=3), st.integers(0, 50), st.decimals("0.001", 10, places=3), st.booleans()
)
def test_steps_end_where_they_should(first, count, step, down):
    step = -step if down else step
    last = first + count * step + step * Decimal("0.4")

    values = Steps(float(first), float(last), float(step)).values()

    assert values == tuple(float(first + k * step) for k in range(count + 1))


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-7, 7).filter(bool))
def test_whole_steps_are_those_of_a_range(first, last, step):
    there = list(range(first, last + (1 if step > 0 else -1), step))

    if there:
        assert list(Steps(first, last, step).values()) == there
    else:
        with pytest.raises(ValueError, match="does not lead"):
            Steps(first, last, step).values()

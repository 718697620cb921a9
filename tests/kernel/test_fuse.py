"""From signals and risk to a weight."""

from hypothesis import given
from hypothesis import strategies as st

from flotilla.kernel.fuse import fuse, risk_factor

PART = st.floats(0.0, 1.0)


def test_tolerance_multiplies_the_scale_up_to_all_of_it():
    assert risk_factor(0.5, 1.0) == 0.5
    assert risk_factor(0.5, 1.5) == 0.75
    assert risk_factor(0.5, 3.0) == 1.0
    assert risk_factor(0.0, 3.0) == 0.0


@given(PART)
def test_a_tolerance_of_zero_lets_nothing_through(scale):
    assert risk_factor(scale, 0.0) == 0.0


def test_a_weight_is_signal_by_allocation_by_risk_up_to_the_cap():
    assert fuse(0.5, 0.5, 1.0, 1.0) == 0.25
    assert fuse(0.5, 0.5, 0.5, 1.0) == 0.125
    assert fuse(1.0, 0.5, 1.0, 0.1) == 0.1


@given(st.floats(-1.0, 1.0), st.floats(0.0, 10.0), PART, PART)
def test_a_weight_is_never_short_nor_above_the_cap(signal, allocation, risk, cap):
    assert 0.0 <= fuse(signal, allocation, risk, cap) <= cap


@given(st.floats(-1.0, 0.0))
def test_a_negative_signal_means_flat(signal):
    assert fuse(signal, 1.0, 1.0, 1.0) == 0.0

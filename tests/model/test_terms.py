"""Each term has a default that works, and a range that a file is held to."""

import msgspec
import pytest

from flotilla.model.terms import PortfolioConfig, Rebalance


def test_every_term_has_a_default():
    assert msgspec.convert({}, PortfolioConfig) == PortfolioConfig()


@pytest.mark.parametrize(
    "told",
    [
        {"cash": 0},
        {"fee_bps": -1},
        {"cap": -0.1},
        {"max_drawdown": 1.5},
        {"rebalance": "fortnight"},
        {"fees": 1},
    ],
    ids=str,
)
def test_what_is_out_of_range_or_not_known_is_refused(told):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, PortfolioConfig)


def test_a_rebalance_in_parts_is_on_every_bar_that_drifted_at_all():
    assert msgspec.convert({}, Rebalance) == Rebalance("bar", 0.0)

"""What the parts of a file say of one another."""

import msgspec
import pytest

from flotilla.config import decode
from flotilla.door import parse
from flotilla.errors import ConfigError
from flotilla.model.terms import PortfolioConfig

LEAST = {"name": "a", "strategies": {"s": {"kind": "k"}}}


def wrong(raw):
    """Return what is wrong with a configuration: plain values, or YAML."""
    with pytest.raises(ConfigError) as caught:
        decode(parse(raw) if isinstance(raw, str) else raw, "run.yaml")
    text = str(caught.value)
    assert text.startswith("run.yaml") or isinstance(raw, str)
    return text.removeprefix("run.yaml:").strip()


def test_true_and_one_are_two_values():
    assert decode(LEAST | {"sweep": {"s.on": [True, 1]}}).axes() == {"s.on": (True, 1)}


def test_every_default_is_one_that_the_door_lets_in():
    raw = msgspec.to_builtins(PortfolioConfig())

    assert decode(LEAST | {"portfolio": raw}).portfolio == PortfolioConfig()


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"cash": 1e300}, r"\$.portfolio.cash: expected `float` <= 1e\+?15|1000000000000000"),
        ({"lot": 1e-320}, "is too small: write 0, or at least 1e-12"),
        ({"rebalance": {"every": "change", "band": 0.1}}, "with every: change no drift is looked at"),
        ({"rebalance": "fortnight"}, "rebalance"),
        ({"rebalance": {"band": 1.5}}, "band"),
    ],
)
def test_a_portfolios_numbers_and_words_have_their_bounds(told, message):
    with pytest.raises(ConfigError, match=message):
        decode({"name": "p", "strategies": {"s": {"kind": "ma_cross"}}, "portfolio": told})


@pytest.mark.parametrize("weight", [1e308, 1e-320])
def test_a_weight_that_sums_lose_is_refused_in_a_sweep_too(weight):
    strategies = {"s": {"kind": "ma_cross"}}
    with pytest.raises(ConfigError, match="weight"):
        decode({"name": "p", "strategies": {"s": {"kind": "ma_cross", "weight": weight}}})
    with pytest.raises(ConfigError, match="weight"):
        decode({"name": "p", "strategies": strategies, "sweep": {"s.weight": [1, weight]}})

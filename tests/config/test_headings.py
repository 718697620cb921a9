"""Terms of a portfolio may stand under headings, and what stands under the wrong one is named."""

import pytest

from flotilla.config import as_dict, decode
from flotilla.config.headings import path_of
from flotilla.errors import ConfigError
from flotilla.model.terms import HEADINGS, TERMS, PortfolioConfig
from flotilla.research import configure


def study(portfolio, sweep=None):
    strategies = {"cross": {"kind": "ma_cross"}}
    return {"name": "one", "strategies": strategies, "portfolio": portfolio, "sweep": sweep or {}}


def test_terms_under_their_headings_are_the_same_configuration():
    flat = {"cash": 5.0, "fee_bps": 1.0, "rebalance": {"every": "month"}, "max_drawdown": 0.5}
    headed = {
        "account": {"cash": 5.0},
        "costs": {"fee_bps": 1.0},
        "orders": {"rebalance": {"every": "month"}},
        "limits": {"max_drawdown": 0.5},
    }

    assert decode(study(headed)) == decode(study(flat))
    assert decode(as_dict(decode(study(headed)))) == decode(study(flat))


def test_every_term_has_a_heading_and_every_heading_terms():
    default = PortfolioConfig()
    headed = {
        h: {t.name: getattr(default, t.name) for t in TERMS.values() if t.heading == h} for h in HEADINGS
    }

    assert all(headed.values())
    assert decode(study(headed)).portfolio == default


def test_an_axis_may_have_the_heading_in_its_path():
    sweep = {"portfolio.costs.fee_bps": [1.0, 2.0], "portfolio.orders.rebalance.band": [0.0, 0.1]}
    portfolio = {"orders": {"rebalance": {"every": "month"}}}

    assert [*decode(study(portfolio, sweep)).sweep] == ["portfolio.fee_bps", "portfolio.rebalance.band"]
    assert path_of("cross.fast") == "cross.fast"


def test_python_takes_headings_as_well():
    assert configure("ma_cross", costs={"fee_bps": 3}).portfolio.fee_bps == 3.0
    assert [*configure("ma_cross", sweep={"costs.fee_bps": [1, 2]}).sweep] == ["portfolio.fee_bps"]


@pytest.mark.parametrize(
    ("portfolio", "sweep", "told"),
    [
        (
            {"costs": {"cap": 1.0}},
            {},
            r"\$.portfolio.costs.cap: cap stands under sizing, or",
        ),
        (
            {"costs": {"fee_bsp": 1.0}},
            {},
            "costs.fee_bsp: there is no 'fee_bsp'; did you mean fee_bps",
        ),
        ({"costs": {"fee_bps": 1.0}, "fee_bps": 2.0}, {}, r"\$.portfolio.costs.fee_bps is there twice"),
        ({"costs": 5}, {}, r"\$.portfolio.costs should be terms and values, as {fee_bps: ...}, it is 5"),
        ({"costs": {"fee_bps": -1.0}}, {}, r"\$.portfolio.fee_bps"),
        ({}, {"portfolio.fee_bps": [1.0], "portfolio.costs.fee_bps": [2.0]}, r"costs.fee_bps is there twice"),
        ({}, {"portfolio.sizing.fee_bps": [1.0, 2.0]}, r"\$.sweep.portfolio.sizing.fee_bps"),
    ],
)
def test_what_is_misplaced_is_named(portfolio, sweep, told):
    with pytest.raises(ConfigError, match=told):
        decode(study(portfolio, sweep))

import msgspec
import pytest

from flotilla.model.terms import PortfolioConfig
from flotilla.research.report.assumptions import ALWAYS, NOT_MODELLED, assumptions_of

DEFAULTS = msgspec.structs.asdict(PortfolioConfig())


def said(about, instruments=20, fields=("close",), **parameters):
    return dict(assumptions_of({**DEFAULTS, **parameters}, instruments, fields))[about]


def test_every_parameter_of_a_portfolio_is_said_in_words():
    titles = {title for title, _ in assumptions_of(DEFAULTS, 20, ("close",))}

    assert len(titles) == len(DEFAULTS) + len(ALWAYS)
    assert titles.isdisjoint(DEFAULTS)


def test_a_parameter_that_is_not_known_is_printed_as_it_is():
    assert ("moon", "full") in assumptions_of({**DEFAULTS, "moon": "full"}, 20, ("close",))


@pytest.mark.parametrize(
    ("parameters", "fields", "price"),
    [
        ({"fill_at": "auto"}, ("open", "close"), "opening price"),
        ({"fill_at": "auto"}, ("close",), "closing price. The data have no open."),
        ({"fill_at": "close"}, ("open", "close"), "closing price."),
        ({"fill_at": "open"}, ("open", "close"), "opening price"),
    ],
)
def test_it_says_at_which_price_of_which_bar_an_order_fills(parameters, fields, price):
    words = said("When orders fill, and at which price", fields=fields, **parameters)

    assert "decided at the close of a bar" in words
    assert price in words


def test_costs_are_said_in_basis_points_and_percent():
    assert said("Fees", fee_bps=10.0).startswith("10 basis points (0.1%)")
    assert said("Fees", fee_bps=0.0) == "None."
    assert (
        said("Slippage", slippage_bps=2.5) == "Every fill is 2.5 basis points (0.025%) worse than the price."
    )


def test_sizing_at_the_fill_is_called_kinder_than_life():
    assert "kinder than life" in said("Sizing", size_at="fill")
    assert "fixed at the decision" in said("Sizing", size_at="decision")


def test_the_smallest_trade_is_said_in_money():
    assert said("Smallest trade", min_trade=0.0) == "No trade is too small."
    assert said("Smallest trade", min_trade=500.0).startswith("An order worth less than 500.00 is not sent")


def test_limits_and_shares_are_said_as_percentages():
    assert said("Drawdown limit", max_drawdown=0.25).startswith("25% below the peak")
    assert (
        said("Weight of an instrument")
        == "A signal of 1 for one instrument is worth an equal share of equity: 1/20."
    )
    assert "12.5% of equity" in said("Weight of an instrument", allocation=0.125)
    assert said("Lots", lot=1.0) == "Whole lots of 1, rounded toward zero."


def test_survivors_and_market_impact_are_named_as_not_modelled():
    titles = [title for title, _ in NOT_MODELLED]

    assert {"Market impact", "Liquidity", "Tax", "Instruments that are gone"} <= set(titles)

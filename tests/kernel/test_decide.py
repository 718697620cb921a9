"""What a portfolio asks for, and when it asks for nothing."""

from math import nan

import numpy as np
import pytest
from tests.kernel.worlds import FOLDER, by_hand, panel_of

from flotilla.config import decode
from flotilla.research import sweep


def units(result, i=0):
    return result.positions[:, i].tolist()


def test_a_level_is_traded_once_and_left_to_drift_or_kept_at_every_bar():
    close, told = [[10.0], [10.0], [20.0], [20.0]], [[1.0]] * 4

    assert units(by_hand(close, told)) == [0.0, 50.0, 50.0, 50.0]
    assert units(by_hand(close, told, rebalance="bar")) == [0.0, 50.0, 50.0, 37.5]  # half of 1,500


def test_an_opinion_that_is_not_known_keeps_what_there_is_and_zero_sells_it():
    result = by_hand([[10.0]] * 5, [[1.0], [nan], [nan], [0.0], [nan]])

    assert units(result) == [0.0, 50.0, 50.0, 50.0, 0.0]


def test_a_negative_opinion_is_flat_because_a_cash_account_cannot_be_short():
    result = by_hand([[10.0]] * 4, [[1.0], [-1.0], [-0.5], [-1.0]])

    assert units(result) == [0.0, 50.0, 0.0, 0.0]


def test_quantities_are_whole_lots_toward_zero():
    result = by_hand([[30.0]] * 2, [[1.0], [1.0]], lot=5.0)

    assert units(result) == [0.0, 15.0]  # 500 would buy 16.7


@pytest.mark.parametrize("size_at", ["decision", "fill"])
def test_what_is_worth_less_than_the_smallest_trade_is_not_traded(size_at):
    close = [[10.0], [10.0], [11.0], [11.0], [20.0], [20.0]]

    result = by_hand(close, [[1.0]] * 6, size_at=size_at, rebalance="bar", min_trade=100.0, allocation=0.4)

    # At 11 it would be a trade of 26.
    assert units(result) == [0.0, 40.0, 40.0, 40.0, 40.0 if size_at == "decision" else 28.0, 28.0]


def test_without_a_price_nothing_is_decided():
    result = by_hand([[10.0], [nan], [10.0], [10.0]], [[0.0], [1.0], [nan], [nan]])

    assert result.orders == []  # what was said while there was no price was said to nobody


def test_a_new_wish_replaces_the_order_that_rests_and_one_for_nothing_cancels_it():
    opens = [[10.0], [nan], [nan], [10.0], [10.0]]

    replaced = by_hand([[10.0]] * 5, [[1.0], [0.5], [0.5], [0.5], [0.5]], opens=opens)
    cancelled = by_hand([[10.0]] * 5, [[1.0], [0.0], [0.0], [0.0], [0.0]], opens=opens)

    assert [(f.bar, f.quantity) for f in replaced.fills] == [(3, 25.0)]
    assert [(o.bar, o.quantity) for o in cancelled.orders] == [(0, 50.0), (1, 0.0)]
    assert cancelled.fills == []


def test_at_its_drawdown_limit_a_portfolio_sells_all_and_stays_flat():
    close = [[10.0], [10.0], [8.0], [20.0], [20.0], [20.0]]

    result = by_hand(close, [[1.0], [1.0], [1.0], [1.0], [0.0], [1.0]], max_drawdown=0.1)

    assert units(result) == [0.0, 50.0, 50.0, 0.0, 0.0, 0.0]
    assert result.equity.tolist() == [1000.0, 1000.0, 900.0, 1500.0, 1500.0, 1500.0]


def test_what_does_not_trade_when_the_limit_is_hit_is_sold_when_it_trades_again():
    close = [[10.0, 10.0], [10.0, 10.0], [7.0, nan], [7.0, nan], [7.0, 10.0], [7.0, 10.0]]

    result = by_hand(close, [[1.0, 1.0]] * 6, max_drawdown=0.1, allocation=0.4)

    assert units(result, 0) == [0.0, 40.0, 40.0, 0.0, 0.0, 0.0]
    assert units(result, 1) == [0.0, 40.0, 40.0, 40.0, 40.0, 0.0]


@pytest.mark.parametrize("lanes", [1, 16, 43, 300, 1000])
def test_the_news_of_a_single_lane_is_not_missed_wherever_it_sits(lanes):
    # Lane n has one opinion of its own, on bar n, when all others are quiet.
    bars = lanes + 2
    panel = panel_of({"close": np.full((bars, 1), 10.0), "told0": np.arange(float(bars))[:, None]})
    config = {"name": "quiet", "strategies": {"s": {"kind": "told:since"}}, "portfolio": {"fee_bps": 0}}

    listed = {"s.n": list(range(lanes))}
    table = sweep(decode(config), panel=panel, folder=FOLDER, portfolios=listed).table.sort("portfolio")

    assert table["orders"].to_list() == [1.0] * lanes
    invested = (table["exposure"] * bars).round().to_list()
    assert invested == [float(bars - 1 - n) for n in range(lanes)]

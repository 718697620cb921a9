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


def test_a_signal_that_is_not_known_keeps_what_there_is_and_zero_sells_it():
    result = by_hand([[10.0]] * 5, [[1.0], [nan], [nan], [0.0], [nan]])

    assert units(result) == [0.0, 50.0, 50.0, 50.0, 0.0]


def test_a_negative_signal_is_flat_because_a_cash_account_cannot_be_short():
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
    # Lane n has one signal of its own, on bar n, when all others are quiet.
    bars = lanes + 2
    panel = panel_of({"close": np.full((bars, 1), 10.0), "told0": np.arange(float(bars))[:, None]})
    config = {"name": "quiet", "strategies": {"s": {"kind": "told:since"}}, "portfolio": {"fee_bps": 0}}

    listed = {"s.n": list(range(lanes))}
    table = sweep(decode(config), panel=panel, folder=FOLDER, portfolios=listed).table.sort("portfolio")

    assert table["orders"].to_list() == [1.0] * lanes
    invested = (table["exposure"] * bars).round().to_list()
    assert invested == [float(bars - 1 - n) for n in range(lanes)]


def test_silence_leaves_a_holding_as_it_is_and_every_word_restores_it():
    close, told = [[10.0], [10.0], [20.0], [20.0], [20.0], [20.0]], [[1.0], [nan], [nan], [nan], [1.0], [nan]]

    result = by_hand(close, told, rebalance="bar")

    assert units(result) == [0.0, 50.0, 50.0, 50.0, 50.0, 37.5]  # half of 1,500 at 20, when it said so again
    assert [o.bar for o in result.orders] == [0, 4]


def test_a_calendar_restores_what_was_last_decided_whatever_is_said_that_day():
    days = np.array([10_985, 10_986, 10_987, 10_988, 10_989])  # 29 January 2000 to 2 February
    close, told = [[10.0], [10.0], [20.0], [20.0], [20.0]], [[1.0], [nan], [nan], [nan], [nan]]

    assert units(by_hand(close, told, days=days, rebalance="month")) == [0.0, 50.0, 50.0, 50.0, 37.5]
    assert units(by_hand(close, told, days=days, rebalance="month_end")) == [0.0, 50.0, 50.0, 37.5, 37.5]
    assert units(by_hand(close, told, days=days, rebalance="quarter")) == [0.0, 50.0, 50.0, 50.0, 50.0]


def test_between_two_days_of_a_calendar_a_new_word_is_traded_at_once():
    result = by_hand([[10.0]] * 4, [[1.0], [0.5], [0.0], [0.0]], rebalance="year")

    assert units(result) == [0.0, 50.0, 25.0, 0.0]


def test_what_has_no_price_on_the_day_is_restored_when_it_has_one():
    days = np.array([10_985, 10_986, 10_988, 10_989, 10_990])  # 31 January is missing; 1 to 3 February
    close, told = [[10.0, 10.0], [10.0, 10.0], [20.0, nan], [20.0, 10.0], [20.0, 10.0]], [[1.0, 0.5]] * 5

    result = by_hand(close, told, days=days, rebalance="month", allocation=0.4)

    assert [(o.bar, o.instrument, o.quantity) for o in result.orders[2:]] == [
        (2, "I0", -12.0),
        (3, "I1", 8.0),
    ]


def test_within_its_band_a_weight_is_left_alone_and_beyond_it_is_restored_whole():
    close = [[10.0], [10.0], [11.0], [12.5], [12.5], [12.5]]  # 52.4 %, then 55.6 % of equity

    result = by_hand(close, [[1.0]] * 6, rebalance={"band": 0.05})

    assert units(result) == [0.0, 50.0, 50.0, 50.0, 45.0, 45.0]  # half of 1,125
    assert [o.bar for o in result.orders] == [0, 3]


def test_a_band_is_looked_at_on_the_days_of_its_calendar():
    days = np.array([10_985, 10_986, 10_987, 10_988, 10_989])
    close = [[10.0], [10.0], [20.0], [11.0], [11.0]]

    far = by_hand(close, [[1.0]] * 5, days=days, rebalance={"every": "month", "band": 0.02})
    near = by_hand(close, [[1.0]] * 5, days=days, rebalance={"every": "month", "band": 0.03})

    assert [o.bar for o in far.orders] == [0, 3]  # 52.38 % on 1 February, 66.67 % the day before
    assert [o.bar for o in near.orders] == [0]


@pytest.mark.parametrize("size_at", ["decision", "fill"])
def test_after_the_drawdown_limit_nothing_is_left_whatever_the_smallest_trade(size_at):
    close = [[10.0], [10.0], [4.0], [4.0], [4.0]]

    result = by_hand(close, [[1.0]] * 5, max_drawdown=0.2, min_trade=250.0, size_at=size_at)

    assert units(result) == [0.0, 50.0, 50.0, 0.0, 0.0]  # 50 at 4 are worth 200


def test_an_instrument_has_the_allocation_that_it_is_told():
    result = by_hand([[10.0, 20.0]] * 3, [[1.0, 1.0]] * 3, allocation={"I0": 0.6, "I1": 0.4})

    assert result.positions[-1].tolist() == [60.0, 20.0]

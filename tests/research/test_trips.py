"""Purchases and sales are paired, the first bought first, and their profits add up."""

from math import isnan

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.model.records import Fill
from flotilla.research import run
from flotilla.research.trips import trip_stats, trips_of
from flotilla.testing import made_market

DAY = 86_400_000_000_000


def fill(day, quantity, price, fee=0.0, instrument="X"):
    name = f"p-{day:08d}-{instrument}-0"
    return Fill(f"{name}-f0", name, "p", instrument, day * DAY, day, price, quantity, fee)


def test_a_purchase_that_is_sold_whole_is_one_trip():
    (trip,), held = trips_of([fill(0, 10.0, 100.0, 1.0), fill(5, -10.0, 110.0, 2.0)])

    assert trip == ("X", 10.0, 0, 5 * DAY, 100.0, 110.0, pytest.approx(3.0), pytest.approx(97.0))
    assert trip.gain == pytest.approx(0.097)
    assert trip.days == 5.0
    assert held == []


def test_a_purchase_that_is_sold_in_parts_is_as_many_trips_and_its_fee_is_split():
    closed, held = trips_of(
        [fill(0, 10.0, 100.0, 5.0), fill(1, -4.0, 110.0), fill(3, -3.0, 90.0)], {"X": 120.0}
    )

    assert [(t.quantity, t.profit) for t in closed] == [(4.0, 38.0), (3.0, -31.5)]
    assert [(t.quantity, t.left, t.exit, t.profit) for t in held] == [(3.0, None, 120.0, 58.5)]
    assert isnan(held[0].days)


def test_the_first_bought_is_sold_first():
    closed, held = trips_of([fill(0, 5.0, 10.0), fill(1, 5.0, 20.0), fill(2, -7.0, 30.0)])

    assert [(t.entry, t.quantity, t.profit) for t in closed] == [(10.0, 5.0, 100.0), (20.0, 2.0, 20.0)]
    assert [(t.entry, t.quantity) for t in held] == [(20.0, 3.0)]
    assert isnan(held[0].profit)


def test_a_sale_of_what_is_not_held_is_a_short_trip_and_a_fill_may_turn_it():
    closed, held = trips_of([fill(0, -5.0, 10.0), fill(1, 8.0, 9.0)], {"X": 9.0})

    assert [(t.quantity, t.profit, t.gain) for t in closed] == [(-5.0, 5.0, 0.1)]
    assert [(t.quantity, t.profit) for t in held] == [(3.0, 0.0)]


def test_the_dust_of_rounding_is_no_trip():
    closed, held = trips_of([fill(0, 0.1, 10.0), fill(1, 0.2, 10.0), fill(2, -0.3, 10.0), fill(3, 1.0, 5.0)])

    assert [t.quantity for t in closed] == pytest.approx([0.1, 0.2])
    assert [t.quantity for t in held] == [1.0]


def test_statistics_are_those_of_the_closed_trips():
    days = [fill(0, 1.0, 100.0), fill(2, -1.0, 150.0), fill(3, 1.0, 100.0), fill(7, -1.0, 80.0)]

    told = trip_stats(trips_of([*days, fill(8, 1.0, 100.0)]).closed)

    assert told == pytest.approx({
        "trips": 2.0, "win_rate": 0.5, "profit_factor": 2.5, "mean_trip": 0.15,
        "best_trip": 0.5, "worst_trip": -0.2, "holding": 3.0,
    })  # fmt: skip


def test_without_a_trip_or_a_loss_nothing_is_made_up():
    nothing, only_gains = trip_stats([]), trip_stats(trips_of([fill(0, 1.0, 1.0), fill(1, -1.0, 2.0)]).closed)

    assert nothing["trips"] == 0.0
    assert all(isnan(value) for name, value in nothing.items() if name != "trips")
    assert isnan(only_gains["profit_factor"])


@pytest.mark.parametrize("rebalance", ["change", "bar"])
def test_the_profits_of_all_trips_are_what_the_portfolio_earned(rebalance):
    result = run(
        decode({
            "name": "all",
            "strategies": {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}},
            "portfolio": {"slippage_bps": 5, "rebalance": rebalance},
        }),
        panel=made_market(seed=3, bars=300, instruments=4),
    )  # fmt: skip
    marks = dict(zip(result.panel.instruments, result.market.marks[-1].tolist(), strict=True))

    closed, held = trips_of(result.fills, marks)

    assert len(closed) > 20
    earned = sum(trip.profit for trip in [*closed, *held])
    assert earned == pytest.approx(result.equity[-1] - 1e6, rel=1e-9)
    assert sum(t.fees for t in [*closed, *held]) == pytest.approx(sum(f.fee for f in result.fills), rel=1e-6)
    still = dict.fromkeys(result.panel.instruments, 0.0)
    for trip in held:
        still[trip.instrument] += trip.quantity
    assert np.array([*still.values()]) == pytest.approx(result.positions[-1], rel=1e-6, abs=1e-6)

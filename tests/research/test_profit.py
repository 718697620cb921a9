"""The profits of the instruments add up to the portfolio's."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.model.records import Fill
from flotilla.research import run
from flotilla.research.profit import ROWS, contributions, exposure_by_instrument
from flotilla.testing import made_market


def test_a_profit_is_what_was_got_and_is_held_less_what_was_paid():
    fills = [
        Fill("a", "a", "p", "X", 1, 1, 10.0, 5.0, 1.0),
        Fill("b", "b", "p", "X", 2, 2, 12.0, -2.0, 0.5),
    ]
    positions, marks = (
        np.array([[0.0, 0.0], [5.0, 0.0], [3.0, 0.0]]),
        np.array([[9.0, np.nan], [10.0, 1.0], [12.0, 1.0]]),
    )

    x, y = contributions(("X", "Y"), fills, positions, marks, np.array([100.0, 99.0, 108.5]))

    assert x == (
        "X",
        3 * 12.0 - 50.0 + 24.0 - 1.5,
        1.5,
        74.0,
        2,
        pytest.approx((0 + 50 / 99 + 36 / 108.5) / 3),
    )
    assert y == ("Y", 0.0, 0.0, 0.0, 0, 0.0)


def test_all_of_them_are_the_portfolio_s():
    result = run(
        decode({"name": "p", "strategies": {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}}}),
        panel=made_market(seed=3, bars=300, instruments=4),
    )

    parts = contributions(
        result.panel.instruments,
        result.fills,
        result.positions,
        result.market.marks[result.bars],
        result.equity,
    )

    assert sum(part.profit for part in parts) == pytest.approx(result.equity[-1] - 1e6, abs=1e-6)
    assert sum(part.fees for part in parts) == pytest.approx(result.measures["fees"])
    assert sum(part.fills for part in parts) == len(result.fills)
    assert sum(part.exposure for part in parts) == pytest.approx(result.measures["exposure"])


def test_no_fills_are_no_profit():
    (x,) = contributions(("X",), [], np.zeros((3, 1)), np.full((3, 1), np.nan), np.ones(3))

    assert x == ("X", 0.0, 0.0, 0.0, 0, 0.0)


def test_a_long_record_is_multiplied_in_stretches():
    rows = 2 * ROWS + 5
    rng = np.random.default_rng(1)
    positions, marks = rng.random((rows, 3)), rng.random((rows, 3))

    assert exposure_by_instrument(positions, marks, np.full(rows, 4.0)) == pytest.approx(
        (positions * marks / 4.0).mean(axis=0)
    )

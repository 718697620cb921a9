"""Portfolios of a sweep that pass through the rows together, each part by itself."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.research import sweep
from flotilla.research.grid import grid_of
from flotilla.research.part import measured_in, parts_of, whole_sweep
from flotilla.research.study import study_of
from flotilla.testing import made_market

SWEEP = {
    "cross.fast": [2, 3, 5],
    "cross.weight": [0.5, 1],
    "portfolio.fee_bps": [0, 10],
    "portfolio.fill_at": ["open", "close"],
}


@pytest.fixture(scope="module")
def study():
    strategies = {"cross": {"kind": "ma_cross"}, "hold": {"kind": "buy_and_hold"}}
    config = decode({"name": "p", "strategies": strategies, "sweep": SWEEP})
    return study_of(config, None, made_market(seed=4, bars=80, instruments=3))


@pytest.fixture(scope="module")
def grid(study):
    return grid_of(study.config, None)


def test_every_portfolio_is_in_one_part_with_the_terms_that_it_shares(study, grid):
    parts = parts_of(study, grid)

    assert sorted(np.concatenate([part.members for part in parts]).tolist()) == [*range(24)]
    assert [part.study.config.portfolio.fill_at for part in parts] == ["open", "close"]
    for part in parts:
        told = {grid.values(k)["portfolio.fill_at"] for k in part.members.tolist()}
        assert told == {part.study.config.portfolio.fill_at}


def test_a_part_alone_has_the_bits_of_the_sweep(study, grid):
    table = sweep(study.config, study.panel).table.sort("portfolio")

    for part in reversed(parts_of(study, grid)):
        market = part.study.market()
        driver = part.driver(market)
        driver.advance(1)
        for name, values in measured_in(driver, market).items():
            wanted = table[name].cast(float).fill_null(np.nan).to_numpy()[part.members]
            assert values.astype(float).tobytes() == wanted.tobytes(), name


def test_weights_that_are_not_swept_are_those_of_the_configuration(study, grid):
    shares = whole_sweep(study, grid).shares()

    assert shares["hold"].tolist() == [1.0] * 24
    assert shares["cross"].tolist() == [grid.values(k)["cross.weight"] for k in range(24)]

"""Many portfolios through the rows of a market, a stretch at a time."""

import numpy as np
import pytest

from flotilla.model.terms import PortfolioConfig
from flotilla.plugins import find
from flotilla.portfolio.lanes import NOWHERE, LaneDriver
from flotilla.research.market import market_for
from flotilla.stage.lanes import plan_lanes, tree_of
from flotilla.stream.arrays import decode_arrays, encode_arrays
from flotilla.testing import made_market

COUNT = 300


@pytest.fixture(scope="module")
def market():
    return market_for(made_market(seed=8, bars=150, instruments=3), PortfolioConfig(), "p", None)


@pytest.fixture
def made(market, monkeypatch):
    """Return a maker of drivers of 300 crossovers, with a stretch of 16 rows."""
    monkeypatch.setattr("flotilla.portfolio.lanes.FEATURE_BYTES", 1)
    fast, slow = np.tile(np.arange(2, 12), 30), np.repeat(np.arange(12, 42), 10)

    def make(edges=NOWHERE):
        tree = tree_of(find("strategy", "ma_cross"), {"fast": fast, "slow": slow}, "s")
        plan = plan_lanes([tree], [np.ones(COUNT)], 10, 3)
        return LaneDriver(plan, plan.features, market.fields, PortfolioConfig(), {}, market, edges)

    return make


def sums(driver):
    return [array.tobytes() for array in driver.sums()]


def test_it_stops_after_every_stretch_to_be_written_down(made):
    told = []

    made().advance(2, told.append)

    assert told == [*range(16, 150, 16), 150]


def test_from_any_stretch_it_goes_on_with_the_same_bits(made):
    whole, states = made(), []
    whole.advance(1, lambda done: states.append(encode_arrays(whole.state())))

    for kept in states[:-1:3]:
        driver = made()
        driver.restore(decode_arrays(kept))
        driver.advance(2)

        assert sums(driver) == sums(whole)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_sheet_holds_the_sums_as_they_stood_after_its_rows(made, workers):
    edges = np.array([0, 1, 15, 16, 17, 31, 80, 149])  # within stretches of 16 rows, and at their ends
    driver = made(edges)

    driver.advance(workers)

    sheet = driver.sheet()
    assert sheet.edges.tolist() == edges.tolist()
    for e, row in enumerate(edges):
        shorter = made()
        shorter.market = shorter.market._replace(close=shorter.market.close[: row + 1])
        shorter.advance(1)
        for name in ("equity", "total", "square"):
            assert getattr(sheet, name)[e].tobytes() == getattr(shorter.sums(), name).tobytes()


def test_a_sheet_is_part_of_the_state_that_it_goes_on_from(made):
    edges, states = np.arange(0, 150, 7), []
    whole = made(edges)
    whole.advance(1, lambda done: states.append(encode_arrays(whole.state())))

    for kept in states[:-1:3]:
        driver = made(edges)
        driver.restore(decode_arrays(kept))
        driver.advance(2)

        assert [noted.tobytes() for noted in driver.sheet()] == [noted.tobytes() for noted in whole.sheet()]


def test_a_state_is_of_its_moment_while_the_next_stretch_is_computed(made):
    driver, states = made(), []

    def arrived(done):
        states.append((encode_arrays(driver.state()), encode_arrays(driver.state())))

    driver.advance(2, arrived)

    assert all(one == two for one, two in states)


def test_every_portfolio_has_its_own_sums(made):
    driver = made()

    driver.advance(2)

    assert driver.sums().equity.shape == (COUNT,)
    assert len(set(driver.sums().equity.tolist())) > 100


def test_the_memory_predicted_is_that_of_bars_marks_books_and_stretches_of_features(made, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # a desk
    driver = made()

    features = 2 * 16 * 3 * len(driver.plan.features) * 8
    own = [
        (*block.book, *block.sums, *program)
        for block, program in zip(driver.blocks, driver.plan.programs, strict=True)
    ]
    books = sum(array.nbytes for arrays in own for array in arrays)
    bars = sum(array.nbytes for array in driver.market.panel.fields.values())
    held = features + books + bars + 2 * 150 * 3 * 8

    assert held < driver.predicted_bytes() < 2.5 * held

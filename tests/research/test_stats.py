"""All statistics are put together in one place, under the names that are declared."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.model.measures import MEASURES, RANKED
from flotilla.research import run
from flotilla.research.stats import stats_of
from flotilla.testing import made_market


@pytest.fixture(scope="module")
def result():
    strategies = {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}}
    return run(
        decode({"name": "p", "strategies": strategies}), panel=made_market(seed=3, bars=300, instruments=4)
    )


def test_they_are_those_that_are_declared_in_their_order(result):
    benchmark = 2.0 + np.sin(np.arange(len(result.ts)))

    told = stats_of(result.ts, result.equity, result.fills, 252.0, benchmark)

    assert list(told) == [name for name in MEASURES if name not in RANKED]
    assert all(np.isfinite(value) for value in told.values())


def test_without_a_benchmark_nothing_is_relative(result):
    told = stats_of(result.ts, result.equity, result.fills, 252.0)

    assert {MEASURES[name].group for name in told} == {"returns", "trips"}


def test_days_are_those_of_the_zone():
    evening = np.array(["2020-01-01T20:00", "2020-01-02T00:30", "2020-01-02T20:00"], "datetime64[ns]").astype(
        np.int64
    )
    equity = np.array([100.0, 120.0, 120.0])

    assert stats_of(evening, equity, [], 252.0)["best_day"] == pytest.approx(0.2)
    assert stats_of(evening, equity, [], 252.0, zone="America/New_York")["worst_day"] == 0.0
    assert stats_of(evening, equity, [], 252.0, zone="America/New_York")["best_day"] == pytest.approx(0.2)

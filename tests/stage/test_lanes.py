"""Every portfolio of a sweep is the one that its own parameters make, however the strategy uses them."""

from math import isnan
from pathlib import Path

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
from flotilla.model.measures import RANKED
from flotilla.plugins import find
from flotilla.research import run, sweep
from flotilla.stage.expression import Node, close
from flotilla.stage.lanes import as_tree, block_size, distinct, plan_lanes, tree_of
from flotilla.stage.operators import sma
from flotilla.testing import made_market

FOLDER = Path(__file__).parent  # of swept.py

SWEEPS = {
    "cross": {"fast": {"from": 2, "to": 8}, "slow": {"from": 9, "to": 30, "step": 3}},
    "computes": {"n": {"from": 2, "to": 9}, "gap": [0.0, 0.5, 1.25]},
    "branches": {"n": {"from": 3, "to": 8}, "slow": [9, 20]},
    "equals": {"n": {"from": 2, "to": 8}},
    "powers": {"n": {"from": 2, "to": 8}, "x": [-2.04, 0.5, 3.0]},
    "constant": {"size": [0.0, 0.25, 1.0]},
    "sized": {"n": [2, 5, 3], "size": [0.1, 0.5, 1.0], "floor": [-0.05, 0.0, 0.01]},
    "banked": {"n": [2, 5], "under": [20.0, 30.5, 45.0], "over": [50, 70]},
    "inverted": {"x": [45.0, 50.0, 55.0]},
    "clamped": {"n": [2, 5], "gain": [0.1, 0.7, -3.0]},
    "ranked": {"n": [2, 5, 9], "top": [0.4, 0.5, 0.9]},
    "told": {"of": ["fast", "slow"], "flag": [True, False], "n": [None, 5]},
    "Above": {"n": [2, 5, 9]},
    "Faded": {"rate": [0.01, 0.2, 1.0]},
    "Streak": {"n": [1, 2, 3]},
}


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=5, bars=150, instruments=4)


def measures_of(result, k):
    row = result.table.filter(result.table["portfolio"] == k).row(0, named=True)
    return [float("nan") if row[name] is None else row[name] for name in RANKED]


def same(a, b):
    return all(x == y or (isnan(x) and isnan(y)) for x, y in zip(a, b, strict=True))


def assert_each_alone(result, panel, some=12):
    """Assert that portfolios of a sweep, evenly spread, have the measures of `run`, in every bit."""
    for k in range(0, result.grid.size, -(-result.grid.size // some)):
        alone = run(result.config_of(k), panel=panel, folder=FOLDER)
        assert same(measures_of(result, k), alone.measures.values()), result.grid.values(k)
    assert result.table["orders"].sum() > 0.0


@pytest.mark.parametrize("name", SWEEPS)
def test_a_swept_strategy_is_in_each_portfolio_the_one_of_its_own_parameters(name, panel):
    config = {
        "name": "swept",
        "strategies": {"s": {"kind": f"swept:{name}"}},
        "sweep": {f"s.{key}": values for key, values in SWEEPS[name].items()},
    }

    result = sweep(decode(config), panel=panel, folder=FOLDER)

    assert_each_alone(result, panel)


def test_several_strategies_may_be_swept_at_once_with_their_weights(panel):
    config = {
        "name": "swept",
        "strategies": {
            "a": {"kind": "swept:cross", "weight": 2.0},
            "b": {"kind": "swept:Streak"},
            "c": {"kind": "swept:sized", "params": {"size": 0.75}},
        },
        "sweep": {
            "a.fast": [2, 3, 4],
            "b.n": [1, 2],
            "b.weight": [0.0, 1.0, 5.0],
            "c.floor": [-0.01, 0.0],
            "portfolio.allocation": [None, 0.1],
            "portfolio.max_drawdown": [None, 0.1],
            "portfolio.fee_bps": [0, 25],
        },
    }

    result = sweep(decode(config), panel=panel, folder=FOLDER)

    assert_each_alone(result, panel, some=40)


def test_strategies_may_take_more_steps_than_there_are_things_to_look_at(panel):
    config = {
        "name": "swept",
        "strategies": {name: {"kind": "swept:inverted"} for name in "abc"},
        "sweep": {"a.x": [45.0, 55.0], "c.x": [45.0, 50.0]},
    }

    result = sweep(decode(config), panel=panel, folder=FOLDER)

    assert_each_alone(result, panel)


def test_a_plan_computes_each_average_once():
    fast, slow = (
        np.ravel(axis) for axis in np.meshgrid(np.arange(2, 102), np.arange(105, 305, 2), indexing="ij")
    )
    cross = find("strategy", "ma_cross")

    plan = plan_lanes([tree_of(cross, {"fast": fast, "slow": slow}, "x")], [np.ones(10_000)], 100, 20)

    assert set(plan.features) == {sma(close, n) for n in [*range(2, 102), *range(105, 305, 2)]}
    assert sum(program.share.shape[1] for program in plan.programs) == 10_000


def test_a_strategy_with_few_forms_is_computed_once_for_each():
    def level(x: float) -> Node:
        return close > x

    plan = plan_lanes([tree_of(level, {"x": np.repeat([1.0, 2.0], 500)}, "x")], [np.ones(1000)], 1000, 20)

    assert set(plan.features) == {close > 1.0, close > 2.0}


def test_blocks_are_in_step_with_the_innermost_axis():
    assert block_size(100, 10_000, 20) % 100 == 0
    assert 1000 % block_size(1000, 10_000, 20) == 0
    assert block_size(1, 1, 20) == 1
    assert all(1 <= block_size(period, n, 20) <= n for n in range(1, 300, 7) for period in (1, 3, n))


def test_equal_rows_of_parameters_are_one():
    first, which = distinct([np.array([1, 1, 2, 1]), np.array([0.5, 0.5, 0.5, 0.7])])

    assert len(first) == 3
    assert which.tolist() == [which[0], which[0], which[2], which[3]]
    assert [first[w] for w in which] == [0, 0, 2, 3]


def test_what_is_no_strategy_says_what_it_gave():
    with pytest.raises(ConfigError, match="strategy 'mine' gave int; it must give an expression, a Window"):
        as_tree(3, "mine")

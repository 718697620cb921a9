"""The portfolios of a sweep, as columns."""

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError
from flotilla.research.grid import families, grid_of, period_of


def config(**sweep):
    axes = {key.replace("__", "."): values for key, values in sweep.items()}
    strategies = {"a": {"kind": "ma_cross"}, "b": {"kind": "ma_cross"}}
    return decode({"name": "grid", "strategies": strategies, "sweep": axes})


def test_portfolios_are_the_product_and_the_last_key_changes_fastest():
    grid = grid_of(config(a__fast=[2, 3], a__slow=[10, 20, 30]), None)

    assert grid.size == 6
    assert [grid.values(k) for k in (0, 1, 3)] == [
        {"a.fast": 2, "a.slow": 10},
        {"a.fast": 2, "a.slow": 20},
        {"a.fast": 3, "a.slow": 10},
    ]


def test_without_a_sweep_there_is_one():
    grid = grid_of(config(), None)

    assert (grid.size, grid.values(0)) == (1, {})


def test_columns_are_numbers_where_all_values_are():
    grid = grid_of(config(a__fast=[2, 3], a__weight=[1, 0.5], portfolio__allocation=[None, 0.5]), None)

    assert grid.column("a.fast").dtype == np.int64
    assert grid.column("a.weight").dtype == np.float64
    assert grid.column("portfolio.allocation").tolist()[:2] == [None, 0.5]


def test_parameters_are_found_by_their_owner():
    grid = grid_of(config(a__fast=[2], b__fast=[3], portfolio__lot=[0, 1]), None)

    assert grid.of("b") == {"fast": "b.fast"}
    assert grid.of("portfolio") == {"lot": "portfolio.lot"}


def test_a_list_keeps_its_order_and_what_is_equal_is_one_value():
    grid = grid_of(config(), {"a.fast": [9, 2, 9], "portfolio.allocation": [None, 0.5, None]})

    assert [grid.values(k)["a.fast"] for k in range(3)] == [9, 2, 9]
    assert [grid.values(k)["portfolio.allocation"] for k in range(3)] == [None, 0.5, None]
    assert grid.axes["a.fast"] == (2, 9)


def test_a_list_of_numpys_numbers_is_one_of_pythons():
    grid = grid_of(config(), {"a.fast": np.array([3, 2])})

    assert [type(value) for value in grid.axes["a.fast"]] == [int, int]


@pytest.mark.parametrize("listed", [{}, {"a.fast": []}, {"a.fast": [1], "a.slow": [1, 2]}])
def test_a_list_needs_a_value_for_each_portfolio_and_key(listed):
    with pytest.raises(ConfigError, match="one value each for every key"):
        grid_of(config(), listed)


def test_families_share_what_decides_which_code_runs():
    grid = grid_of(
        config(portfolio__size_at=["decision", "fill"], a__fast=[2, 3], portfolio__lot=[0, 1]), None
    )

    found = families(grid)

    assert [shared for shared, _ in found] == [{"size_at": "decision"}, {"size_at": "fill"}]
    assert sorted(np.concatenate([members for _, members in found]).tolist()) == list(range(8))
    for shared, members in found:
        assert {grid.values(k)["portfolio.size_at"] for k in members.tolist()} == set(shared.values())


def test_neighbours_in_a_family_differ_in_their_strategies_first():
    grid = grid_of(config(a__fast=[2, 3], portfolio__lot=[0, 1]), None)

    ((_, members),) = families(grid)

    assert [grid.values(k) for k in members.tolist()] == [
        {"a.fast": 2, "portfolio.lot": 0},
        {"a.fast": 3, "portfolio.lot": 0},
        {"a.fast": 2, "portfolio.lot": 1},
        {"a.fast": 3, "portfolio.lot": 1},
    ]


def test_the_innermost_axis_of_the_strategies_is_the_period():
    product = grid_of(config(a__fast=[2, 3], a__slow=[10, 20, 30], portfolio__lot=[0, 1]), None)
    listed = grid_of(config(), {"a.fast": [2, 3, 4, 2]})

    assert period_of(product, np.arange(12)) == 3
    assert period_of(listed, np.arange(4)) == 4


@pytest.mark.parametrize("values", [[9, 2, 9], [2**70, 3], [1.5, 2], ["b", "a", "b"], [None, 1]])
def test_a_list_an_array_and_numbers_of_any_size_give_the_same_portfolios(values):
    listed = grid_of(config(), {"a.x": values})
    array = grid_of(config(), {"a.x": np.array(values, object)})

    assert [listed.values(k)["a.x"] for k in range(len(values))] == values
    assert (listed.axes, listed.codes["a.x"].tolist()) == (array.axes, array.codes["a.x"].tolist())
    assert all(type(one) in (int, float, str, type(None)) for one in listed.axes["a.x"])

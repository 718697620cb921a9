import math
import statistics

import numpy as np
from tests.research.report.conftest import sweep_of

from flotilla.research.report.surface import spread_of, surface_of, surface_values


def test_a_surface_has_a_cell_for_every_pair():
    sweep = sweep_of({"fast": [2, 3], "slow": [10, 20, 30]})

    surface = surface_of(sweep)

    assert (surface.rows, surface.columns, surface.over) == ("fast", "slow", ())
    assert surface.values.tolist() == [[12.0, 22.0, 32.0], [13.0, 23.0, 33.0]]
    assert surface.best == (1, 2)


def test_a_cell_shows_the_best_over_the_parameters_that_it_has_no_axis_for():
    sweep = sweep_of(
        {"fee": [9, 5], "fast": [1, 2, 3], "slow": [10, 20, 30]}, score=lambda f, a, b: a + b - f
    )

    surface = surface_of(sweep)

    assert (surface.rows, surface.columns, surface.over) == ("fast", "slow", ("fee",))
    assert surface.values[0].tolist() == [6.0, 16.0, 26.0]


def test_the_best_is_the_least_where_less_is_better():
    sweep = sweep_of({"fee": [9, 5], "fast": [1, 2, 3], "slow": [10, 20, 30]}, descending=False)

    surface = surface_of(sweep)

    assert surface.values[0].tolist() == [16.0, 26.0, 36.0]
    assert surface.best == (0, 0)
    assert not spread_of(sweep, surface).higher


def test_one_parameter_alone_makes_a_line():
    surface = surface_of(sweep_of({"fast": [3, 1, 2], "slow": [10]}))

    assert (surface.rows, surface.columns) == ("fast", "")
    assert surface.values.tolist() == [[13.0], [11.0], [12.0]]
    assert surface.best == (0, 0)


def test_a_sweep_of_one_portfolio_has_a_surface():
    assert surface_of(sweep_of({"fast": [3]})).values.tolist() == [[3.0]]


def test_words_make_an_axis_as_numbers_do():
    sweep = sweep_of({"at": ["open", "close"], "n": [1, 2]}, score=lambda at, n: float(n + len(at)))

    assert surface_of(sweep).values.tolist() == [[5.0, 6.0], [6.0, 7.0]]


def test_portfolios_without_the_measure_leave_their_cell_empty_and_are_counted():
    sweep = sweep_of({"a": [1, 2], "b": [1, 2]}, score=lambda a, b: None if a == 2 else float(b))

    surface = surface_of(sweep)
    spread = spread_of(sweep, surface)

    np.testing.assert_array_equal(surface.values, [[1.0, 2.0], [math.nan, math.nan]])
    assert (spread.tried, spread.valued) == (4, 2)
    assert surface_values(sweep).tolist() == [2.0, 1.0]


def test_a_sweep_in_which_nobody_has_the_measure_has_no_spread():
    sweep = sweep_of({"a": [1, 2]}, score=lambda a: math.nan)

    spread = spread_of(sweep, surface_of(sweep))

    assert spread.valued == 0
    assert math.isnan(spread.best)


def test_the_spread_tells_a_plateau_from_a_lonely_peak():
    axes = {"a": list(range(9)), "b": list(range(9))}
    lonely = sweep_of(axes, score=lambda a, b: 5.0 if (a, b) == (4, 4) else 1.0)
    slope = sweep_of(axes, score=lambda a, b: 5.0 - abs(a - 4) - abs(b - 4))

    peak, hill = (spread_of(sweep, surface_of(sweep)) for sweep in (lonely, slope))

    around = [5.0 - abs(a) - abs(b) for a in range(-2, 3) for b in range(-2, 3) if (a, b) != (0, 0)]
    assert (peak.best, peak.median, peak.near) == (5.0, 1.0, 1.0)
    assert hill.near == statistics.median(around)

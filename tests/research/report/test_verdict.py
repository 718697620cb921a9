import math

import numpy as np
import pytest
from tests.research.report.conftest import ns, sweep_of

from flotilla.research.report.data import SweepData
from flotilla.research.report.surface import spread_of, surface_of
from flotilla.research.report.verdict import chosen, luck, sweep_words, verdict

TEN_YEARS = ns("2010-01-01", "2015-01-01", "2020-01-01")


def told(made, equity, benchmark):
    held = None if benchmark is None else np.array(benchmark)
    data = made(
        rows=3, ts=TEN_YEARS, equity=np.array(equity), benchmark=held, exposure=None, fills=(), sweep=None
    )
    return verdict(data).replace("\u00a0", " ")


def test_it_says_what_became_of_the_money_beside_holding(made):
    words = told(made, [1e6, 9e5, 2e6], [1e6, 5e5, 4e6])

    assert words == (
        "1 M became 2 M in 10.0 years (+7.2% a year). Buy and hold would have made it 4 M (+14.9% a year). "
        "At worst the portfolio fell 10% below its peak, buy and hold 50%. So: less than buy and hold "
        "earned, and smaller falls on the way."
    )


@pytest.mark.parametrize(
    ("equity", "benchmark", "end"),
    [
        ([1e6, 9e5, 4e6], [1e6, 5e5, 2e6], "So: more than buy and hold earned, with smaller falls."),
        ([1e6, 4e5, 4e6], [1e6, 5e5, 2e6], "So: more than buy and hold earned, with no smaller falls."),
        ([1e6, 9e5, 2e6], [1e6, 5e5, 2e6], "So: about what buy and hold earned, with smaller falls."),
        ([1e6, 4e5, 1e6], [1e6, 5e5, 2e6], "with no smaller falls. Holding was better in both."),
    ],
)
def test_it_weighs_return_and_falls_against_holding(made, equity, benchmark, end):
    assert told(made, equity, benchmark).endswith(end)


def test_it_says_the_growth_a_year_that_the_measures_say(made):
    data = made(measures={"cagr": 0.123}, benchmark_measures={"cagr": 0.045}, sweep=None)

    assert "+12.3% a year" in verdict(data)
    assert "+4.5% a year" in verdict(data)


def test_without_a_benchmark_it_compares_with_nothing(made):
    assert told(made, [1e6, 9e5, 2e6], None).endswith("On the way it fell 10% below its peak at worst.")


def test_a_short_run_is_not_blown_up_to_a_year(made):
    data = made(rows=30, equity=np.geomspace(1e6, 1.1e6, 30), benchmark=None)

    assert verdict(data).startswith("1\u00a0M became 1.1\u00a0M in 29 days (+10.0%).")


def test_the_best_of_many_is_luck_until_shown_otherwise(made):
    data = made()
    spread = spread_of(data.sweep, surface_of(data.sweep))

    assert luck(spread) == "The best of 9 is luck until shown otherwise."
    assert luck(spread._replace(tried=10_000)) == "The best of 10,000 is luck until shown otherwise."
    assert luck(None) == "The best of many is luck until shown otherwise."


def test_it_says_how_the_portfolio_was_chosen(made):
    spread = spread_of(made().sweep, surface_of(made().sweep))

    assert chosen(made(), spread).startswith(
        "This portfolio was chosen because its Sharpe ratio was the best of 9, on"
    )
    second = made(parameters={"cross.fast": 3, "cross.slow": 30})
    assert chosen(second, spread).startswith(
        "This portfolio is number 2 of 9 by its Sharpe ratio, on the very data"
    )
    assert chosen(made(parameters={}), spread).startswith("9 portfolios were tried, on the very data")
    assert "cannot know how many" in chosen(made(sweep=None), None)


def test_a_sweep_tells_of_its_crowd_its_neighbours_and_the_benchmark(made):
    data = made(benchmark_measures={"sharpe": 24.5})

    words = sweep_words(data, data.sweep, spread_of(data.sweep, surface_of(data.sweep)))

    assert words[0] == "Sharpe ratio: best 34.00, median 23.00, worst 12.00, of 9 portfolios."
    assert "have a median of 22.50." in words[1]
    assert words[2] == "3 of them beat buy and hold (24.50)."


def test_less_is_better_where_the_sweep_is_ranked_that_way(made):
    sweep = sweep_of({"a": [0.1, 0.2, 0.3]}, "max_drawdown", descending=False)
    data = made(sweep=sweep, benchmark_measures={"max_drawdown": 0.25})

    assert "2 of them beat buy and hold (25.0%)." in sweep_words(
        data, sweep, spread_of(sweep, surface_of(sweep))
    )


def test_each_is_held_against_holding_from_its_own_first_day(made):
    sweep = sweep_of({"a": [0.1, 0.2, 0.3]})
    own = SweepData(sweep.axes, sweep.table, sweep.rank_by, np.array([0.35, 0.1, math.nan]))

    words = sweep_words(made(sweep=own), own, spread_of(own, surface_of(own)))

    said = "1 of them beat buying and holding on their own terms and from their own first day (0.10 to 0.35)."
    assert words[-1] == said


def test_portfolios_without_the_measure_are_mentioned(made):
    sweep = sweep_of({"a": [1, 2, 3]}, score=lambda a: math.nan if a == 2 else float(a))
    data = made(sweep=sweep)

    assert "1 more have no value of it." in sweep_words(data, sweep, spread_of(sweep, surface_of(sweep)))

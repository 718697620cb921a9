import numpy as np
import pytest

from flotilla.research.report.risk import SHORTEST, figures, rolled, windows


def test_windows_are_half_a_year_of_returns(made):
    own, other = windows(made(rows=800, a_year=252.0))

    assert own.window == other.window == 126
    assert own.volatility.shape == other.sharpe.shape == (799,)


@pytest.mark.parametrize(("rows", "a_year"), [(251, 252.0), (800, np.nan), (800, 2.0 * SHORTEST - 2.0)])
def test_of_a_short_record_there_are_none(made, rows, a_year):
    data = made(rows=rows, a_year=a_year)

    assert windows(data) is None
    assert rolled(data) is None


def test_the_pictures_say_what_they_are_of(made):
    page = rolled(made(a_year=252.0))

    assert "Of the 126 bars, half a year, that end at each; scaled to a year." in page
    assert page.count("<svg") == 2
    assert page.count('class="other thin"') == 2


def test_equity_that_never_moves_has_no_picture_of_its_ratio(made):
    page = rolled(made(rows=800, equity=np.full(800, 1e6), benchmark=None, a_year=252.0))

    assert "rolling-volatility" in page
    assert "rolling-sharpe" not in page


def test_figures_stand_in_groups_with_the_benchmark_s_where_it_has_any(made):
    told = {"sortino": 1.25, "beta": 0.5, "trips": 12.0, "win_rate": 0.25, "holding": 3.21}

    page = figures(made(statistics=told, benchmark_statistics={"sortino": 0.75}))

    for words in (
        "Returns and their tails",
        "Beside buy and hold",
        "Round trips",
        "1.25",
        "0.75",
        "3.2 days",
    ):
        assert words in page
    assert page.count("<table") == 3
    assert page.count("Buy and hold") == 1


def test_a_group_without_a_figure_is_not_there(made):
    assert figures(made(statistics={"beta": 0.5}, benchmark_name="SPY")).count("<table") == 1

import re

import numpy as np

from flotilla.research.report.charts import equity_and_drawdown, exposure_and_turnover, years


def checked(picture):
    """Return the scale that is shown first."""
    return re.search(r'id="scale-(\w+)" checked', picture).group(1)


def test_growth_of_many_times_is_shown_on_a_log_scale_first(made):
    tenfold = made(benchmark=np.geomspace(1e6, 1e7, 800))
    little = made(benchmark=np.geomspace(1e6, 1.1e6, 800))

    assert checked(equity_and_drawdown(tenfold)) == "log"
    assert checked(equity_and_drawdown(little)) == "linear"


def test_both_scales_are_in_the_page_without_a_script(made):
    picture = equity_and_drawdown(made())

    assert '<g class="log">' in picture
    assert '<g class="linear">' in picture


def test_equity_that_touches_zero_has_a_linear_scale_alone(made):
    equity = np.linspace(1e6, 0.0, 800)

    picture = equity_and_drawdown(made(equity=equity))

    assert "scale-log" not in picture
    assert "<svg" in picture


def test_the_benchmark_is_beside_the_portfolio_in_both_pictures(made):
    beside, alone = equity_and_drawdown(made()), equity_and_drawdown(made(benchmark=None))

    assert "Buy and hold" in beside
    assert 'class="other fill"' in beside
    assert "Buy and hold" not in alone
    assert 'class="other' not in alone


def test_drawdown_hangs_below_equity_on_the_same_axis_of_time(made):
    picture = equity_and_drawdown(made())
    equity, drawdown = picture.split('id="drawdown"')
    uprights = re.compile(r'<path d="(M[\d.]+ 0V1000[^"]*)"')

    assert uprights.search(equity).group(1) == uprights.search(drawdown).group(1)


def test_a_year_has_two_bars_and_says_its_figures(made):
    picture = years(made())

    assert "2020\ncross" in picture
    assert picture.count("data-tip") == 4  # 2019 to 2022
    assert "2019 (part of it)" in picture
    assert "A hollow bar is a part of a year." in picture


def test_turnover_is_by_the_month_where_the_data_are_short(made):
    assert "Turnover, by month" in exposure_and_turnover(made(rows=300))
    assert "Turnover, by year" in exposure_and_turnover(made(rows=900))


def test_a_run_without_exposure_or_fills_still_has_its_turnover(made):
    picture = exposure_and_turnover(made(exposure=None, fills=()))

    assert "Exposure over time" not in picture
    assert "Turnover 0.00×" in picture


def test_one_row_is_drawn(made):
    data = made(rows=1, fills=())

    assert all("<svg" in draw(data) for draw in (equity_and_drawdown, years, exposure_and_turnover))
